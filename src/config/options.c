/* SPDX-License-Identifier: MIT */
#include "presenced/options.h"

#include "presenced/array.h"
#include "presenced/config.h"

#define ROW(section, row_kind, field, row_key, row_default, row_allowed, row_flags, row_meaning) \
    {.key = (row_key),                                                                           \
     .kind = OPTION_##row_kind,                                                                  \
     .offset = offsetof(struct section, field),                                                  \
     .default_text = (row_default),                                                              \
     .allowed = (row_allowed),                                                                   \
     .flags = (row_flags),                                                                       \
     .meaning = (row_meaning)},

static const struct option_row callback_options[] = {CALLBACK_OPTIONS(ROW, config_callback)};
static const struct option_row app_options[] = {APP_OPTIONS(ROW, config_app)};
static const struct option_row presence_options[] = {PRESENCE_OPTIONS(ROW, config_presence)};
static const struct option_row reconcile_options[] = {RECONCILE_OPTIONS(ROW, config_reconcile)};
static const struct option_row status_options[] = {STATUS_OPTIONS(ROW, config_status)};
static const struct option_row store_options[] = {STORE_OPTIONS(ROW, config_store)};
static const struct option_row replication_options[] = {REPLICATION_OPTIONS(ROW, config_replication)};
static const struct option_row control_options[] = {CONTROL_OPTIONS(ROW, config_control)};
static const struct option_row log_options[] = {LOG_OPTIONS(ROW, config_log)};

_Static_assert(N_ELEMENTS(callback_options) <= CONFIG_N_KEYS_MAX, "config_lines has room for every key");

#define SECTION(section_name, section_offset)                                                 \
    {                                                                                         \
        .name = #section_name, .offset = (section_offset), .options = section_name##_options, \
        .n_options = N_ELEMENTS(section_name##_options)                                       \
    }

const struct option_section option_sections[] = {
    SECTION(callback, offsetof(struct config, callback)),
    SECTION(app, 0),
    SECTION(presence, offsetof(struct config, presence)),
    SECTION(reconcile, offsetof(struct config, reconcile)),
    SECTION(status, offsetof(struct config, status)),
    SECTION(store, offsetof(struct config, store)),
    SECTION(replication, offsetof(struct config, replication)),
    SECTION(control, offsetof(struct config, control)),
    SECTION(log, offsetof(struct config, log)),
};

const size_t option_n_sections = N_ELEMENTS(option_sections);

const struct option_section *const option_app_section = &option_sections[1];

const struct option_section *option_find_section(struct str name)
{
    for (size_t i = 0; i < option_n_sections; i++) {
        if (str_equal(str_from(option_sections[i].name), name)) {
            return &option_sections[i];
        }
    }
    return NULL;
}

const struct option_row *option_find(const struct option_section *section, struct str key)
{
    for (size_t i = 0; i < section->n_options; i++) {
        if (str_equal(str_from(section->options[i].key), key)) {
            return &section->options[i];
        }
    }
    return NULL;
}

static void append_range(struct buf *out, const struct option_row *option, const char *noun,
                         const char *units)
{
    struct str highest = str_from(option->allowed);
    struct str lowest;
    (void)str_split(&highest, '.', &lowest);
    buf_appendf(out, "%s from %.*s to %s, %s", noun, STR_FMT(lowest), highest.ptr + 1, units);
}

/* For lists: appends the maximum number of values. */
static void append_count(struct buf *out, const struct option_row *option, const char *noun)
{
    const char *highest = strstr(option->allowed, "..") + 2;
    buf_appendf(out, "%s, at most %s", noun, highest);
}

void option_append_allowed(struct buf *out, const struct option_row *option)
{
    switch (option->kind) {
    case OPTION_BOOL:
        buf_append(out, STR("yes, no, on, off, true or false"));
        break;
    case OPTION_CHOICE:
        buf_append(out, str_from(option->allowed));
        break;
    case OPTION_SIZE:
        append_range(out, option, "a size", "in bytes or with K, M or G");
        break;
    case OPTION_DURATION:
        append_range(out, option, "a time", "with ms, s, m, h or d");
        break;
    case OPTION_COUNT:
        append_range(out, option, "a number", "K, M and G being thousands, millions and billions");
        break;
    case OPTION_TEXT:
    case OPTION_FILE:
        buf_append(out, STR("any text"));
        break;
    case OPTION_URL_PATH:
        buf_append(out, STR("a path that begins with '/' and has no blank, '?' or '#'"));
        break;
    case OPTION_ENDPOINTS:
        append_count(out, option, "IPv4:port, [IPv6]:port, localhost:port, unix:/path or systemd");
        break;
    case OPTION_NETWORKS:
        append_count(out, option, "networks like 192.0.2.0/24 and 2001:db8::/32");
        break;
    case OPTION_NAMES:
        append_count(out, option, "host names without a port");
        break;
    case OPTION_FILES:
        append_count(out, option, "files");
        break;
    case OPTION_SECRETS:
        append_count(out, option, "1 to 256 printable characters without blanks");
        break;
    }
}

static void append_row(struct buf *out, const struct option_row *option)
{
    cleanup(buf_fini) struct buf pair = {0};
    buf_appendf(&pair, "%s = %s", option->key, option->default_text);
    buf_appendf(out, "  %-48.*s ; %s\n", STR_FMT(buf_str(&pair)), option->meaning);
}

void option_append_reference(struct buf *out)
{
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *section = &option_sections[i];
        buf_appendf(out, "\n[%s]\n", section == option_app_section ? "app ID" : section->name);
        for (size_t k = 0; k < section->n_options; k++) {
            append_row(out, &section->options[k]);
        }
    }
}
