/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_PRIMARY_H
#define PRESENCED_REPLICA_PRIMARY_H

/* The primary, that is, the engine that accepts writes: finds it, by way of Sentinel if configured, opens
 * two connections and checks it. For one thread. Failures are described
 * in `ret_failure`. */

#include "failure.h"
#include "presenced/replica_url.h"

#define PRIMARY_TIMEOUT_MS 3000 /* for connecting and for each reply */
#define PRIMARY_ID_SIZE 64
#define PRIMARY_SHA_SIZE 41

/* Borrowed for each call. */
struct primary_config {
    const struct replica_url *url;
    struct str user;     /* empty: the default user */
    struct str password; /* empty: no password */
    const char *ca_file; /* "": the certificates of the system */
    const char *node;    /* name of our connections in the engine */
};

struct primary {
    struct link *writer;
    struct link *reader;                  /* for XREAD, which blocks */
    char run_id[PRIMARY_ID_SIZE];         /* identifies the process */
    char replication_id[PRIMARY_ID_SIZE]; /* identifies the history of its data */
    bool evicts;                          /* may evict rows when its memory is full */
    struct replica_host host;             /* the address, as given by the URL or by Sentinel */
    char merge_sha[PRIMARY_SHA_SIZE];
    char forget_sha[PRIMARY_SHA_SIZE];
    char announce_sha[PRIMARY_SHA_SIZE];
};

/* Connects. Returns 0 or -errno. `ret_primary` is set, and for primary_close(), only after 0. */
int primary_open(const struct primary_config *config, struct primary *ret_primary,
                 struct failure *ret_failure);

/* Closes the connections and clears `primary`. Accepts one that is all zero. */
void primary_close(struct primary *primary);

/* Updates `evicts`, which may change at any time. Returns 0 or -errno. */
int primary_look_at_memory(struct primary *primary, struct failure *ret_failure);

/* Loads the scripts and keeps their SHA-1. Returns 0 or -errno. */
int primary_load_scripts(struct primary *primary, struct failure *ret_failure);

/* Sends a command on the writer's connection and receives its reply, which the caller owns. Returns 0 or
 * -errno. */
int primary_call(struct primary *primary, const struct str *arguments, size_t n,
                 struct link_reply **ret_reply, struct failure *ret_failure);

/* Receives the reply to the oldest unanswered command on that connection; the caller owns it. Returns 0 or
 * -errno; -EREMOTEIO: the engine has replied with an error. */
int primary_receive(struct primary *primary, struct link_reply **ret_reply, struct failure *ret_failure);

/* Checks that a reply to ROLE is that of a primary. Returns 0 or -EREMOTEIO. */
int primary_check_role(const struct link_reply *reply, struct failure *ret_failure);

/* If Sentinel is used, asks one of the Sentinels, selected by `turn`, whether the primary is still the same.
 * Returns -EREMOTEIO if it is another one; else 0, also if the Sentinel does not answer. */
int primary_check_sentinel(const struct primary_config *config, const struct primary *primary, unsigned turn,
                           struct failure *ret_failure);

#endif
