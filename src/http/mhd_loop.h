/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_MHD_LOOP_H
#define PRESENCED_HTTP_MHD_LOOP_H

/* The MHD daemons of a worker, one per connection, and when they run. One daemon for all connections would be
 * simpler, but the library does not tell on which connection it rejects a request (mhd_adapter.c). A daemon
 * costs one file descriptor, 1.4 KB (16 KB with TLS, for the list of ciphers), and 6 to 60 us to start;
 * unused ones are kept for the next connections.
 *
 * The library's own epoll within each daemon is not watched: watching the connection is enough, and cheaper
 * than an epoll within an epoll.
 *
 * For the worker's thread only. */

#include "mhd_adapter.h"

#include "presenced/protocol.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mhd_loops;

struct mhd_loop {
    struct mhd_loops *loops;
    struct mhd *mhd;
    bool is_ready;             /* in the list `ready` */
    bool is_urgent;            /* there was an event, or the connection was resumed: run without backoff */
    uint64_t pending_since_ms; /* since when every run has left work pending; 0: the last run left none */
    uint64_t progressed_ms;    /* the last progress of any of its requests */
    uint64_t run_ms;           /* the last run */
    struct mhd_loop *next;     /* in `ready` or `unused` */
    struct mhd_loop *next_of_all;
    struct mhd_loop **link_of_all; /* the pointer to it in `all` */
};

/* The loops of a worker. */
struct mhd_loops {
    struct transport_worker *worker;
    const struct mhd_config *config;
    struct mhd_loop *all;
    struct mhd_loop *ready;
    struct mhd_loop *unused;
    unsigned n_unused;
};

/* Returns an unused or a new loop for one connection; call mhd_loop_rearm() for it. After a run in which it
 * has no connection, the loop is unused again. Returns 0 or -errno. */
int mhd_loop_take(struct mhd_loops *loops, struct mhd_loop **ret_loop);

/* Frees all loops and their connections, none of which may be suspended. */
void mhd_loops_fini(struct mhd_loops *loops);

/* Schedules a run in this round, or, after mhd_loops_run(), in the next. */
void mhd_loop_rearm(struct mhd_loop *loop);

/* A request of the loop has made progress, so that pending work is no stall. */
void mhd_loop_has_progressed(struct mhd_loop *loop);

/* Runs the loops that are ready and due. */
void mhd_loops_run(struct mhd_loops *loops);

/* Returns how long the worker may wait for events. */
uint64_t mhd_loops_wait_ms(const struct mhd_loops *loops);

/* Resumes the loop's suspended connection, and schedules a run. */
void mhd_loop_resume(struct mhd_loop *loop);

/* Suspends and resumes the connection, so that the next run reads from and writes to it without an event.
 * Must not be called during a run. */
void mhd_loop_restart(struct mhd_loop *loop);

static inline bool mhd_loops_are_idle(const struct mhd_loops *loops)
{
    return loops->ready == NULL;
}

#endif
