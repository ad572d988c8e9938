/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_APP_CHOICE_H
#define PRESENCED_STATUS_APP_CHOICE_H

/* Determines which app a request to the status listener is about. Any thread may call everything here. */

#include "answer.h"
#include "presenced/query.h"
#include "presenced/table.h"

enum app_choice {
    APP_UNKNOWN = 1, /* not configured, or not visible with the token of the request */
    APP_NOT_NAMED,   /* no app is named although more than one is visible */
    APP_MALFORMED,   /* not a number, or given twice */
};

/* Value of `only_app`: the request may be about any app. */
#define APP_ANY (-1)

/* Finds the app with that id or, if `app_id` is NULL, the only one. `only_app` is the index of the only app
 * that the request may be about, or APP_ANY; other apps are treated as unknown. Returns 0, APP_UNKNOWN or
 * APP_NOT_NAMED. */
int app_choose(const struct table *table, int only_app, const uint64_t *app_id, uint16_t *ret_app);

/* The same for the value of a query parameter; an empty value counts as absent. Returns 0 or an outcome. */
int app_choose_by_parameter(const struct table *table, int only_app, const struct query_value *value,
                            uint16_t *ret_app);

/* Returns the problem to answer for an outcome. */
struct problem app_choice_problem(int outcome);

#endif
