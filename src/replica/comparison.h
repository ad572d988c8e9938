/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_COMPARISON_H
#define PRESENCED_REPLICA_COMPARISON_H

/* Compares the table with the engine's rows, so that both end up with the same. First all rows of the engine
 * are read, merged into the table and summed by leaf. Then the rows of the table are summed. Finally, the
 * users of each leaf whose sum is not 0 are sent. This is done in small steps, between which changes flow in
 * both directions. For one thread. */

#include "outbox.h"

enum comparison_phase {
    COMPARISON_OVER,
    COMPARISON_READS, /* the engine's rows are read */
    COMPARISON_SUMS,  /* the table's rows are summed */
    COMPARISON_SENDS, /* the differences are sent */
};

/* Initially all zero. */
struct comparison {
    enum comparison_phase phase;
    unsigned next_leaf;
    unsigned n_leaves; /* to be read by the next step */
    struct table_cursor cursor;
    bool sends_all;
    uint8_t key[16]; /* of the sums; random for each comparison */
    uint64_t *sums;  /* one for each leaf; not 0: it differs */
};

void comparison_fini(struct comparison *comparison);

/* Starts a comparison. Returns 0 or -errno. */
int comparison_begin(struct comparison *comparison);

/* Makes the whole table be sent: from the next step, or by the current comparison when it starts sending.
 * Returns 0 or -ENOMEM. */
int comparison_send_all(struct comparison *comparison);

/* A step of COMPARISON_READS. Returns 0 or -errno. */
int comparison_read(struct comparison *comparison, struct primary *primary, struct gather *gather,
                    struct failure *ret_failure);

/* A step of COMPARISON_SUMS. */
void comparison_sum(struct comparison *comparison, struct table *table);

/* A step of COMPARISON_SENDS. Returns 0 or -errno, after which the step must be repeated. `gather` is as for
 * outbox_flush(). */
int comparison_send(struct comparison *comparison, struct table *table, struct outbox *outbox,
                    struct gather *gather, struct failure *ret_failure);

#endif
