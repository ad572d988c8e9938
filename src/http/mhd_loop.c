/* SPDX-License-Identifier: MIT */
#include "mhd_loop.h"

#include <errno.h>

/* libmicrohttpd (0.9.75, 1.0.1) reports pending work for ever when its buffer is full and the request needs
 * more, such as the rest of a chunk-size line of many kilobytes. Running it again at once would spin on a
 * core. So a loop whose work has been pending for PENDING_MAX_MS, without progress for STALLED_AFTER_MS, runs
 * only every STALL_BACKOFF_MS, or when an event comes. A long head takes less time, and each record of a long
 * TLS reply is progress. system/test_stalled.c: stuck_connections_cost_no_core. */
#define PENDING_MAX_MS 20
#define STALLED_AFTER_MS 1
#define STALL_BACKOFF_MS 10

/* Returned when nothing is scheduled; the worker's own deadlines come first. */
#define WAIT_MAX_MS 60000

/* Unused loops that a worker keeps for its next connections; see HTTP_DESCRIPTORS_A_THREAD. */
#define UNUSED_MAX 16

static void link_to_all(struct mhd_loop *loop)
{
    struct mhd_loops *loops = loop->loops;
    loop->next_of_all = loops->all;
    loop->link_of_all = &loops->all;
    if (loops->all != NULL) {
        loops->all->link_of_all = &loop->next_of_all;
    }
    loops->all = loop;
}

static int mhd_loop_new(struct mhd_loops *loops, struct mhd_loop **ret_loop)
{
    struct mhd_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return -ENOMEM;
    }
    loop->loops = loops;
    int r = mhd_new(loops->config, &loop->mhd);
    if (r < 0) {
        free(loop);
        return r;
    }
    link_to_all(loop);
    *ret_loop = loop;
    return 0;
}

int mhd_loop_take(struct mhd_loops *loops, struct mhd_loop **ret_loop)
{
    struct mhd_loop *loop = loops->unused;
    if (loop == NULL) {
        return mhd_loop_new(loops, ret_loop);
    }
    loops->unused = loop->next;
    loops->n_unused--;
    *ret_loop = loop;
    return 0;
}

static void mhd_loop_free(struct mhd_loop *loop)
{
    *loop->link_of_all = loop->next_of_all;
    if (loop->next_of_all != NULL) {
        loop->next_of_all->link_of_all = loop->link_of_all;
    }
    mhd_free(loop->mhd);
    free(loop);
}

void mhd_loops_fini(struct mhd_loops *loops)
{
    while (loops->all != NULL) {
        mhd_loop_free(loops->all);
    }
}

static void become_ready(struct mhd_loop *loop)
{
    struct mhd_loops *loops = loop->loops;
    if (!loop->is_ready) {
        loop->is_ready = true;
        loop->next = loops->ready;
        loops->ready = loop;
    }
}

void mhd_loop_rearm(struct mhd_loop *loop)
{
    loop->is_urgent = true;
    become_ready(loop);
}

void mhd_loop_has_progressed(struct mhd_loop *loop)
{
    loop->progressed_ms = loop->loops->worker->now_ms;
    loop->loops->worker->has_progressed = true;
}

/* Returns when a ready loop should run. */
static uint64_t due_ms(const struct mhd_loop *loop)
{
    uint64_t now_ms = loop->loops->worker->now_ms;
    bool is_stalled = loop->pending_since_ms != 0 && now_ms - loop->pending_since_ms >= PENDING_MAX_MS &&
                      now_ms - loop->progressed_ms >= STALLED_AFTER_MS;
    return loop->is_urgent || !is_stalled ? now_ms : loop->run_ms + STALL_BACKOFF_MS;
}

static void recycle(struct mhd_loop *loop)
{
    struct mhd_loops *loops = loop->loops;
    loop->pending_since_ms = 0;
    if (loops->n_unused == UNUSED_MAX) {
        mhd_loop_free(loop);
        return;
    }
    loop->next = loops->unused;
    loops->unused = loop;
    loops->n_unused++;
}

static void run(struct mhd_loop *loop)
{
    loop->is_urgent = false;
    loop->run_ms = loop->loops->worker->now_ms;
    mhd_run(loop->mhd);
    if (mhd_connection(loop->mhd) == NULL) { /* its connection has ended, or was not added */
        recycle(loop);
    } else if (!mhd_has_pending(loop->mhd)) {
        loop->pending_since_ms = 0;
    } else {
        loop->pending_since_ms = loop->pending_since_ms == 0 ? loop->run_ms : loop->pending_since_ms;
        become_ready(loop);
    }
}

void mhd_loops_run(struct mhd_loops *loops)
{
    struct mhd_loop *ready = take_pointer(loops->ready);
    while (ready != NULL) {
        struct mhd_loop *loop = ready;
        ready = loop->next;
        loop->is_ready = false;
        if (due_ms(loop) <= loops->worker->now_ms) {
            run(loop);
        } else {
            become_ready(loop);
        }
    }
}

uint64_t mhd_loops_wait_ms(const struct mhd_loops *loops)
{
    uint64_t wait_ms = WAIT_MAX_MS;
    uint64_t now_ms = loops->worker->now_ms;
    for (const struct mhd_loop *loop = loops->ready; loop != NULL; loop = loop->next) {
        uint64_t due = due_ms(loop);
        uint64_t left = due <= now_ms ? 0 : due - now_ms;
        wait_ms = left < wait_ms ? left : wait_ms;
    }
    return wait_ms;
}

void mhd_loop_resume(struct mhd_loop *loop)
{
    mhd_resume(loop->mhd);
    mhd_loop_rearm(loop);
}

void mhd_loop_restart(struct mhd_loop *loop)
{
    mhd_suspend(loop->mhd);
    mhd_loop_resume(loop);
}
