/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_MEETING_H
#define PRESENCED_REPLICA_MEETING_H

/* Remembers with which data the table was compared, and so decides when all rows must be compared:
 * initially, and again when the engine holds other data or entries of its logs were missed. For one
 * thread. */

#include "comparison.h"
#include "log_reader.h"

/* Initially all zero except for `table`, and `must_meet`, which is true. */
struct meeting {
    struct table *table;
    struct comparison comparison;
    char run_id[PRIMARY_ID_SIZE]; /* of the engine whose data was compared */
    char replication_id[PRIMARY_ID_SIZE];
    bool must_meet;
    bool is_waiting;     /* reading waits for other followers of the change log */
    unsigned n_apps_met; /* number of apps in the table at the last comparison */
    uint64_t n_meetings;
    uint64_t n_missed; /* times a new connection revealed missed entries */
};

void meeting_fini(struct meeting *meeting);

/* Called on a new connection. If the data is still the same, its logs are read on; otherwise a comparison
 * begins. Returns 0 or -errno. */
int meeting_resume(struct meeting *meeting, struct primary *primary, struct log_reader *reader,
                   struct failure *ret_failure);

/* Does one step of the comparison, if there is one. Reading waits while `is_behind`, and sending while
 * `is_paused`. Returns 0 with `*ret_more` set if the next step can follow at once; or -errno. */
int meeting_step(struct meeting *meeting, struct primary *primary, struct outbox *outbox,
                 struct gather *gather, bool is_behind, bool is_paused, bool *ret_more,
                 struct failure *ret_failure);

/* Return whether the table has what the engine had, and whether no comparison is in progress. */
bool meeting_has_read(const struct meeting *meeting);
bool meeting_is_over(const struct meeting *meeting);

#endif
