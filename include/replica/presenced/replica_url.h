/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_URL_H
#define PRESENCED_REPLICA_URL_H

/* Where the engine is, as `url` of [replication] says it. Any thread. */

#include "presenced/str.h"

#define REPLICA_N_HOSTS_MAX 8
#define REPLICA_HOST_SIZE 254
#define REPLICA_NAME_SIZE 64
#define REPLICA_PATH_SIZE 108 /* of a Unix socket */
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
    unsigned n_hosts; /* of Sentinel: one or more; of TCP: one */
    struct replica_host hosts[REPLICA_N_HOSTS_MAX];
    char primary_name[REPLICA_NAME_SIZE]; /* under which Sentinel knows it */
    char path[REPLICA_PATH_SIZE];
};

/* redis://host:port/db, rediss://host:port/db, redis+sentinel://host:port,host:port/NAME/db or unix:/path;
 * port and db may be left out. NULL, or what is wrong, in words that end a sentence. */
const char *replica_url_parse(struct str text, struct replica_url *ret_url);

/* Whether this build can speak TLS to an engine: hiredis 0.14 of Debian 12 cannot. */
bool replica_has_tls(void);

#endif
