/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TARGET_H
#define PRESENCED_CTL_TARGET_H

/* Whom a command talks to: what the command line says, else the environment, else the daemon's configuration,
 * else its defaults. What cannot be made out is said on standard error. */

#include "arguments.h"
#include "conf.h"

struct target {
    char *url;        /* "http://127.0.0.1:8080", without a '/' at its end */
    char *socket;     /* of a Unix socket; NULL: TCP */
    char *ca_file;    /* whom to believe; NULL: the system's authorities */
    bool any_name;    /* `ca_file` is the listener's own certificate, whatever name that has */
    bool insecure;    /* any certificate is believed */
    char *origin;     /* "from --status": where the address comes from */
    struct buf token; /* to be shown; empty: none */
};

void target_fini(struct target *target);

/* The configuration that --config names, or the usual one where it can be read (else an empty one). 0 or
 * CTL_WRONG. For conf_fini() in any case. */
int target_read_conf(const struct arguments *arguments, struct conf *ret_conf);

/* That something is missing which the configuration could have said: "--app ID is missing". CTL_WRONG. */
int target_complain_missing(const struct arguments *arguments, const struct conf *conf, const char *missing);

/* Of the status listener. 0 or CTL_WRONG; for target_fini() in any case, as those below. */
int target_find_status(const struct arguments *arguments, struct target *ret_target);

/* Of the control socket. */
int target_find_control(const struct arguments *arguments, struct target *ret_target);

/* Of the callback listener, with its path, unless --url names another. */
int target_find_callback(const struct arguments *arguments, const struct conf *conf,
                         struct target *ret_target);

/* Reads the token of --token-file into `ret_token`, which is empty and which the caller wipes. 0 or
 * CTL_WRONG.
 */
int target_read_token(const char *path, struct buf *ret_token);

/* For messages: the URL or the socket. */
const char *target_name(const struct target *target);

#endif
