/* SPDX-License-Identifier: MIT */
#include "presenced/config.h"

#include "config_check.h"
#include "files.h"
#include "ini_reader.h"
#include "presenced/credential.h"
#include "presenced/read_file.h"
#include "presenced/wipe.h"
#include "problems.h"
#include "settings.h"
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#define CONFIG_FILE_MAX_BYTES ((size_t)4 << 20)

/* State of loading the files. */
struct loader {
    struct config *config;
    struct problems *problems;
    struct buf *warnings;
    unsigned first_line; /* first line of the file being read */
    unsigned last_line;  /* last line of the files read so far */
    /* The only section to be read; NULL: all. */
    const struct option_section *only;
    /* The table of the current section; NULL: in no section or an invalid one, whose keys are skipped. */
    const struct option_section *table;
    void *section;
    bool saw_section;
    bool saw_app;
};

static struct config_lines *lines_of(struct loader *loader)
{
    return loader->section; /* the first member of every section */
}

static unsigned line_in_file(const struct loader *loader, unsigned line)
{
    return line - loader->first_line + 1;
}

static uint64_t app_id_of(const struct loader *loader)
{
    return loader->table == option_app_section ? ((const struct config_app *)loader->section)->id : 0;
}

/* Returns a section's name, such as "app 1400000000", in `scratch` or constant. */
static const char *section_name(const struct loader *loader, char scratch[static 32])
{
    if (loader->table != option_app_section) {
        return loader->table->name;
    }
    const struct config_app *app = loader->section;
    (void)snprintf(scratch, 32, "app %s", app->id_text);
    return scratch;
}

/* Returns whether a line is in the file being read, and not in an earlier one. */
static bool is_in_this_file(const struct loader *loader, unsigned line)
{
    return line >= loader->first_line;
}

static struct config_app *find_app(struct config *config, struct str id)
{
    size_t i = 0;
    while (!str_equal(str_from(config->apps[i].id_text), id)) {
        i++;
    }
    return &config->apps[i];
}

/* Continues the section of an app that an earlier file has begun. */
static void continue_app(struct loader *loader, unsigned line, struct str name, struct config_app *app)
{
    if (is_in_this_file(loader, app->lines.section)) {
        problems_add(loader->problems, line, "[%.*s]: stands in the file twice", STR_FMT(name));
        return;
    }
    loader->table = option_app_section;
    loader->section = app;
    app->lines.section = line;
}

/* `name` is the whole text in the brackets. */
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
        continue_app(loader, line, name, find_app(loader->config, id));
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
            "[%.*s]: no such section: callback, app ID, presence, reconcile, status, store, replication, "
            "control or log",
            STR_FMT(name));
        return 0;
    }
    loader->section = (char *)loader->config + table->offset;
    if (is_in_this_file(loader, lines_of(loader)->section)) {
        problems_add(loader->problems, line, "[%s]: stands in the file twice, first in line %u", table->name,
                     line_in_file(loader, lines_of(loader)->section));
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

/* Sets the line of new endpoints, which errors about a single endpoint refer to. */
static void number_endpoints(struct endpoint_list *list, unsigned line)
{
    for (size_t i = 0; i < list->n; i++) {
        list->items[i].line = list->items[i].line == 0 ? line : list->items[i].line;
    }
}

/* Warns about a value that other programs would expand. */
static void warn_about_unexpanded(struct loader *loader, unsigned line, const char *section,
                                  const struct option_row *option, struct str value)
{
    const char *begin = value.len == 0 ? NULL : memmem(value.ptr, value.len, "${", 2);
    if (begin == NULL || memchr(begin, '}', value.len - (size_t)(begin - value.ptr)) == NULL) {
        return;
    }
    config_append_place(loader->warnings, &loader->config->files, line);
    buf_appendf(loader->warnings, ": [%s] %s: ${...} is not expanded, the value is taken as it stands\n",
                section, option->key);
}

/* Replaces `credential:NAME` by the path of the file. Returns 0; VALUE_REFUSED after adding an error; or
 * -ENOMEM. */
static int find_credential(struct loader *loader, unsigned line, const char *section,
                           const struct option_row *option, struct str *value, char **ret_path)
{
    const char *why;
    if ((option->flags & OPTION_CREDENTIAL) == 0 || !credential_is_named(*value)) {
        return 0;
    }
    int r = credential_find(*value, NULL, ret_path, &why);
    if (r == CREDENTIAL_REFUSED) {
        problems_add(loader->problems, line, "[%s] %s: '%.*s': %s", section, option->key, STR_FMT(*value),
                     why);
        return VALUE_REFUSED;
    }
    if (r == 0) {
        *value = str_from(*ret_path);
    }
    return r;
}

/* Sets a key. The first value replaces the default, and further values of a list are appended. A single value
 * in a later file replaces an earlier one. */
static int set_key(struct loader *loader, unsigned line, const struct option_row *option, struct str written)
{
    char scratch[32];
    cleanup(cleanup_freep) char *credential = NULL;
    const char *section = section_name(loader, scratch);
    void *field = (char *)loader->section + option->offset;
    unsigned *key_line = &lines_of(loader)->keys[option - loader->table->options];
    struct str value = written;
    struct str refused;
    if (is_in_this_file(loader, *key_line) && !option_is_list(option)) {
        problems_add(loader->problems, line, "[%s] %s: stands in the section twice, first in line %u",
                     section, option->key, line_in_file(loader, *key_line));
        return 0;
    }
    if (*key_line == 0 && option_is_list(option)) {
        value_fini(option, field);
    }
    *key_line = line;
    int r = find_credential(loader, line, section, option, &value, &credential);
    if (r != 0) {
        return r == VALUE_REFUSED ? 0 : r;
    }
    r = value_set(option, field, value, &refused);
    if (r == VALUE_REFUSED) {
        return add_refused(loader, line, section, option, refused);
    }
    if (r < 0) {
        return r;
    }
    if (option->kind == OPTION_ENDPOINTS) {
        number_endpoints(field, line);
    }
    warn_about_unexpanded(loader, line, section, option, written);
    if (option_is_list(option) && written.len == 0) {
        return 0;
    }
    return settings_add(&loader->config->settings, line, option, app_id_of(loader), written);
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
    loader->table = NULL; /* the keys that follow belong to no known section */
    loader->saw_section = true;
    return take_bad_line(cls, line, why);
}

/* One warning for each file that others can read is enough. */
static void warn_about_readable_tokens(const struct config *config, struct buf *warnings)
{
    const struct config_file *warned = NULL;
    for (size_t i = 0; i < config->settings.n; i++) {
        const struct config_setting *setting = &config->settings.items[i];
        const struct config_file *file = files_find(&config->files, setting->line).file;
        if (setting->option->kind == OPTION_SECRETS && (file->mode & S_IROTH) != 0 && file != warned) {
            warned = file;
            config_append_place(warnings, &config->files, setting->line);
            buf_appendf(warnings, ": [app %" PRIu64 "] %s: can be read by all users (file mode %04o)\n",
                        setting->app_id, setting->option->key, (unsigned)(file->mode & 07777));
        }
    }
}

static int read_text(const char *path, struct problems *problems, struct buf *ret_text, mode_t *ret_mode)
{
    int r = read_file(path, CONFIG_FILE_MAX_BYTES, ret_text, ret_mode);
    if (r < 0 && r != -ENOMEM) {
        problems->path = path;
        problems_add(problems, 0, "cannot be read: %s", read_file_error(r));
        return problems_result(problems);
    }
    return r;
}

/* Loads one file. Returns 0, also if it added problems; -EINVAL if the file cannot be read; or -ENOMEM. */
static int load_file(struct loader *loader, const char *path)
{
    static const struct ini_events events = {begin_section, take_key, take_bad_line, take_bad_section};
    cleanup(wipe_buf) struct buf text = {0};
    struct config_files *files = &loader->config->files;
    mode_t mode = 0;
    int r = read_text(path, loader->problems, &text, &mode);
    if (r < 0) {
        return r;
    }
    loader->first_line = loader->last_line + 1;
    r = files_add(files, path, loader->first_line);
    if (r < 0) {
        return r;
    }
    files->items[files->n - 1].mode = mode;
    loader->table = NULL;
    loader->saw_section = loader->only != NULL; /* text before the first section is skipped, too */
    r = ini_reader_read(buf_str(&text), loader->last_line, &events, loader, &loader->last_line);
    if (loader->last_line < loader->first_line) {
        loader->last_line = loader->first_line; /* so that an empty file has a line to name */
    }
    return r;
}

static void free_texts(struct text_list *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
}

/* Continues after a file that cannot be read, because the others may have errors, too. */
static int load_folder(struct loader *loader, const char *path)
{
    cleanup(free_texts) struct text_list paths = {0};
    cleanup(cleanup_freep) char *folder = NULL;
    int r = files_list_folder(path, &paths, &folder);
    if (r == -ENOMEM) {
        return r;
    }
    loader->problems->path = folder;
    if (r == FILES_TOO_MANY) {
        problems_add(loader->problems, 0, "holds too many files: at most %d", CONFIG_N_FILES_MAX - 1);
    } else if (r < 0) {
        problems_add(loader->problems, 0, "cannot be read: %s", read_file_error(r));
    }
    for (size_t i = 0; i < paths.n; i++) {
        r = load_file(loader, paths.items[i]);
        if (r < 0 && r != -EINVAL) {
            return r;
        }
    }
    return 0;
}

static int load_files(struct loader *loader, const char *path)
{
    int r = load_file(loader, path);
    if (r < 0) {
        return r;
    }
    unsigned last_line = loader->last_line;
    r = load_folder(loader, path);
    if (r < 0) {
        return r;
    }
    if (loader->only != NULL) {
        return problems_result(loader->problems);
    }
    /* Skipped after an invalid value, because consequential errors would obscure it. */
    if (loader->problems->n == 0) {
        check_config(loader->config, loader->problems);
    }
    if (!loader->saw_app) {
        problems_add(loader->problems, last_line, "[app ID]: missing: a section for each app, at least one");
    }
    return problems_result(loader->problems);
}

static int load(const char *path, const struct option_section *only, struct config *ret_config,
                struct buf *errors, struct buf *warnings)
{
    cleanup(config_fini) struct config config = {0};
    struct problems problems = {.files = &config.files, .out = errors};
    struct loader loader = {.config = &config, .problems = &problems, .warnings = warnings, .only = only};
    int r = config_defaults(&config);
    if (r < 0) {
        return r;
    }
    r = load_files(&loader, path);
    if (r < 0) {
        return r;
    }
    if (only == NULL) {
        warn_about_readable_tokens(&config, warnings);
    }
    *ret_config = config;
    config = (struct config){0};
    return 0;
}

int config_load(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings)
{
    return load(path, NULL, ret_config, errors, warnings);
}

int config_load_store(const char *path, struct config *ret_config, struct buf *errors, struct buf *warnings)
{
    return load(path, option_find_section(STR("store")), ret_config, errors, warnings);
}
