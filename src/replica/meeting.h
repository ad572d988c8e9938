/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_MEETING_H
#define PRESENCED_REPLICA_MEETING_H

/* How a node and an engine that know nothing of each other come to hold the same: all of the engine's rows
 * are read and merged, leaf by leaf, and summed up; then the table's; and the users of each leaf whose sums
 * differ are sent. Goes on in small steps, between which changes flow in both directions. One thread. */

#include "outbox.h"

enum meeting_phase {
    MEETING_OVER,
    MEETING_READS,    /* the engine's rows */
    MEETING_COMPARES, /* the table's with them */
    MEETING_SENDS,
};

/* Begins all zero. */
struct meeting {
    enum meeting_phase phase;
    unsigned next_leaf;
    unsigned n_leaves; /* of the next step */
    struct table_cursor cursor;
    bool sends_all;
    uint8_t key[16]; /* of the sums: another one each time */
    uint64_t *sums;  /* a leaf; not 0: it differs */
};

void meeting_fini(struct meeting *meeting);

/* 0, -ENOMEM or another -errno. */
int meeting_begin(struct meeting *meeting);

/* The whole table is to be sent, now or when a meeting comes to it: changes of it were lost. 0 or -ENOMEM. */
int meeting_send_all(struct meeting *meeting);

/* A step of MEETING_READS. 0 or below. */
int meeting_read(struct meeting *meeting, struct primary *primary, struct gather *gather,
                 struct failure *ret_failure);

/* A step of MEETING_COMPARES. */
void meeting_compare(struct meeting *meeting, struct table *table);

/* A step of MEETING_SENDS. 0 or below, after which the same step comes again. */
int meeting_send(struct meeting *meeting, struct table *table, struct outbox *outbox, struct gather *gather,
                 struct failure *ret_failure);

#endif
