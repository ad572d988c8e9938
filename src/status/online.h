/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_ONLINE_H
#define PRESENCED_STATUS_ONLINE_H

/* GET /v1/stats/online: who was online by app and platform in the last 24 hours, for a chart. Any thread. */

#include "presenced/status.h"

/* Of more apps, those are shown which have the most users online now. */
#define ONLINE_N_APPS_MAX 8

/* `only_app`: as in app_choice.h. NULL when memory is gone. */
struct http_reply *online_answer(const struct status_config *config, int only_app);

#endif
