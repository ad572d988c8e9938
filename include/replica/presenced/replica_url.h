/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_URL_H
#define PRESENCED_REPLICA_URL_H

/* The address of the engine, parsed from `url` of [replication]. Any thread. */

#include "presenced/str.h"

#define REPLICA_N_HOSTS_MAX 8
#define REPLICA_HOST_SIZE 254
#define REPLICA_NAME_SIZE 64
#define REPLICA_PATH_SIZE 108 /* for a Unix socket, including the NUL */
#define REPLICA_DATABASE_MAX 65535

struct replica_host {
    char name[REPLICA_HOST_SIZE]; /* a name or an address, IPv6 without brackets */
    uint16_t port;
};

enum replica_url_kind {
    REPLICA_URL_TCP,
    REPLICA_URL_UNIX,
    REPLICA_URL_SENTINEL,
};

struct replica_url {
    enum replica_url_kind kind;
    bool tls;
    unsigned database;
    unsigned n_hosts; /* one; for Sentinel: one or more */
    struct replica_host hosts[REPLICA_N_HOSTS_MAX];
    char primary_name[REPLICA_NAME_SIZE]; /* the primary's name in Sentinel */
    char path[REPLICA_PATH_SIZE];
};

/* Parses redis://host:port/db, rediss://host:port/db, redis+sentinel://host:port,host:port/NAME/db or
 * unix:/path, in which port and db may be missing. Returns NULL, or what is wrong as the second half of a
 * sentence; constant. */
const char *replica_url_parse(struct str text, struct replica_url *ret_url);

/* Returns whether this build supports TLS to the engine, which hiredis 0.14 of Debian 12 does not. */
bool replica_has_tls(void);

#endif
