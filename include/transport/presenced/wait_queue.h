/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WAIT_QUEUE_H
#define PRESENCED_WAIT_QUEUE_H

/* Who has waited longest: connections of one thread in the order in which they began to wait. As all of a
 * queue wait equally long, the first to expire is always the first of the queue: no heap, no timers. */

#include <stddef.h>
#include <stdint.h>

struct waiter {
    struct waiter *previous;
    struct waiter *next;
    uint64_t since_ms;
};

/* A ring with the queue itself as its end. */
struct wait_queue {
    struct waiter end;
};

static inline void wait_queue_init(struct wait_queue *queue)
{
    queue->end.previous = queue->end.next = &queue->end;
}

/* A waiter that stands in no queue has next NULL. */
static inline void wait_leave(struct waiter *waiter)
{
    if (waiter->next != NULL) {
        waiter->previous->next = waiter->next;
        waiter->next->previous = waiter->previous;
        waiter->next = waiter->previous = NULL;
    }
}

/* Leaves the queue it stands in and joins at the end; `now_ms` is no lower than at any call before. */
static inline void wait_join(struct wait_queue *queue, struct waiter *waiter, uint64_t now_ms)
{
    wait_leave(waiter);
    waiter->since_ms = now_ms;
    waiter->previous = queue->end.previous;
    waiter->next = &queue->end;
    queue->end.previous->next = waiter;
    queue->end.previous = waiter;
}

/* The one that waits longest, or NULL. */
static inline struct waiter *wait_first(const struct wait_queue *queue)
{
    return queue->end.next == &queue->end ? NULL : queue->end.next;
}

/* The one that waits shortest, or NULL. */
static inline struct waiter *wait_last(const struct wait_queue *queue)
{
    return queue->end.previous == &queue->end ? NULL : queue->end.previous;
}

/* The one before it, or NULL. */
static inline struct waiter *wait_previous(const struct wait_queue *queue, const struct waiter *waiter)
{
    return waiter->previous == &queue->end ? NULL : waiter->previous;
}

/* The one after it, or NULL. */
static inline struct waiter *wait_next(const struct wait_queue *queue, const struct waiter *waiter)
{
    return waiter->next == &queue->end ? NULL : waiter->next;
}

#endif
