/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_ONLINE_H
#define PRESENCED_STATUS_ONLINE_H

/* GET /v1/stats/online: how many users were online in the last 24 hours, by app and by platform, for a chart.
 * Any thread may call this. */

#include "presenced/status.h"

/* Limit for the apps in an answer. If there are more, those with the most users online now are shown. */
#define ONLINE_N_APPS_MAX 8

/* `only_app`: see app_choice.h. Returns NULL if out of memory. */
struct http_reply *online_answer(const struct status_config *config, int only_app);

#endif
