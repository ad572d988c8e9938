/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_SELECTION_H
#define PRESENCED_RECONCILE_SELECTION_H

/* Whom of an app's users to ask about next, and when everyone is to be asked about. Drawn in selection.c. One
 * thread. */

#include "silence.h"
#include "user_batch.h"
#include "walk.h"

/* For selection_init(). */
struct selection {
    struct table *table;
    const struct reconcile_sharing *sharing;
    uint16_t app;
    uint64_t stale_after_ms;
    uint64_t sweep_ms;

    uint64_t n_nodes; /* that share the app's users */
    uint64_t n_nodes_lost;
    struct walk gap_online;
    struct walk gap_all;
    bool gap_is_shared; /* other nodes ask about their users at the same time */
    struct walk online;
    struct walk all;
    struct silence silence;
    uint64_t ticked_ms;
    uint64_t next_gap_ms; /* while events do not come */
    uint64_t gap_interval_ms;
    bool looks_for_doubts;
    uint64_t background_ms; /* when users of a round were selected last */

    uint64_t n_gaps;
    uint64_t last_sweep_unix_ms; /* when everybody had been asked about */
    uint64_t last_sweep_ms;      /* how long that took */
};

/* Begins with a gap. Users of the app are marked as in doubt from now on. What is borrowed outlives it. */
void selection_init(struct selection *selection, struct table *table, const struct reconcile_sharing *sharing,
                    uint16_t app, uint64_t now_ms);
void selection_fini(struct selection *selection);

/* How often everybody's turn comes at least, as in struct reconcile_config. */
void selection_configure(struct selection *selection, uint64_t stale_after_ms, uint64_t sweep_ms);

/* Events that this node was to hear may have been lost. */
void selection_gap(struct selection *selection, uint64_t now_ms);

/* Once a second. */
void selection_tick(struct selection *selection, uint64_t now_ms);

/* Adds whom to ask about now until the batch has `n_max` users; a tenth of so many calls a second, `rate`, is
 * for those about whom there is no doubt. */
void selection_collect(struct selection *selection, struct user_batch *batch, size_t n_max, double rate,
                       uint64_t now_ms);

/* What was to be asked about them was not: they are in doubt. */
void selection_mark(struct selection *selection, const struct user_batch *batch);

#endif
