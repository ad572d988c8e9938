/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_SELECTION_H
#define PRESENCED_RECONCILE_SELECTION_H

/* Selects the users of an app to ask about next. The order is described in selection.c. For one thread. */

#include "silence.h"
#include "user_batch.h"
#include "walk.h"

/* Initialised by selection_init(). */
struct selection {
    struct table *table;
    const struct reconcile_sharing *sharing;
    uint16_t app;
    uint64_t stale_after_ms;
    uint64_t sweep_ms;

    uint64_t n_nodes; /* nodes that share the app's users */
    uint64_t n_nodes_lost;
    struct walk gap_online;
    struct walk gap_all;
    bool gap_is_shared; /* other nodes ask about their own users at the same time */
    struct walk online;
    struct walk all;
    struct silence silence;
    uint64_t ticked_ms;
    uint64_t next_gap_ms; /* while there are no events */
    uint64_t gap_interval_ms;
    bool looks_for_doubts;
    uint64_t background_ms; /* when users of a round were last selected */

    uint64_t n_gaps;
    uint64_t last_sweep_unix_ms; /* end of the last round over all users */
    uint64_t last_sweep_ms;      /* duration of that round */
};

/* Starts with a gap, and makes the table mark users in doubt from now on. `table` and `sharing` are
 * borrowed. */
void selection_init(struct selection *selection, struct table *table, const struct reconcile_sharing *sharing,
                    uint16_t app, uint64_t now_ms);
void selection_fini(struct selection *selection);

/* Sets the maximum durations of rounds, as in struct reconcile_config. */
void selection_configure(struct selection *selection, uint64_t stale_after_ms, uint64_t sweep_ms);

/* Begins a gap, because events for this node may have been lost. */
void selection_gap(struct selection *selection, uint64_t now_ms);

/* Called once a second. */
void selection_tick(struct selection *selection, uint64_t now_ms);

/* Adds users to ask about now until the batch has `n_max`. `rate` is the number of calls per second, a tenth
 * of which is for regular rounds. */
void selection_collect(struct selection *selection, struct user_batch *batch, size_t n_max, double rate,
                       uint64_t now_ms);

/* Marks users as in doubt because their call was not completed. */
void selection_mark(struct selection *selection, const struct user_batch *batch);

#endif
