/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <errno.h>

#define NOT_SET "(not set)"
#define SET "(set)"

#define VALUE_COLUMNS 46

int settings_add(struct config_settings *settings, unsigned line, const struct option_row *option,
                 uint64_t app_id, struct str value)
{
    if (settings->n == settings->capacity) {
        size_t capacity = settings->capacity == 0 ? 32 : 2 * settings->capacity;
        struct config_setting *items = reallocarray(settings->items, capacity, sizeof(*items));
        if (items == NULL) {
            return -ENOMEM;
        }
        settings->items = items;
        settings->capacity = capacity;
    }
    if (option->kind == OPTION_SECRETS) {
        value = STR(SET);
    }
    char *text = strndup(value.len == 0 ? "" : value.ptr, value.len);
    if (text == NULL) {
        return -ENOMEM;
    }
    settings->items[settings->n++] = (struct config_setting){
        .line = line, .option = option, .app_id = app_id, .text = text};
    return 0;
}

void settings_fini(struct config_settings *settings)
{
    for (size_t i = 0; i < settings->n; i++) {
        free(settings->items[i].text);
    }
    free(settings->items);
    *settings = (struct config_settings){0};
}

static void append_value(struct buf *out, const char *key, const char *text)
{
    cleanup(buf_fini) struct buf pair = {0};
    buf_appendf(&pair, "%s = %s", key, text);
    buf_appendf(out, "%-*.*s ; ", VALUE_COLUMNS, STR_FMT(buf_str(&pair)));
}

static void append_default(struct buf *out, const struct option_row *option)
{
    append_value(out, option->key, option->kind == OPTION_SECRETS ? NOT_SET : option->default_text);
    buf_append(out, STR("default\n"));
}

static void append_setting(struct buf *out, const struct config *config, const struct config_setting *setting)
{
    append_value(out, setting->option->key, setting->text);
    config_append_place(out, &config->files, setting->line);
    buf_append_char(out, '\n');
}

/* For a list all values apply, otherwise only the last. */
static void append_option(struct buf *out, const struct config *config, const struct option_row *option,
                          uint64_t app_id)
{
    const struct config_setting *last = NULL;
    for (size_t i = 0; i < config->settings.n; i++) {
        const struct config_setting *setting = &config->settings.items[i];
        if (setting->option != option || setting->app_id != app_id) {
            continue;
        }
        if (option_is_list(option)) {
            append_setting(out, config, setting);
        }
        last = setting;
    }
    if (last == NULL) {
        append_default(out, option);
    } else if (!option_is_list(option)) {
        append_setting(out, config, last);
    }
}

static void append_options(struct buf *out, const struct config *config, const struct option_section *section,
                           uint64_t app_id)
{
    for (size_t i = 0; i < section->n_options; i++) {
        append_option(out, config, &section->options[i], app_id);
    }
}

void config_append_settings(struct buf *out, const struct config *config)
{
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *section = &option_sections[i];
        if (section != option_app_section) {
            buf_appendf(out, "[%s]\n", section->name);
            append_options(out, config, section, 0);
            continue;
        }
        for (size_t k = 0; k < config->n_apps; k++) {
            buf_appendf(out, "[app %s]\n", config->apps[k].id_text);
            append_options(out, config, section, config->apps[k].id);
        }
    }
}
