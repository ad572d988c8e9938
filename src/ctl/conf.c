/* SPDX-License-Identifier: MIT */
#include "conf.h"

#include "token.h"
#include "when.h"

#include "presenced/array.h"
#include "presenced/path.h"
#include "presenced/wipe.h"

#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <stdio.h>

#define SIGN_TOLERANCE_MS 60000

static const struct key {
    const char *section;
    const char *name;
    bool is_list; /* the first value counts; of other keys, the last */
    size_t offset;
} keys[] = {
    {"callback", "listen", true, offsetof(struct conf, callback_listen)},
    {"callback", "path", false, offsetof(struct conf, callback_path)},
    {"callback", "tls", false, offsetof(struct conf, callback_tls)},
    {"callback", "certificate", false, offsetof(struct conf, callback_certificate)},
    {"callback", "other_commands", false, offsetof(struct conf, callback_other_commands)},
    {"status", "listen", true, offsetof(struct conf, status_listen)},
    {"status", "certificate", false, offsetof(struct conf, status_certificate)},
    {"status", "token_file", false, offsetof(struct conf, status_token_file)},
    {"control", "listen", true, offsetof(struct conf, control_listen)},
};

static void set_text(struct conf *conf, const struct key *key, const char *value)
{
    char **field = (char **)(void *)((char *)conf + key->offset);
    if (key->is_list && *field != NULL) {
        return;
    }
    free(*field);
    *field = strndup(value, key->is_list ? strcspn(value, " \t,") : strlen(value));
    conf->failed |= *field == NULL;
}

static void join_into(char **field, struct conf *conf, const char *a, const char *b, const char *c)
{
    free(*field);
    if (asprintf(field, "%s%s%s", a, b, c) < 0) {
        *field = NULL;
        conf->failed = true;
    }
}

static void add_token(struct conf *conf, struct conf_app *app, const char *value)
{
    struct buf *bytes = &app->tokens[app->n_tokens].bytes;
    buf_append(bytes, str_from(value));
    conf->failed |= bytes->failed;
    join_into(&app->tokens[app->n_tokens++].name, conf, "token of [app ", app->id, "]");
}

static void add_token_file(struct conf *conf, struct conf_app *app, const char *value)
{
    cleanup(buf_fini) struct buf why = {0};
    cleanup(cleanup_freep) char *option = NULL;
    struct buf *bytes = &app->tokens[app->n_tokens].bytes;
    join_into(&option, conf, "[app ", app->id, "] token_file");
    if (option == NULL) {
        return;
    }
    int r = token_read_option(option, value, bytes, &why);
    if (r < 0) {
        wipe_buf(bytes);
        buf_append_char(&why, '\0');
        conf->failed |= r == -ENOMEM || why.failed;
        if (!conf->failed) {
            join_into(&app->token_error, conf, why.ptr, "", "");
        }
        return;
    }
    join_into(&app->tokens[app->n_tokens++].name, conf, value, "", "");
}

static void set_app_key(struct conf *conf, struct conf_app *app, const char *name, const char *value)
{
    if (strcmp(name, "sign_tolerance") == 0) {
        (void)when_parse_span(str_from(value), &app->sign_tolerance_ms);
    } else if (app->n_tokens < CONF_N_TOKENS_MAX && strcmp(name, "token") == 0) {
        add_token(conf, app, value);
    } else if (app->n_tokens < CONF_N_TOKENS_MAX && strcmp(name, "token_file") == 0) {
        add_token_file(conf, app, value);
    }
}

const struct conf_app *conf_find_app(const struct conf *conf, struct str id)
{
    for (size_t i = 0; i < conf->n_apps; i++) {
        if (str_equal(str_from(conf->apps[i].id), id)) {
            return &conf->apps[i];
        }
    }
    return NULL;
}

/* Returns the app with that id, which is added if necessary. Returns NULL if out of memory. */
static struct conf_app *get_or_add_app(struct conf *conf, struct str id)
{
    const struct conf_app *known = conf_find_app(conf, id);
    if (known != NULL) {
        return &conf->apps[known - conf->apps];
    }
    struct conf_app app = {.id = strndup(id.ptr, id.len), .sign_tolerance_ms = SIGN_TOLERANCE_MS};
    struct conf_app *apps = reallocarray(conf->apps, conf->n_apps + 1, sizeof(*apps));
    if (apps != NULL) {
        conf->apps = apps;
    }
    if (app.id == NULL || apps == NULL) {
        free(app.id);
        conf->failed = true;
        return NULL;
    }
    conf->apps[conf->n_apps] = app;
    return &conf->apps[conf->n_apps++];
}

int conf_add_token(struct conf *conf, struct str id, struct str token, const char *name)
{
    struct conf_app *app = get_or_add_app(conf, id);
    if (app != NULL && app->n_tokens < CONF_N_TOKENS_MAX) {
        buf_append(&app->tokens[app->n_tokens].bytes, token);
        conf->failed |= app->tokens[app->n_tokens].bytes.failed;
        join_into(&app->tokens[app->n_tokens++].name, conf, name, "", "");
    }
    return conf->failed ? -ENOMEM : 0;
}

/* Ignores unknown sections and keys: the daemon checks its configuration itself. */
static int handle_key(void *cls, const char *section, const char *name, const char *value)
{
    struct conf *conf = cls;
    struct str id = str_from(section);
    if (str_starts_with(id, STR("app "))) {
        id.ptr += 4;
        id.len -= 4;
        struct conf_app *app = get_or_add_app(conf, str_trim(id));
        if (app != NULL) {
            set_app_key(conf, app, name, value);
        }
        return 1;
    }
    for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
        if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0) {
            set_text(conf, &keys[i], value);
        }
    }
    return 1;
}

/* Adds apps whose sections have no keys, such as apps without a token, because inih does not report them. */
static int find_empty_apps(struct conf *conf, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    rewind(file);
    while (getline(&line, &size, file) >= 0) {
        struct str text = str_trim(str_from(line));
        const char *end = text.len == 0 ? NULL : memchr(text.ptr, ']', text.len);
        if (end != NULL && str_starts_with(text, STR("[app "))) {
            struct str id = {text.ptr + 5, (size_t)(end - text.ptr) - 5};
            (void)get_or_add_app(conf, str_trim(id));
        }
    }
    free(line);
    return conf->failed ? -ENOMEM : 0;
}

static int read_one(struct conf *conf, const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return -errno;
    }
    (void)ini_parse_file(file, handle_key, conf);
    int r = find_empty_apps(conf, file);
    (void)fclose(file);
    return r;
}

static int read_folder(struct conf *conf, const char *path)
{
    cleanup(cleanup_freep) char *folder = path_parent(path);
    cleanup(cleanup_freep) char *pattern = NULL;
    glob_t found;
    if (folder == NULL || asprintf(&pattern, "%s/conf.d/*.conf", folder) < 0) {
        pattern = NULL;
        return -ENOMEM;
    }
    if (glob(pattern, 0, NULL, &found) != 0) {
        return 0; /* there are no such files */
    }
    int r = 0;
    for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
        r = read_one(conf, found.gl_pathv[i]);
    }
    globfree(&found);
    return r;
}

int conf_read(const char *path, struct conf *ret_conf)
{
    *ret_conf = (struct conf){0};
    ret_conf->error = read_one(ret_conf, path);
    return ret_conf->error < 0 ? ret_conf->error : read_folder(ret_conf, path);
}

static void app_fini(struct conf_app *app)
{
    for (size_t i = 0; i < CONF_N_TOKENS_MAX; i++) {
        wipe_buf(&app->tokens[i].bytes);
        free(app->tokens[i].name);
    }
    free(app->id);
    free(app->token_error);
}

void conf_fini(struct conf *conf)
{
    for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
        free(*(char **)(void *)((char *)conf + keys[i].offset));
    }
    for (size_t i = 0; i < conf->n_apps; i++) {
        app_fini(&conf->apps[i]);
    }
    free(conf->apps);
    *conf = (struct conf){0};
}
