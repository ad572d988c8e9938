/* SPDX-License-Identifier: MIT */
#include "resolve.h"

#include "presenced/array.h"
#include "presenced/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define N_LOOKUPS_MAX 16 /* at a time, including abandoned ones */

/* Shared by the thread that looks up and the one that waits; the last one to release it frees it. */
struct lookup {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned n_holders;
    bool has_ended;
    int error; /* EAI_… */
    struct resolved resolved;
    char host[];
};

static atomic_uint n_lookups;

static void release(struct lookup *lookup)
{
    (void)pthread_mutex_lock(&lookup->lock);
    bool is_last = --lookup->n_holders == 0;
    (void)pthread_mutex_unlock(&lookup->lock);
    if (is_last) {
        (void)pthread_cond_destroy(&lookup->ended);
        (void)pthread_mutex_destroy(&lookup->lock);
        free(lookup);
    }
}

static void add(struct resolved *resolved, const struct addrinfo *address)
{
    const void *bytes =
        address->ai_family == AF_INET
            ? (const void *)&((const struct sockaddr_in *)(const void *)address->ai_addr)->sin_addr
            : (const void *)&((const struct sockaddr_in6 *)(const void *)address->ai_addr)->sin6_addr;
    if (resolved->n < RESOLVE_N_MAX &&
        inet_ntop(address->ai_family, bytes, resolved->texts[resolved->n], INET6_ADDRSTRLEN) != NULL) {
        resolved->n++;
    }
}

/* Returns 0 or EAI_…. */
static int look_up(const char *host, int flags, struct resolved *ret_resolved)
{
    static const int families[] = {AF_INET, AF_INET6};
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags};
    struct addrinfo *first = NULL;
    int r = getaddrinfo(host, NULL, &hints, &first);
    if (r != 0) {
        return r;
    }
    ret_resolved->n = 0;
    for (size_t i = 0; i < N_ELEMENTS(families); i++) {
        for (const struct addrinfo *address = first; address != NULL; address = address->ai_next) {
            if (address->ai_family == families[i]) {
                add(ret_resolved, address);
            }
        }
    }
    freeaddrinfo(first);
    return ret_resolved->n == 0 ? EAI_NONAME : 0;
}

static void *run(void *cls)
{
    struct lookup *lookup = cls;
    struct resolved resolved = {.n = 0};
    int error = look_up(lookup->host, AI_ADDRCONFIG, &resolved);
    (void)pthread_mutex_lock(&lookup->lock);
    lookup->resolved = resolved;
    lookup->error = error;
    lookup->has_ended = true;
    (void)pthread_cond_signal(&lookup->ended);
    (void)pthread_mutex_unlock(&lookup->lock);
    release(lookup);
    atomic_fetch_sub(&n_lookups, 1);
    return NULL;
}

static struct lookup *new_lookup(const char *host)
{
    size_t size = strlen(host) + 1;
    struct lookup *lookup = calloc(1, sizeof(*lookup) + size);
    if (lookup == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&lookup->lock, NULL);
    clock_init_condition(&lookup->ended);
    memcpy(lookup->host, host, size);
    lookup->n_holders = 1;
    return lookup;
}

static int start(struct lookup *lookup)
{
    pthread_t thread;
    lookup->n_holders = 2;
    int r = -pthread_create(&thread, NULL, run, lookup);
    if (r < 0) {
        lookup->n_holders = 1;
        return r;
    }
    (void)pthread_setname_np(thread, "resolve");
    (void)pthread_detach(thread);
    return 0;
}

/* Returns whether the lookup has ended. */
static bool wait_for(struct lookup *lookup, uint64_t timeout_ms)
{
    uint64_t until_ms = clock_monotonic_ms() + timeout_ms;
    (void)pthread_mutex_lock(&lookup->lock);
    while (!lookup->has_ended && clock_wait_until(&lookup->ended, &lookup->lock, until_ms)) {}
    bool has_ended = lookup->has_ended;
    (void)pthread_mutex_unlock(&lookup->lock);
    return has_ended;
}

static int resolve_on_thread(const char *host, uint64_t timeout_ms, struct resolved *ret_resolved,
                             const char **ret_problem)
{
    struct lookup *lookup = new_lookup(host);
    if (lookup == NULL) {
        atomic_fetch_sub(&n_lookups, 1);
        return -ENOMEM;
    }
    int r = start(lookup);
    if (r < 0) {
        atomic_fetch_sub(&n_lookups, 1);
    } else if (!wait_for(lookup, timeout_ms)) {
        *ret_problem = "looking its name up takes too long";
        r = -EHOSTUNREACH;
    } else if (lookup->error != 0) {
        *ret_problem = gai_strerror(lookup->error);
        r = -EHOSTUNREACH;
    } else {
        *ret_resolved = lookup->resolved;
    }
    release(lookup);
    return r;
}

int resolve(const char *host, uint64_t timeout_ms, struct resolved *ret_resolved, const char **ret_problem)
{
    if (look_up(host, AI_NUMERICHOST, ret_resolved) == 0) {
        return 0;
    }
    if (atomic_fetch_add(&n_lookups, 1) >= N_LOOKUPS_MAX) {
        atomic_fetch_sub(&n_lookups, 1);
        *ret_problem = "looking names up takes too long";
        return -EHOSTUNREACH;
    }
    return resolve_on_thread(host, timeout_ms, ret_resolved, ret_problem);
}
