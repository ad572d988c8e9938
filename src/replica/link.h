/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LINK_H
#define PRESENCED_REPLICA_LINK_H

/* A connection to Valkey or Redis. Only link.c uses hiredis. Each connection is for one thread. */

#include "presenced/str.h"

#define LINK_PROBLEM_SIZE 160

struct link;

struct link_address {
    const char *path; /* of a Unix socket; NULL: use host and port */
    const char *host;
    uint16_t port;
    bool tls;
    const char *ca_file; /* for TLS; NULL: the certificates of the system */
};

/* Return whether link_open() supports TLS, and the version of hiredis at build time. */
bool link_has_tls(void);
const char *link_library_version(void);

/* Connects. No later call on the connection waits longer than `timeout_ms` for the peer. Returns 0, or
 * -errno with a description in `ret_problem`. */
int link_open(const struct link_address *address, uint64_t timeout_ms, struct link **ret_link,
              char ret_problem[static LINK_PROBLEM_SIZE]);
void link_close(struct link *link);
DEFINE_CLEANUP(struct link *, link_close)

/* Returns the socket, which becomes readable when a reply arrives. */
int link_fd(const struct link *link);

/* Adds a command to the output. The arguments are copied. Returns 0 or -ENOMEM. */
int link_append(struct link *link, const struct str *arguments, size_t n);

/* Sends the output. Returns 0, or -errno, after which the connection is unusable. */
int link_flush(struct link *link);

struct link_reply;

/* Sends the output, then waits for the reply to the oldest unanswered command. Returns 0 with a reply owned
 * by the caller; or -errno, -ETIMEDOUT if none arrived in time. After an error the connection is
 * unusable. */
int link_receive(struct link *link, struct link_reply **ret_reply);

void link_reply_free(struct link_reply *reply);
DEFINE_CLEANUP(struct link_reply *, link_reply_free)

/* Access to a reply. NULL is accepted everywhere and counts as empty. Texts and elements are borrowed from
 * the reply. */
bool link_reply_is_error(const struct link_reply *reply);
struct str link_reply_text(const struct link_reply *reply); /* of a string, status or error; else "" */
uint64_t link_reply_number(const struct link_reply *reply); /* of an integer or decimal text; else 0 */
size_t link_reply_n(const struct link_reply *reply);        /* number of elements of an array; else 0 */
const struct link_reply *link_reply_at(const struct link_reply *reply, size_t at); /* NULL if there is none */

#endif
