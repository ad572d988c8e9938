/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_HISTORY_H
#define PRESENCED_TESTS_HISTORY_H

/* Random events and times, drawn from few enough names and stamps that they meet and collide. A seed gives
 * the same history on every machine. Any thread may call everything here on a pool of its own. */

#include "presenced/table.h"

#define N_ITEMS(array) (sizeof(array) / sizeof((array)[0]))

#define HISTORY_N_APPS_MAX 3
#define HISTORY_N_IDS 12
#define HISTORY_N_CROWD 45000
#define HISTORY_N_CHANGES_SMALL 128 /* more than one step makes, fewer than a history */
#define HISTORY_FIRST_APP_ID UINT64_C(1400000000)
#define HISTORY_START_MS UINT64_C(1700000000000)

uint64_t rng_next(uint64_t *rng);
unsigned rng_below(uint64_t *rng, unsigned n);
bool one_in(uint64_t *rng, unsigned n);

/* What events are drawn from. */
struct pool {
    uint64_t rng;
    unsigned n_apps;
    unsigned n_ids;
    const struct str *ids;
    unsigned n_platforms;
    bool own_stamps; /* every event carries a stamp that is believed */
    uint8_t platforms[PLATFORM_N_MAX];
};

/* Once, before all else. */
void history_init(void);

/* A few user ids of all kinds, and a crowd of them. */
extern const struct str history_ids[HISTORY_N_IDS];
extern struct str history_crowd[HISTORY_N_CROWD];

void pool_init(struct pool *pool, uint64_t seed, struct platform_names *names);

/* An event as it could come at `now_ms`; what it borrows stays. */
struct table_event draw_event(struct pool *pool, uint64_t now_ms);

struct table_config draw_config(uint64_t seed);

/* In words that end in NUL and belong to `text`. */
const char *describe_event(const struct table_event *event, struct buf *text);

/* Enough of an id to know it by. */
struct str short_id(struct str id);

#endif
