/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_ROUND_H
#define PRESENCED_TESTS_ROUND_H

/* A table and its model side by side through one random history. Whatever differs fails the running test and
 * says how to get there again. */

#include "model.h"
#include "view.h"

struct round {
    uint64_t seed;
    unsigned step;
    struct pool pool;
    uint64_t now_ms;
    uint64_t jumped_ms; /* how far ahead the clock has jumped */
    struct table_config config;
    struct table *table;
    struct model model;
    struct replica replica; /* follows the log from the start */
    struct listed listed;
    struct table_event recent[8]; /* to be repeated */
    char what[2048];              /* the step under test */
};

void round_init(struct round *round, uint64_t seed, const struct table_config *config);
void round_fini(struct round *round);

/* How often a history reached each thing that it is to reach. */
struct reached {
    unsigned outcomes[TABLE_FULL + 1];
    unsigned n_restamped;
    unsigned n_windows_ended;
    unsigned n_windows_reopened;
    unsigned n_dropped_for_room;
    unsigned n_dropped_for_age;
};

/* One step: the clock moves, then an event, new or repeated, or a tick; all that it may have touched is
 * compared. */
void round_step(struct round *round, struct reached *reached);

/* A step's parts: the event or the tick alone, with less compared. */
void round_apply(struct round *round, const struct table_event *event, struct reached *reached);
void round_tick(struct round *round, struct reached *reached);

/* Comparisons that take their time. */
void round_expect_users(struct round *round);
void round_expect_counts(struct round *round);
void round_expect_listed(struct round *round, const struct table_filter *filter);
void round_expect_log(struct round *round);
void round_expect_everything(struct round *round); /* with lists by every filter */

#define expect(round, condition, ...)                 \
    do {                                              \
        if (!(condition)) {                           \
            round_fail(round, __LINE__, __VA_ARGS__); \
        }                                             \
    } while (0)

void round_fail(const struct round *round, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

#endif
