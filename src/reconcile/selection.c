/* SPDX-License-Identifier: MIT */
/* Users are selected in this order: after a gap, those online; users in doubt; after a gap, all others; and
 * everybody in regular rounds, which are to take a tenth of the calls. There are no lists of users: each walk
 * over the table has a cursor, and a user in doubt has a bit in the table. A user whose call failed is in
 * doubt.
 *
 * If several nodes ask, each asks about its own users. However, what this node alone may have missed can
 * concern any user, so after such a gap it asks about all of them; and a user in doubt is asked about by the
 * node that has received the event. */
#include "selection.h"

#include "presenced/clock.h"

/* An answer is stamped two seconds before its time, and must be newer than the event it corrects. */
#define DOUBT_MS 3000
#define BACKGROUND_SHARE 10 /* one in ten calls is for rounds */
#define ROUND_MIN_MS 60000  /* minimum duration of a round */
#define FILL_WAIT_MS 10000  /* how long users of a round wait for a batch to fill */
#define STALLED_MS 30000    /* a node that did not run for this long may have missed events */

static uint64_t at_most(uint64_t value, uint64_t max)
{
    return value < max ? value : max;
}

static uint64_t at_least(uint64_t value, uint64_t min)
{
    return value > min ? value : min;
}

void selection_init(struct selection *selection, struct table *table, const struct reconcile_sharing *sharing,
                    uint16_t app, uint64_t now_ms)
{
    *selection = (struct selection){
        .table = table,
        .sharing = sharing,
        .app = app,
        .n_nodes = 1,
        .gap_is_shared = true,
        .ticked_ms = now_ms,
        .gap_interval_ms = ROUND_MIN_MS,
        .n_gaps = 1,
    };
    walk_init(&selection->gap_online, app, true, now_ms);
    walk_init(&selection->gap_all, app, false, now_ms);
    walk_init(&selection->online, app, true, now_ms);
    walk_init(&selection->all, app, false, now_ms);
    table_mark_doubts(table, app, true);
    silence_init(&selection->silence, table_n_events(table, app), now_ms);
}

void selection_fini(struct selection *selection)
{
    table_mark_doubts(selection->table, selection->app, false);
}

void selection_configure(struct selection *selection, uint64_t stale_after_ms, uint64_t sweep_ms)
{
    selection->stale_after_ms = stale_after_ms;
    selection->sweep_ms = sweep_ms;
}

void selection_mark(struct selection *selection, const struct user_batch *batch)
{
    for (size_t i = 0; i < batch->n; i++) {
        table_mark(selection->table, selection->app, user_batch_user(batch, i));
    }
}

/* Begins a gap. If this node is asking about all users and a shared gap begins before that is over, it still
 * asks about all users. */
static void begin_gap(struct selection *selection, bool is_shared, uint64_t now_ms)
{
    selection->gap_is_shared = is_shared && (selection->gap_is_shared || selection->gap_all.is_over);
    walk_begin(&selection->gap_online, now_ms);
    walk_begin(&selection->gap_all, now_ms);
    selection->n_gaps++;
}

void selection_gap(struct selection *selection, uint64_t now_ms)
{
    begin_gap(selection, false, now_ms);
}

/* Begins a gap when a node is gone, as each remaining node does: they take over its users, and events that
 * it received may be lost. */
static void check_nodes(struct selection *selection, uint64_t now_ms)
{
    const struct reconcile_sharing *sharing = selection->sharing;
    uint64_t n_lost = 0;
    if (sharing->n_nodes == NULL) {
        return;
    }
    selection->n_nodes = sharing->n_nodes(sharing->cls, selection->app, &n_lost);
    if (n_lost != selection->n_nodes_lost) {
        selection->n_nodes_lost = n_lost;
        begin_gap(selection, true, now_ms);
    }
}

/* Begins a gap after a stall, and when events stop or resume. While there are no events, more gaps follow at
 * increasing intervals. */
static void check_events(struct selection *selection, uint64_t now_ms)
{
    bool has_turned = silence_look(&selection->silence, table_n_events(selection->table, selection->app),
                                   now_ms);
    bool is_next = selection->silence.is_silent && now_ms >= selection->next_gap_ms;
    if (has_turned) {
        selection->gap_interval_ms = ROUND_MIN_MS;
    }
    if (now_ms - selection->ticked_ms > STALLED_MS || has_turned || is_next) {
        begin_gap(selection, false, now_ms);
        selection->next_gap_ms = now_ms + selection->gap_interval_ms;
        selection->gap_interval_ms = at_most(2 * selection->gap_interval_ms, selection->stale_after_ms);
    }
}

void selection_tick(struct selection *selection, uint64_t now_ms)
{
    check_nodes(selection, now_ms);
    check_events(selection, now_ms);
    selection->ticked_ms = now_ms;
    selection->looks_for_doubts = true;
}

struct collection {
    struct user_batch *batch;
    size_t n_max;
    enum reconcile_cause cause;
    const struct reconcile_sharing *sharing; /* NULL: also users of other nodes */
};

static size_t room_in(const struct collection *collection)
{
    return collection->n_max - collection->batch->n;
}

static void add_user(void *cls, const struct user *user)
{
    struct collection *collection = cls;
    (void)user_batch_add(collection->batch, user_id(user), collection->cause);
}

static bool take_user(void *cls, const struct user *user)
{
    struct collection *collection = cls;
    const struct reconcile_sharing *sharing = collection->sharing;
    if (sharing != NULL && sharing->is_ours != NULL &&
        !sharing->is_ours(sharing->cls, user->app, user_id(user))) {
        return false;
    }
    add_user(collection, user);
    return true;
}

static void collect_gap(struct selection *selection, struct walk *walk, struct collection *collection,
                        uint64_t now_ms)
{
    while (!walk->is_over && room_in(collection) > 0) {
        size_t n = collection->batch->n;
        (void)walk_take(walk, selection->table, room_in(collection), now_ms, take_user, collection);
        if (walk->is_over && walk == &selection->gap_all) {
            /* All users were just asked about, so the rounds start again. */
            walk_begin(&selection->all, now_ms);
            walk_begin(&selection->online, now_ms);
        }
        if (collection->batch->n == n) {
            return; /* many users belong to other nodes: continue at the next tick */
        }
    }
}

static void collect_doubts(struct selection *selection, struct collection *collection)
{
    uint64_t now_ms = clock_unix_ms();
    size_t room = room_in(collection);
    if (!selection->looks_for_doubts || room == 0) {
        return;
    }
    size_t n = table_take_marked(selection->table, selection->app, now_ms > DOUBT_MS ? now_ms - DOUBT_MS : 0,
                                 room, add_user, collection);
    selection->looks_for_doubts = n == room;
}

/* Returns how long a round over `n_users` takes with a tenth of the calls, within limits. */
static uint64_t round_ms(double rate, uint64_t n_users, uint64_t longest_ms)
{
    double users_per_ms = rate / BACKGROUND_SHARE * ONLINE_QUERY_N_USERS_MAX / 1000;
    uint64_t needed_ms = (uint64_t)((double)n_users / users_per_ms);
    return at_most(at_least(needed_ms, ROUND_MIN_MS), longest_ms - longest_ms / 10);
}

static void collect_round(struct selection *selection, struct walk *walk, uint64_t n_users,
                          uint64_t period_ms, struct collection *collection, uint64_t now_ms)
{
    uint64_t due = walk_due(walk, n_users, period_ms, now_ms);
    size_t room = room_in(collection);
    bool is_efficient = collection->batch->n > 0 || due >= room ||
                        now_ms - selection->background_ms >= FILL_WAIT_MS;
    if (due == 0 || room == 0 || !is_efficient) {
        return;
    }
    selection->background_ms = now_ms;
    if (walk_take(walk, selection->table, at_most(due, room), now_ms, take_user, collection) &&
        walk == &selection->all) {
        selection->last_sweep_unix_ms = clock_unix_ms();
        selection->last_sweep_ms = walk->took_ms;
    }
}

/* Returns about how many of `n_users` belong to this node. */
static uint64_t own_share(const struct selection *selection, uint64_t n_users)
{
    return (n_users + selection->n_nodes - 1) / selection->n_nodes;
}

/* A round over online users is needed only if a round over all users takes longer than stale_after. */
static void collect_rounds(struct selection *selection, struct collection *collection, double rate,
                           uint64_t now_ms)
{
    struct table_counts counts;
    uint64_t n_users = 0;
    table_counts(selection->table, selection->app, &counts);
    for (unsigned state = 0; state < USER_N_STATES; state++) {
        n_users += counts.n_users[state];
    }
    n_users = own_share(selection, n_users);
    uint64_t n_online = own_share(selection, counts.n_users[USER_ONLINE]);
    bool sweeps = selection->sweep_ms != 0;
    uint64_t all_ms = sweeps ? round_ms(rate, n_users, selection->sweep_ms) : UINT64_MAX;
    if (all_ms > selection->stale_after_ms) {
        collect_round(selection, &selection->online, n_online,
                      round_ms(rate, n_online, selection->stale_after_ms), collection, now_ms);
    }
    if (sweeps) {
        collect_round(selection, &selection->all, n_users, all_ms, collection, now_ms);
    }
}

void selection_collect(struct selection *selection, struct user_batch *batch, size_t n_max, double rate,
                       uint64_t now_ms)
{
    const struct reconcile_sharing *gap_sharing = selection->gap_is_shared ? selection->sharing : NULL;
    struct collection gap = {batch, n_max, RECONCILE_GAP, gap_sharing};
    struct collection doubts = {batch, n_max, RECONCILE_DOUBT, NULL};
    struct collection rounds = {batch, n_max, RECONCILE_ROUND, selection->sharing};
    collect_gap(selection, &selection->gap_online, &gap, now_ms);
    collect_doubts(selection, &doubts);
    collect_gap(selection, &selection->gap_all, &gap, now_ms);
    collect_rounds(selection, &rounds, rate, now_ms);
}
