/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_CONF_H
#define PRESENCED_CTL_CONF_H

/* What presencectl wants to know of the daemon's configuration. It judges nothing there: that is
 * `presenced --check-config`'s. */

#include "presenced/str.h"

#define CONF_N_TOKENS_MAX 4

struct conf_app {
    char *id; /* as written */
    uint64_t sign_tolerance_ms;
    size_t n_tokens;
    struct {
        struct buf bytes;
        char *name; /* for people: where it stands */
    } tokens[CONF_N_TOKENS_MAX];
    char *unread; /* a token file that could not be read, and why; NULL: none */
};

/* NULL where the files say nothing. Of a list the first value. */
struct conf {
    char *callback_listen;
    char *callback_path;
    char *callback_tls;
    char *callback_certificate;
    char *callback_other_commands;
    char *status_listen;
    char *status_certificate;
    char *status_token_file;
    char *control_listen;
    struct conf_app *apps;
    size_t n_apps;
    int error;   /* -errno where the main file could not be read; 0: it was, or was not asked for */
    bool failed; /* memory was gone */
};

/* Reads `path` and conf.d/ *.conf beside it. 0 or -errno. For conf_fini() in any case. */
int conf_read(const char *path, struct conf *ret_conf);
void conf_fini(struct conf *conf);

/* Has an app of that id with this token, beside what the files say; `name` is for people. 0 or -ENOMEM. */
int conf_add_token(struct conf *conf, struct str id, struct str token, const char *name);

/* The app of that id; NULL: there is none. */
const struct conf_app *conf_find_app(const struct conf *conf, struct str id);

#endif
