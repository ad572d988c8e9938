/* SPDX-License-Identifier: MIT */
#include "presenced/config.h"

#include "files.h"
#include "presenced/wipe.h"
#include "settings.h"
#include "value.h"

#include <errno.h>

static void *field_of(const struct option_row *option, void *section)
{
    return (char *)section + option->offset;
}

static int section_defaults(const struct option_section *table, void *section)
{
    for (size_t i = 0; i < table->n_options; i++) {
        const struct option_row *option = &table->options[i];
        struct str refused;
        int r = value_set(option, field_of(option, section), str_from(option->default_text), &refused);
        if (r != 0) {
            return r < 0 ? r : -EINVAL; /* a default outside of its own range, which the tests would find */
        }
    }
    return 0;
}

static void section_fini(const struct option_section *table, void *section)
{
    for (size_t i = 0; i < table->n_options; i++) {
        value_fini(&table->options[i], field_of(&table->options[i], section));
    }
}

int config_defaults(struct config *ret_config)
{
    cleanup(config_fini) struct config config = {0};
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *table = &option_sections[i];
        int r = table == option_app_section ? 0 : section_defaults(table, (char *)&config + table->offset);
        if (r < 0) {
            return r;
        }
    }
    *ret_config = config;
    config = (struct config){0};
    return 0;
}

static void app_fini(struct config_app *app)
{
    section_fini(option_app_section, app);
    for (size_t i = 0; i < CONFIG_N_TOKENS_MAX; i++) {
        wipe_buf(&app->tokens[i]);
    }
    wipe_buf(&app->query_token);
    secret_free(app->secret_key);
    app->secret_key = NULL;
}

void config_fini(struct config *config)
{
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *table = &option_sections[i];
        if (table != option_app_section) {
            section_fini(table, (char *)config + table->offset);
        }
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        app_fini(&config->apps[i]);
    }
    wipe_buf(&config->status.token);
    wipe_buf(&config->replication.password);
    free(config->apps);
    files_fini(&config->files);
    settings_fini(&config->settings);
    *config = (struct config){0};
}

/* App ids are compared as text with what Tencent sends, so there must be only one way to write one. */
static bool parse_app_id(struct str text, uint64_t *ret_id)
{
    return text.len > 0 && text.ptr[0] != '0' && str_parse_u64(text, CONFIG_APP_ID_MAX, ret_id);
}

int config_add_app(struct config *config, struct str id_text)
{
    struct config_app app = {0};
    if (!parse_app_id(id_text, &app.id)) {
        return -EINVAL;
    }
    memcpy(app.id_text, id_text.ptr, id_text.len);
    for (size_t i = 0; i < config->n_apps; i++) {
        if (config->apps[i].id == app.id) {
            return -EEXIST;
        }
    }
    if (config->n_apps == CONFIG_N_APPS_MAX) {
        return -ENOSPC;
    }
    struct config_app *apps = reallocarray(config->apps, config->n_apps + 1, sizeof(*apps));
    if (apps == NULL) {
        return -ENOMEM;
    }
    config->apps = apps;
    int r = section_defaults(option_app_section, &app);
    if (r < 0) {
        app_fini(&app);
        return r;
    }
    config->apps[config->n_apps++] = app;
    return 0;
}

unsigned config_line(const struct config_lines *lines, const char *section, const char *key)
{
    const struct option_section *table = option_find_section(str_from(section));
    const struct option_row *option = table == NULL ? NULL : option_find(table, str_from(key));
    if (option != NULL && lines->keys[option - table->options] != 0) {
        return lines->keys[option - table->options];
    }
    return lines->section != 0 ? lines->section : 1;
}
