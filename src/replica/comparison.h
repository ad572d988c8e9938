/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_COMPARISON_H
#define PRESENCED_REPLICA_COMPARISON_H

/* Compares the table with the engine's rows, so that both come to hold the same. First all of the engine's
 * rows are read, merged into the table and summed up by leaf; then the table's rows are summed up; then the
 * users of each leaf whose sums differ are sent. Goes on in small steps, between which changes flow in both
 * directions. One thread. */

#include "outbox.h"

enum comparison_phase {
    COMPARISON_OVER,
    COMPARISON_READS, /* the engine's rows */
    COMPARISON_SUMS,  /* the table's */
    COMPARISON_SENDS, /* what differs */
};

/* Begins all zero. */
struct comparison {
    enum comparison_phase phase;
    unsigned next_leaf;
    unsigned n_leaves; /* of the next step */
    struct table_cursor cursor;
    bool sends_all;
    uint8_t key[16]; /* of the sums: another one each time */
    uint64_t *sums;  /* a leaf; not 0: it differs */
};

void comparison_fini(struct comparison *comparison);

/* 0, -ENOMEM or another -errno. */
int comparison_begin(struct comparison *comparison);

/* The whole table is to be sent: at once, or when a comparison that is under way comes to sending. 0 or
 * -ENOMEM. */
int comparison_send_all(struct comparison *comparison);

/* A step of COMPARISON_READS. 0 or below. */
int comparison_read(struct comparison *comparison, struct primary *primary, struct gather *gather,
                    struct failure *ret_failure);

/* A step of COMPARISON_SUMS. */
void comparison_sum(struct comparison *comparison, struct table *table);

/* A step of COMPARISON_SENDS. 0 or below, after which the same step comes again. */
int comparison_send(struct comparison *comparison, struct table *table, struct outbox *outbox,
                    struct gather *gather, struct failure *ret_failure);

#endif
