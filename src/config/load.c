/* SPDX-License-Identifier: MIT */
#include "presenced/config.h"

#include "config_check.h"
#include "ini_reader.h"
#include "presenced/read_file.h"
#include "presenced/wipe.h"
#include "problems.h"
#include "value.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define CONFIG_FILE_MAX_BYTES ((size_t)4 << 20)

/* Where the reading of a file stands. */
struct loader {
    struct config *config;
    struct problems *problems;
    /* The only section that counts; NULL: all do. */
    const struct option_section *only;
    /* NULL: in no section, or in a wrong one, whose keys are passed over. */
    const struct option_section *table;
    void *section;
    bool saw_section;
    bool saw_app;
};

static struct config_lines *lines_of(struct loader *loader)
{
    return loader->section; /* the first member of every section */
}

/* "app 1400000000", in `scratch` or constant. */
static const char *section_name(const struct loader *loader, char scratch[static 32])
{
    if (loader->table != option_app_section) {
        return loader->table->name;
    }
    const struct config_app *app = loader->section;
    (void)snprintf(scratch, 32, "app %s", app->id_text);
    return scratch;
}

/* `name` is the whole of what stands in the brackets. */
static int begin_app(struct loader *loader, unsigned line, struct str name, struct str id)
{
    loader->saw_app = true;
    int r = config_add_app(loader->config, id);
    switch (r) {
    case 0:
        loader->table = option_app_section;
        loader->section = &loader->config->apps[loader->config->n_apps - 1];
        lines_of(loader)->section = line;
        return 0;
    case -EINVAL:
        problems_add(loader->problems, line,
                     "[%.*s]: the app's ID is a number from 1 to 9007199254740991 without leading zeros",
                     STR_FMT(name));
        return 0;
    case -EEXIST:
        problems_add(loader->problems, line, "[%.*s]: stands in the file twice", STR_FMT(name));
        return 0;
    case -ENOSPC:
        problems_add(loader->problems, line, "[%.*s]: at most %d apps", STR_FMT(name), CONFIG_N_APPS_MAX);
        return 0;
    default:
        return r;
    }
}

static int begin_section(void *cls, unsigned line, struct str name)
{
    struct loader *loader = cls;
    struct str word;
    struct str rest = name;
    (void)str_split(&rest, ' ', &word);
    const struct option_section *table = option_find_section(word);
    loader->table = NULL;
    loader->saw_section = true;
    if (loader->only != NULL && (table != loader->only || rest.ptr != NULL)) {
        return 0;
    }
    if (table == option_app_section) {
        return begin_app(loader, line, name, rest.ptr == NULL ? STR("") : str_trim(rest));
    }
    if (table == NULL || rest.ptr != NULL) {
        problems_add(
            loader->problems, line,
            "[%.*s]: no such section: callback, app ID, presence, reconcile, status, store, replication or log",
            STR_FMT(name));
        return 0;
    }
    loader->section = (char *)loader->config + table->offset;
    if (lines_of(loader)->section != 0) {
        problems_add(loader->problems, line, "[%s]: stands in the file twice, first in line %u", table->name,
                     lines_of(loader)->section);
        return 0;
    }
    loader->table = table;
    lines_of(loader)->section = line;
    return 0;
}

static int add_unknown_key(struct loader *loader, unsigned line, const char *section, struct str key)
{
    cleanup(buf_fini) struct buf keys = {0};
    for (size_t i = 0; i < loader->table->n_options; i++) {
        buf_append(&keys, i == 0 ? STR("") : STR(", "));
        buf_append(&keys, str_from(loader->table->options[i].key));
    }
    if (keys.failed) {
        return -ENOMEM;
    }
    problems_add(loader->problems, line, "[%s] %.*s: no such key: %.*s", section, STR_FMT(key),
                 STR_FMT(buf_str(&keys)));
    return 0;
}

static int add_refused(struct loader *loader, unsigned line, const char *section,
                       const struct option_row *option, struct str refused)
{
    cleanup(buf_fini) struct buf allowed = {0};
    option_append_allowed(&allowed, option);
    if (allowed.failed) {
        return -ENOMEM;
    }
    if (option->kind == OPTION_SECRETS) {
        problems_add(loader->problems, line, "[%s] %s: the value is not allowed: %.*s", section, option->key,
                     STR_FMT(buf_str(&allowed)));
    } else {
        problems_add(loader->problems, line, "[%s] %s: '%.*s' is not allowed: %.*s", section, option->key,
                     STR_FMT(refused), STR_FMT(buf_str(&allowed)));
    }
    return 0;
}

static bool is_supported(const struct option_row *option, const void *field)
{
    return (option->flags & OPTION_NOT_YET) == 0 || value_is_default(option, field);
}

/* An error that concerns one endpoint of several names its line. */
static void number_endpoints(struct endpoint_list *list, unsigned line)
{
    for (size_t i = 0; i < list->n; i++) {
        list->items[i].line = list->items[i].line == 0 ? line : list->items[i].line;
    }
}

/* The first value in the file takes the default's place, further ones of a list stand beside it. */
static int set_key(struct loader *loader, unsigned line, const struct option_row *option, struct str value)
{
    char scratch[32];
    const char *section = section_name(loader, scratch);
    void *field = (char *)loader->section + option->offset;
    unsigned *key_line = &lines_of(loader)->keys[option - loader->table->options];
    struct str refused;
    if (*key_line != 0 && !option_is_list(option)) {
        problems_add(loader->problems, line, "[%s] %s: stands in the section twice, first in line %u",
                     section, option->key, *key_line);
        return 0;
    }
    if (*key_line == 0 && option_is_list(option)) {
        value_fini(option, field);
    }
    *key_line = line;
    int r = value_set(option, field, value, &refused);
    if (r == VALUE_REFUSED) {
        return add_refused(loader, line, section, option, refused);
    }
    if (r == 0 && option->kind == OPTION_ENDPOINTS) {
        number_endpoints(field, line);
    }
    if (r == 0 && !is_supported(option, field)) {
        problems_add(loader->problems, line, "[%s] %s: not supported yet", section, option->key);
    }
    return r;
}

static int take_key(void *cls, unsigned line, struct str key, struct str value)
{
    struct loader *loader = cls;
    char scratch[32];
    if (!loader->saw_section) {
        problems_add(loader->problems, line, "%.*s: stands before the first [section]", STR_FMT(key));
        return 0;
    }
    if (loader->table == NULL) {
        return 0;
    }
    const struct option_row *option = option_find(loader->table, key);
    return option == NULL ? add_unknown_key(loader, line, section_name(loader, scratch), key)
                          : set_key(loader, line, option, value);
}

static int take_bad_line(void *cls, unsigned line, const char *why)
{
    struct loader *loader = cls;
    if (loader->only == NULL || loader->table == loader->only) {
        problems_add(loader->problems, line, "%s", why);
    }
    return 0;
}

static int take_bad_section(void *cls, unsigned line, const char *why)
{
    struct loader *loader = cls;
    loader->table = NULL; /* keys that follow are of none */
    loader->saw_section = true;
    return take_bad_line(cls, line, why);
}

static void warn_readable_token(const struct config *config, mode_t mode, struct buf *warnings)
{
    for (size_t i = 0; i < config->n_apps; i++) {
        const struct config_app *app = &config->apps[i];
        if (app->token.n > 0 && (mode & S_IROTH) != 0) {
            buf_appendf(warnings, "%s:%u: [app %s] token: can be read by all users (file mode %04o)\n",
                        config->path, config_line(&app->lines, "app", "token"), app->id_text,
                        (unsigned)(mode & 07777));
            return;
        }
    }
}

static int read_text(const char *path, struct problems *problems, struct buf *ret_text, mode_t *ret_mode)
{
    int r = read_file(path, CONFIG_FILE_MAX_BYTES, ret_text, ret_mode);
    if (r < 0 && r != -ENOMEM) {
        problems_add(problems, 0, "cannot be read: %s", read_file_error(r));
        return problems_result(problems);
    }
    return r;
}

static int parse(struct str text, const struct option_section *only, struct config *config,
                 struct problems *problems)
{
    static const struct ini_events events = {begin_section, take_key, take_bad_line, take_bad_section};
    struct loader loader = {
        .config = config,
        .problems = problems,
        .only = only,
        .saw_section = only != NULL, /* what stands before the first is passed over too */
    };
    unsigned n_lines;
    int r = ini_reader_read(text, &events, &loader, &n_lines);
    if (r < 0) {
        return r;
    }
    if (only != NULL) {
        return problems_result(problems);
    }
    /* What follows from a wrong value would only hide it. */
    if (problems->n == 0) {
        check_config(config, problems);
    }
    if (!loader.saw_app) {
        problems_add(problems, n_lines == 0 ? 1 : n_lines,
                     "[app ID]: missing: a section for each app, at least one");
    }
    return problems_result(problems);
}

static int name_file(struct config *config, const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL) {
        return -ENOMEM;
    }
    free(config->path);
    config->path = copy;
    return 0;
}

static int load(const char *path, const struct option_section *only, struct config *ret_config,
                mode_t *ret_mode, struct buf *errors)
{
    cleanup(config_fini) struct config config = {0};
    cleanup(wipe_buf) struct buf text = {0};
    struct problems problems = {.path = path, .out = errors};
    int r = config_defaults(&config);
    if (r == 0) {
        r = read_text(path, &problems, &text, ret_mode);
    }
    if (r == 0) {
        r = parse(buf_str(&text), only, &config, &problems);
    }
    if (r == 0) {
        r = name_file(&config, path);
    }
    if (r < 0) {
        return r;
    }
    *ret_config = config;
    config = (struct config){0};
    return 0;
}

int config_load(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings)
{
    mode_t mode = 0;
    int r = load(path, NULL, ret_config, &mode, errors);
    if (r == 0) {
        warn_readable_token(ret_config, mode, warnings);
    }
    return r;
}

int config_load_store(const char *path, struct config *ret_config, struct buf *errors)
{
    mode_t unused = 0;
    return load(path, option_find_section(STR("store")), ret_config, &unused, errors);
}
