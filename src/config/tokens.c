/* SPDX-License-Identifier: MIT */
#include "presenced/config.h"

#include "presenced/read_file.h"
#include "presenced/wipe.h"
#include "problems.h"
#include "value.h"

#include <errno.h>
#include <stdio.h>

#define OTHERS_MASK 0007

#define TOKEN_REFUSED 1

struct refusal {
    char why[128];
};

/* A single newline at the end comes from an editor and is not part of the token. */
static struct str without_newline(struct str text)
{
    if (text.len > 0 && text.ptr[text.len - 1] == '\n') {
        text.len--;
        if (text.len > 0 && text.ptr[text.len - 1] == '\r') {
            text.len--;
        }
    }
    return text;
}

static int check_token(struct str token, mode_t mode, struct refusal *ret_refusal)
{
    if ((mode & OTHERS_MASK) != 0) {
        (void)snprintf(ret_refusal->why, sizeof(ret_refusal->why),
                       "is open to other users (mode %04o): 0640 or less is allowed",
                       (unsigned)(mode & 07777));
        return TOKEN_REFUSED;
    }
    if (!value_is_token(token)) {
        (void)snprintf(ret_refusal->why, sizeof(ret_refusal->why),
                       "holds no token: 1 to %d printable characters without blanks, on one line",
                       CONFIG_TOKEN_MAX);
        return TOKEN_REFUSED;
    }
    return 0;
}

/* Appends the content of the file to `ret_token`. Returns 0, TOKEN_REFUSED or -ENOMEM. */
static int read_token(const char *path, struct buf *ret_token, struct refusal *ret_refusal)
{
    cleanup(wipe_buf) struct buf bytes = {0};
    mode_t mode = 0;
    int r = read_file(path, CONFIG_TOKEN_MAX + sizeof("\r\n"), &bytes, &mode);
    if (r == -ENOMEM) {
        return r;
    }
    if (r < 0 && r != -EFBIG) {
        (void)snprintf(ret_refusal->why, sizeof(ret_refusal->why), "cannot be read: %s", read_file_error(r));
        return TOKEN_REFUSED;
    }
    struct str token = without_newline(buf_str(&bytes));
    r = check_token(token, mode, ret_refusal);
    if (r != 0) {
        return r;
    }
    buf_append(ret_token, token);
    return ret_token->failed ? -ENOMEM : 0;
}

static int read_app_tokens(struct config_app *app, struct problems *problems)
{
    for (size_t i = 0; i < app->token.n; i++) {
        struct buf *token = &app->tokens[app->n_tokens++];
        buf_append(token, str_from(app->token.items[i]));
        if (token->failed) {
            return -ENOMEM;
        }
    }
    for (size_t i = 0; i < app->token_file.n; i++) {
        const char *path = app->token_file.items[i];
        struct refusal refusal;
        int r = read_token(path, &app->tokens[app->n_tokens], &refusal);
        if (r < 0) {
            return r;
        }
        if (r == TOKEN_REFUSED) {
            problems_add(problems, config_line(&app->lines, "app", "token_file"),
                         "[app %s] token_file: %s %s", app->id_text, path, refusal.why);
        } else {
            app->n_tokens++;
        }
    }
    return 0;
}

/* A secret key has the same format as a token. */
static int read_secret_key(struct config_app *app, struct problems *problems)
{
    struct refusal refusal;
    cleanup(wipe_buf) struct buf key = {0};
    if (app->secret_key_file[0] == '\0') {
        return 0;
    }
    int r = read_token(app->secret_key_file, &key, &refusal);
    if (r == 0) {
        return secret_new(buf_str(&key), &app->secret_key);
    }
    if (r == TOKEN_REFUSED) {
        problems_add(problems, config_line(&app->lines, "app", "secret_key_file"),
                     "[app %s] secret_key_file: %s %s", app->id_text, app->secret_key_file, refusal.why);
    }
    return r < 0 ? r : 0;
}

static int read_status_token(struct config_status *status, struct problems *problems)
{
    struct refusal refusal;
    if (status->token_file[0] == '\0') {
        return 0;
    }
    int r = read_token(status->token_file, &status->token, &refusal);
    if (r == TOKEN_REFUSED) {
        problems_add(problems, config_line(&status->lines, "status", "token_file"),
                     "[status] token_file: %s %s", status->token_file, refusal.why);
    }
    return r < 0 ? r : 0;
}

static bool is_same_token(const struct buf *a, const struct buf *b)
{
    return a->len > 0 && str_equal(buf_str(a), buf_str(b));
}

/* Each token must be unique, because it gives access either to one app or to all. */
static void check_query_token(const struct config *config, size_t which, struct problems *problems)
{
    const struct config_app *app = &config->apps[which];
    unsigned line = config_line(&app->lines, "app", "query_token_file");
    if (is_same_token(&app->query_token, &config->status.token)) {
        problems_add(problems, line, "[app %s] query_token_file: holds the token of [status] token_file",
                     app->id_text);
    }
    for (size_t i = 0; i < which; i++) {
        if (is_same_token(&app->query_token, &config->apps[i].query_token)) {
            problems_add(problems, line, "[app %s] query_token_file: holds the token of [app %s]",
                         app->id_text, config->apps[i].id_text);
            return;
        }
    }
}

static int read_query_token(struct config_app *app, struct problems *problems)
{
    struct refusal refusal;
    if (app->query_token_file[0] == '\0') {
        return 0;
    }
    int r = read_token(app->query_token_file, &app->query_token, &refusal);
    if (r == TOKEN_REFUSED) {
        problems_add(problems, config_line(&app->lines, "app", "query_token_file"),
                     "[app %s] query_token_file: %s %s", app->id_text, app->query_token_file, refusal.why);
    }
    return r < 0 ? r : 0;
}

static int read_password(struct config_replication *replication, struct problems *problems)
{
    struct refusal refusal;
    if (replication->password_file[0] == '\0') {
        return 0;
    }
    int r = read_token(replication->password_file, &replication->password, &refusal);
    if (r == TOKEN_REFUSED) {
        problems_add(problems, config_line(&replication->lines, "replication", "password_file"),
                     "[replication] password_file: %s %s", replication->password_file, refusal.why);
    }
    return r < 0 ? r : 0;
}

int config_read_tokens(struct config *config, struct buf *errors)
{
    struct problems problems = {.files = &config->files, .out = errors};
    for (size_t i = 0; i < config->n_apps; i++) {
        int r = read_app_tokens(&config->apps[i], &problems);
        if (r < 0) {
            return r;
        }
        r = read_query_token(&config->apps[i], &problems);
        if (r < 0) {
            return r;
        }
        r = read_secret_key(&config->apps[i], &problems);
        if (r < 0) {
            return r;
        }
    }
    int r = read_status_token(&config->status, &problems);
    if (r < 0) {
        return r;
    }
    r = read_password(&config->replication, &problems);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        check_query_token(config, i, &problems);
    }
    return problems_result(&problems);
}
