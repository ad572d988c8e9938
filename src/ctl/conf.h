/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_CONF_H
#define PRESENCED_CTL_CONF_H

/* The parts of the daemon's configuration that presencectl needs. They are not checked here; `presenced
 * --check-config` does that. */

#include "presenced/str.h"

#define CONF_N_TOKENS_MAX 4

struct conf_app {
    char *id; /* as written in the configuration */
    uint64_t sign_tolerance_ms;
    size_t n_tokens;
    struct {
        struct buf bytes;
        char *name; /* where the token comes from, for messages */
    } tokens[CONF_N_TOKENS_MAX];
    char *token_error; /* message about a token file that could not be read; NULL: none */
};

/* Texts are NULL if they are not configured. Of a list, only the first value is stored. */
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
    int error;   /* -errno if the main file could not be read; 0: it was read, or was not needed */
    bool failed; /* an allocation has failed */
};

/* Reads `path` and the files conf.d/ *.conf in its folder. Returns 0 or -errno. `ret_conf` must be passed to
 * conf_fini() in either case. */
int conf_read(const char *path, struct conf *ret_conf);
void conf_fini(struct conf *conf);

/* Adds a token to the app with that id, and adds the app if necessary. `name` says where the token comes
 * from. All are copied. Returns 0 or -ENOMEM. */
int conf_add_token(struct conf *conf, struct str id, struct str token, const char *name);

/* Returns the app with that id, or NULL. */
const struct conf_app *conf_find_app(const struct conf *conf, struct str id);

#endif
