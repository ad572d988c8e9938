/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_ANSWER_H
#define PRESENCED_RECONCILE_ANSWER_H

/* What an answer of Tencent's says, taken over into the table. One thread. */

#include "inquiry.h"

struct answer_taking {
    struct table *table;
    const struct reconcile_history *history;
    uint16_t app;
    const struct user_batch *batch; /* who was asked about */
    struct inquiry *inquiry;        /* gets both views; NULL: nobody wants them */
    uint64_t stamp_ms;              /* when what it says was so */
    uint64_t now_ms;
};

/* Takes over what it says of users in the batch; those of whom something newer says otherwise are marked
 * again. Adds to what is counted of it. */
void answer_take(const struct answer_taking *taking, struct online_query_answer *answer,
                 struct reconcile_stats *stats);

#endif
