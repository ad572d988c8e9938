/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_MHD_LOOP_H
#define PRESENCED_HTTP_MHD_LOOP_H

/* When a worker runs its libmicrohttpd daemons. With TLS it has one for all its connections. Without, each
 * connection has one to itself: the library says of a refusal only that there was one, and where it reads the
 * socket itself nothing else tells which connection it is working on (mhd_adapter.c). A daemon costs 1.4 KB,
 * a descriptor and 6 us, and is used again for the next connection.
 *
 * For the worker's thread alone. */

#include "watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_connection;
struct http_worker;
struct mhd;

struct mhd_loop {
    struct watch watch; /* WATCH_MHD: of libmicrohttpd's own epoll, where connections share it; else the
                         * connection's own is enough, and cheaper than an epoll in an epoll */
    struct http_worker *worker;
    struct mhd *mhd;
    bool is_ready;             /* stands in the worker's list of them */
    bool is_urgent;            /* an event has come, or a connection was resumed */
    uint64_t pending_since_ms; /* the library has had something to do since; 0: it has nothing */
    uint64_t progressed_ms;    /* when something last came of anything */
    uint64_t run_ms;
    struct mhd_loop *next; /* of the ready, or of the unused */
    struct mhd_loop *next_of_all;
    struct mhd_loop **link_of_all; /* what points to it there */
};

/* Engines of a worker. All zero is none. */
struct mhd_loops {
    struct mhd_loop *all;
    struct mhd_loop *ready;
    struct mhd_loop *unused;
    unsigned n_unused;
};

/* 0 or -errno. Without TLS: one that is unused, or a new one, for a single connection. */
int mhd_loop_new(struct http_worker *worker, unsigned max_connections, struct mhd_loop **ret_loop);
int mhd_loop_take(struct http_worker *worker, struct mhd_loop **ret_loop);

/* Frees all of them. No connection of theirs may be suspended. */
void mhd_loops_fini(struct mhd_loops *loops);

/* To be run in this round. */
void mhd_loop_rearm(struct mhd_loop *loop);

/* Something has come of what was read. */
void mhd_loop_has_progressed(struct mhd_loop *loop);

/* Runs those that are ready and due. */
void mhd_loops_run(struct http_worker *worker);

/* How long the worker may wait: 0 to HTTP_SWEEP_INTERVAL_MS. */
uint64_t mhd_loops_wait_ms(const struct http_worker *worker);

static inline bool mhd_loops_are_idle(const struct mhd_loops *loops)
{
    return loops->ready == NULL;
}

#endif
