/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_ANSWER_H
#define PRESENCED_RECONCILE_ANSWER_H

/* What an answer of Tencent's says, taken over into the table. One thread. */

#include "user_batch.h"
#include "presenced/table.h"

/* What it came to. */
struct answer_outcome {
    uint64_t n_confirmed;
    uint64_t n_ended;
    uint64_t n_begun;
    uint64_t n_others;
};

/* Takes over what it says of users in the batch, as known at `stamp_ms`; those of whom something newer says
 * otherwise are marked again. Adds to `outcome`. */
void answer_take(struct table *table, uint16_t app, const struct user_batch *batch,
                 struct online_query_answer *answer, uint64_t stamp_ms, uint64_t now_ms,
                 struct answer_outcome *outcome);

#endif
