/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_RESOLVE_H
#define PRESENCED_REPLICA_RESOLVE_H

/* Looks up the addresses of a host. getaddrinfo() has no timeout: without an answer from DNS it returns
 * after 20 seconds or more, and the daemon could not stop before that. It therefore runs on a thread of its
 * own, which is abandoned if it takes too long. Any thread. */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVE_N_MAX 4

struct resolved {
    size_t n;
    char texts[RESOLVE_N_MAX][INET6_ADDRSTRLEN]; /* IPv4 first */
};

/* Returns 0 with at least one address; -EHOSTUNREACH with a constant description in `*ret_problem`; or
 * -ENOMEM or another -errno, without one. */
int resolve(const char *host, uint64_t timeout_ms, struct resolved *ret_resolved, const char **ret_problem);

#endif
