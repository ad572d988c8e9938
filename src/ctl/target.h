/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TARGET_H
#define PRESENCED_CTL_TARGET_H

/* Finds the listener that a command talks to: from the command line, else the environment, else the daemon's
 * configuration, else its defaults. Errors are printed on standard error. */

#include "arguments.h"
#include "conf.h"

struct target {
    char *url;        /* "http://127.0.0.1:8080", without a '/' at its end */
    char *socket;     /* path of the Unix socket; NULL: TCP */
    char *ca_file;    /* trusted certificates; NULL: those of the system */
    bool any_name;    /* do not verify the host name: `ca_file` is the listener's own certificate */
    bool insecure;    /* accept any certificate */
    char *origin;     /* where the address comes from, such as "from --status" */
    struct buf token; /* bearer token to send; empty: none */
};

void target_fini(struct target *target);

/* Reads the configuration given by --config, or the default one; if the latter cannot be read, `ret_conf` is
 * empty. Returns 0 or CTL_WRONG. `ret_conf` must be passed to conf_fini() in either case. */
int target_read_conf(const struct arguments *arguments, struct conf *ret_conf);

/* Prints that something is missing ("--app ID is missing") which the configuration does not provide either.
 * Returns CTL_WRONG. */
int target_complain_missing(const struct arguments *arguments, const struct conf *conf, const char *missing);

/* The functions target_find_…() return 0 or CTL_WRONG. `ret_target` must be passed to target_fini() in either
 * case. */

/* Finds the status listener. */
int target_find_status(const struct arguments *arguments, struct target *ret_target);

/* Finds the control socket. */
int target_find_control(const struct arguments *arguments, struct target *ret_target);

/* Finds the callback listener, with its path, unless --url is given. */
int target_find_callback(const struct arguments *arguments, const struct conf *conf,
                         struct target *ret_target);

/* Reads the file given by --token-file into `ret_token`, which is empty and which the caller wipes. Returns 0
 * or CTL_WRONG. */
int target_read_token(const char *path, struct buf *ret_token);

/* Returns the URL or the path of the socket, for messages. */
const char *target_name(const struct target *target);

#endif
