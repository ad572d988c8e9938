/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_PRIMARY_H
#define PRESENCED_REPLICA_PRIMARY_H

/* The engine that takes writes: found, by way of Sentinel where that is asked, connected to twice and looked
 * at. One thread. */

#include "failure.h"
#include "presenced/replica_url.h"

#define PRIMARY_TIMEOUT_MS 3000 /* of anything that is asked of it */
#define PRIMARY_ID_SIZE 64
#define PRIMARY_SHA_SIZE 41

/* Borrowed. */
struct primary_config {
    const struct replica_url *url;
    struct str user;     /* empty: the default one */
    struct str password; /* empty: none */
    const char *ca_file; /* "": those of the system */
    const char *node;    /* what our connections are called in the engine */
};

struct primary {
    struct link *writer;
    struct link *reader;                  /* where XREAD waits */
    char run_id[PRIMARY_ID_SIZE];         /* of the process */
    char replication_id[PRIMARY_ID_SIZE]; /* of the history of its data */
    bool evicts;                          /* may throw away rows when its memory is full */
    struct replica_host host;             /* by Sentinel's word */
    char merge_sha[PRIMARY_SHA_SIZE];
    char forget_sha[PRIMARY_SHA_SIZE];
    char announce_sha[PRIMARY_SHA_SIZE];
};

/* 0 or below. `ret_primary` is for primary_close() after 0 only. */
int primary_open(const struct primary_config *config, struct primary *ret_primary,
                 struct failure *ret_failure);

/* Takes what is all zero, and leaves it so. */
void primary_close(struct primary *primary);

/* Looks again whether it evicts, which may be set at any time. 0 or below. */
int primary_look_at_memory(struct primary *primary, struct failure *ret_failure);

/* Loads the scripts, whose names are kept. 0 or below. */
int primary_load_scripts(struct primary *primary, struct failure *ret_failure);

/* Sends one command on the writer's connection and takes its reply, the caller's. 0 or below. */
int primary_call(struct primary *primary, const struct str *arguments, size_t n,
                 struct link_reply **ret_reply, struct failure *ret_failure);

/* The reply to the oldest command on that connection that has none yet. 0 or below. */
int primary_receive(struct primary *primary, struct link_reply **ret_reply, struct failure *ret_failure);

/* Whether a reply to ROLE is a primary's; otherwise -EREMOTEIO. */
int primary_check_role(const struct link_reply *reply, struct failure *ret_failure);

/* Whether Sentinel, if it is one, says that another is the primary now: -EREMOTEIO; 0 else, and where no
 * Sentinel answers. Each call asks one of them. */
int primary_check_sentinel(const struct primary_config *config, const struct primary *primary, unsigned turn,
                           struct failure *ret_failure);

#endif
