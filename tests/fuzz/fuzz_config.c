/* SPDX-License-Identifier: MIT */
/* Input: a configuration file. */
#include "presenced/config.h"

#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>

#define N_ERRORS_MAX 21 /* with the line that says there are more */

static int load(struct str text, struct config *ret_config, struct buf *errors)
{
    char path[64];
    cleanup(buf_fini) struct buf warnings = {0};
    cleanup(cleanup_closep) int fd = memfd_create("config", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, text.ptr, text.len) == (ssize_t)text.len);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int r = config_load(path, ret_config, errors, &warnings);
    FUZZ_CHECK(r == 0 || r == -EINVAL);
    FUZZ_CHECK((r == 0) == (errors->len == 0));
    struct str left = buf_str(errors);
    struct str line = STR("");
    unsigned n_lines = 0;
    while (str_split(&left, '\n', &line) && left.ptr != NULL) {
        FUZZ_CHECK(str_starts_with(line, str_from(path)));
        n_lines++;
    }
    FUZZ_CHECK(line.len == 0 && n_lines <= N_ERRORS_MAX);
    return r;
}

static void write_choice(struct buf *out, const struct option_row *option, unsigned choice)
{
    struct str left = str_from(option->allowed);
    struct str word = STR("");
    for (unsigned i = 0; i <= choice; i++) {
        FUZZ_CHECK(str_split(&left, '|', &word));
    }
    buf_appendf(out, "%s=%.*s\n", option->key, STR_FMT(str_trim(word)));
}

static void write_network(struct buf *out, const struct option_row *option, const struct network *network)
{
    char text[ADDRESS_TEXT_SIZE];
    (void)address_format(&network->base, text);
    buf_appendf(out, "%s=%s/%u\n", option->key, text, network->prefix_bits);
}

static void write_list(struct buf *out, const struct option_row *option, const void *field)
{
    const struct endpoint_list *endpoints = field;
    const struct network_list *networks = field;
    const struct text_list *texts = field;
    if (option->kind == OPTION_ENDPOINTS) {
        for (size_t i = 0; i < endpoints->n; i++) {
            char text[ENDPOINT_TEXT_SIZE];
            endpoint_format(&endpoints->items[i], text);
            buf_appendf(out, "%s=%s\n", option->key, text);
        }
    } else if (option->kind == OPTION_NETWORKS) {
        for (size_t i = 0; i < networks->n; i++) {
            write_network(out, option, &networks->items[i]);
        }
    } else {
        for (size_t i = 0; i < texts->n; i++) {
            buf_appendf(out, "%s=%s\n", option->key, texts->items[i]);
        }
    }
}

/* No blank behind '=', for a value that begins with ';' would be a comment behind one. */
static void write_option(struct buf *out, const struct option_row *option, const void *field)
{
    switch (option->kind) {
    case OPTION_BOOL:
        buf_appendf(out, "%s=%s\n", option->key, *(const bool *)field ? "yes" : "no");
        break;
    case OPTION_CHOICE:
        write_choice(out, option, *(const unsigned *)field);
        break;
    case OPTION_SIZE:
    case OPTION_COUNT:
    case OPTION_DURATION:
        buf_appendf(out, "%s=%llu%s\n", option->key, *(const unsigned long long *)field,
                    option->kind == OPTION_DURATION ? "ms" : "");
        break;
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_URL_PATH:
        buf_appendf(out, "%s=%s\n", option->key, *(char *const *)field);
        break;
    default:
        write_list(out, option, field);
    }
}

static void write_section(struct buf *out, const struct option_section *section, const void *fields)
{
    for (size_t i = 0; i < section->n_options; i++) {
        const struct option_row *option = &section->options[i];
        write_option(out, option, (const char *)fields + option->offset);
    }
}

static void write_config(struct buf *out, const struct config *config)
{
    for (size_t i = 0; i < option_n_sections; i++) {
        const struct option_section *section = &option_sections[i];
        if (section != option_app_section) {
            buf_appendf(out, "[%s]\n", section->name);
            write_section(out, section, (const char *)config + section->offset);
        }
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        buf_appendf(out, "[app %s]\n", config->apps[i].id_text);
        write_section(out, option_app_section, &config->apps[i]);
    }
    FUZZ_CHECK(!out->failed);
}

static void check_bounds(const struct config *config)
{
    FUZZ_CHECK(config->n_apps >= 1 && config->n_apps <= CONFIG_N_APPS_MAX);
    FUZZ_CHECK(config->callback.path[0] == '/');
    FUZZ_CHECK(config->callback.listen.n >= 1 && config->callback.listen.n <= 16);
    FUZZ_CHECK(config->callback.max_body_bytes >= 1024 && config->callback.max_body_bytes <= 16 << 20);
    FUZZ_CHECK(config->callback.other_commands <= CONFIG_OTHER_COMMANDS_OK);
    FUZZ_CHECK(config->status.listen.n >= 1 && config->status.listen.n <= 16);
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        uint64_t id;
        FUZZ_CHECK(app->id >= 1 && app->id <= CONFIG_APP_ID_MAX);
        FUZZ_CHECK(str_parse_u64(str_from(app->id_text), CONFIG_APP_ID_MAX, &id) && id == app->id);
        FUZZ_CHECK(app->token.n + app->token_file.n <= CONFIG_N_TOKENS_MAX);
        FUZZ_CHECK(app->sign_tolerance_ms >= 1000 && app->sign_tolerance_ms <= 3600000);
        for (size_t j = 0; j < app->token.n; j++) {
            size_t len = strlen(app->token.items[j]);
            FUZZ_CHECK(len >= 1 && len <= CONFIG_TOKEN_MAX);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    struct config again;
    cleanup(buf_fini) struct buf errors = {0};
    cleanup(buf_fini) struct buf written = {0};
    cleanup(buf_fini) struct buf written_again = {0};
    if (load((struct str){(const char *)data, size}, &config, &errors) != 0) {
        return 0;
    }
    check_bounds(&config);
    write_config(&written, &config);
    FUZZ_CHECK(load(buf_str(&written), &again, &errors) == 0);
    write_config(&written_again, &again);
    FUZZ_CHECK(str_equal(buf_str(&written), buf_str(&written_again)));
    config_fini(&again);
    config_fini(&config);
    return 0;
}
