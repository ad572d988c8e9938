/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WAIT_QUEUE_H
#define PRESENCED_WAIT_QUEUE_H

/* A queue of waiting connections of one thread, in the order in which they began to wait. All members of a
 * queue have the same time-out, so the first to expire is always at the front, and no heap or timers are
 * needed. For one thread at a time. */

#include <stddef.h>
#include <stdint.h>

struct waiter {
    struct waiter *previous;
    struct waiter *next;
    uint64_t since_ms;
};

/* A circular list with the queue itself as its end. */
struct wait_queue {
    struct waiter end;
};

static inline void wait_queue_init(struct wait_queue *queue)
{
    queue->end.previous = queue->end.next = &queue->end;
}

/* Removes a waiter from its queue. Does nothing if it is in none (next is NULL). */
static inline void wait_leave(struct waiter *waiter)
{
    if (waiter->next != NULL) {
        waiter->previous->next = waiter->next;
        waiter->next->previous = waiter->previous;
        waiter->next = waiter->previous = NULL;
    }
}

/* Moves a waiter from its queue, if any, to the end of `queue`. `now_ms` must not be lower than in earlier
 * calls. */
static inline void wait_join(struct wait_queue *queue, struct waiter *waiter, uint64_t now_ms)
{
    wait_leave(waiter);
    waiter->since_ms = now_ms;
    waiter->previous = queue->end.previous;
    waiter->next = &queue->end;
    queue->end.previous->next = waiter;
    queue->end.previous = waiter;
}

/* Returns the waiter that has waited longest, or NULL. */
static inline struct waiter *wait_first(const struct wait_queue *queue)
{
    return queue->end.next == &queue->end ? NULL : queue->end.next;
}

/* Returns the waiter that has waited shortest, or NULL. */
static inline struct waiter *wait_last(const struct wait_queue *queue)
{
    return queue->end.previous == &queue->end ? NULL : queue->end.previous;
}

/* Returns the waiter before `waiter`, or NULL. */
static inline struct waiter *wait_previous(const struct wait_queue *queue, const struct waiter *waiter)
{
    return waiter->previous == &queue->end ? NULL : waiter->previous;
}

/* Returns the waiter after `waiter`, or NULL. */
static inline struct waiter *wait_next(const struct wait_queue *queue, const struct waiter *waiter)
{
    return waiter->next == &queue->end ? NULL : waiter->next;
}

#endif
