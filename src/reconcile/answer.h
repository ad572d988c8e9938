/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_ANSWER_H
#define PRESENCED_RECONCILE_ANSWER_H

/* Applies an answer of Tencent to the table. For one thread. */

#include "inquiry.h"

struct answer_taking {
    struct table *table;
    const struct reconcile_history *history;
    uint16_t app;
    const struct user_batch *batch; /* the users asked about */
    struct inquiry *inquiry;        /* receives the table's and Tencent's view; NULL: none */
    uint64_t stamp_ms;              /* the answer includes all events up to this EventTime */
    uint64_t now_ms;
};

/* Applies the results of users in the batch, and marks again those about whom the table has newer
 * information. Adds to `stats`. */
void answer_take(const struct answer_taking *context, struct online_query_answer *answer,
                 struct reconcile_stats *stats);

#endif
