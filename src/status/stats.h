/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_STATS_H
#define PRESENCED_STATUS_STATS_H

/* GET /v1/stats: the state and counters of the daemon in one object. Any thread may call this. */

#include "presenced/reply.h"
#include "presenced/status.h"

/* `only_app`: see app_choice.h. If it is not APP_ANY, the answer has the state of the daemon and the numbers
 * of that app, but none that include other apps. Returns NULL if out of memory. */
struct http_reply *stats_answer(const struct status_config *config, int only_app);

#endif
