/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LINK_H
#define PRESENCED_REPLICA_LINK_H

/* A connection to Valkey or Redis. All that hiredis does for us is done in link.c, so that another library
 * could take its place. One thread a connection. */

#include "presenced/str.h"

#define LINK_PROBLEM_SIZE 160

struct link;

struct link_address {
    const char *path; /* of a Unix socket; NULL: host and port */
    const char *host;
    uint16_t port;
    bool tls;
    const char *ca_file; /* of TLS; NULL: those of the system */
};

/* Whether link_open() knows TLS, and the version of the library. */
bool link_has_tls(void);
const char *link_library_version(void);

/* Connects; no call on the connection waits longer than `timeout_ms` for the other side. 0; -errno with words
 * for people in `ret_problem`. */
int link_open(const struct link_address *address, uint64_t timeout_ms, struct link **ret_link,
              char ret_problem[static LINK_PROBLEM_SIZE]);
void link_close(struct link *link);
DEFINE_CLEANUP(struct link *, link_close)

/* Becomes readable when a reply comes. */
int link_fd(const struct link *link);

/* Adds a command to what is to be sent. 0 or -ENOMEM. */
int link_append(struct link *link, const struct str *arguments, size_t n);

/* Sends it. 0; -errno, after which the connection is of no use. */
int link_flush(struct link *link);

struct link_reply;

/* Sends what is left, then waits for the reply to the oldest command that has none yet. 0, the reply being
 * the caller's; -ETIMEDOUT; another -errno, after which the connection is of no use. */
int link_receive(struct link *link, struct link_reply **ret_reply);

void link_reply_free(struct link_reply *reply);
DEFINE_CLEANUP(struct link_reply *, link_reply_free)

/* What a reply is; NULL is taken everywhere and is nothing. All that is borrowed lives as long as it. */
bool link_reply_is_error(const struct link_reply *reply);
struct str link_reply_text(const struct link_reply *reply); /* of a string, status or error; else empty */
uint64_t link_reply_number(const struct link_reply *reply); /* of a number or decimal text; else 0 */
size_t link_reply_n(const struct link_reply *reply);        /* elements of an array; else 0 */
const struct link_reply *link_reply_at(const struct link_reply *reply, size_t at); /* NULL: none */

#endif
