/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_RESOLVE_H
#define PRESENCED_REPLICA_RESOLVE_H

/* Looks a host's addresses up. getaddrinfo() has no time-out: where DNS does not answer it returns after 20
 * seconds or more, and the daemon could not end before. So it runs on a thread of its own, which is left
 * alone when it takes too long. Any thread. */

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define RESOLVE_N_MAX 4

struct resolved {
    size_t n;
    char texts[RESOLVE_N_MAX][INET6_ADDRSTRLEN]; /* IPv4 first */
};

/* 0 with at least one; -EHOSTUNREACH with words for people in `*ret_problem`, which are constant; -ENOMEM. */
int resolve(const char *host, uint64_t timeout_ms, struct resolved *ret_resolved, const char **ret_problem);

#endif
