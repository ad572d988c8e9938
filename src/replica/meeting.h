/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_MEETING_H
#define PRESENCED_REPLICA_MEETING_H

/* Knows whose data was met, and so when all rows have to be compared: at first, and again when the engine
 * holds other data or entries of its logs were missed. One thread. */

#include "comparison.h"
#include "log_reader.h"

/* Begins all zero but for `table` and `must_meet`, which is true. */
struct meeting {
    struct table *table;
    struct comparison comparison;
    char run_id[PRIMARY_ID_SIZE]; /* of the engine that was met */
    char replication_id[PRIMARY_ID_SIZE];
    bool must_meet;
    bool is_waiting;     /* for others who follow the change log */
    unsigned n_apps_met; /* that the table had then */
    uint64_t n_meetings;
    uint64_t n_missed; /* times that a new connection showed that entries were missed */
};

void meeting_fini(struct meeting *meeting);

/* On a new connection: whether the data that was met is still there, so that its logs are read on; if not,
 * begins to meet it. 0 or below. */
int meeting_resume(struct meeting *meeting, struct primary *primary, struct log_reader *reader,
                   struct failure *ret_failure);

/* Goes on with what there is to compare or to send; reading waits while `is_behind`, and sending while
 * `is_paused`. 0, with *ret_more where it goes on at once, or below. */
int meeting_step(struct meeting *meeting, struct primary *primary, struct outbox *outbox,
                 struct gather *gather, bool is_behind, bool is_paused, bool *ret_more,
                 struct failure *ret_failure);

/* Whether the table has what the engine has; and whether there is nothing left to do. */
bool meeting_has_read(const struct meeting *meeting);
bool meeting_is_over(const struct meeting *meeting);

#endif
