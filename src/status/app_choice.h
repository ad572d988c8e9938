/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_APP_CHOICE_H
#define PRESENCED_STATUS_APP_CHOICE_H

/* Which app a question to the status listener is about. Any thread. */

#include "answer.h"
#include "presenced/query.h"
#include "presenced/table.h"

enum app_choice {
    APP_UNKNOWN = 1, /* not configured */
    APP_NOT_NAMED,   /* and more than one is configured */
    APP_MALFORMED,   /* not a number, or given twice */
};

/* Whoever asks may ask about all of them. */
#define APP_ANY (-1)

/* The app of that id; where `app_id` is NULL the only one there is. To whom may ask about `only_app` alone,
 * if it is not APP_ANY, there is no other. 0, APP_UNKNOWN or APP_NOT_NAMED. */
int app_choose(const struct table *table, int only_app, const uint64_t *app_id, uint16_t *ret_app);

/* The same, from a query parameter; an empty one counts as absent. 0, or any of the outcomes. */
int app_choose_by_parameter(const struct table *table, int only_app, const struct query_value *value,
                            uint16_t *ret_app);

/* An outcome as the status API tells it. */
struct problem app_choice_problem(int outcome);

#endif
