/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_STATS_H
#define PRESENCED_STATUS_STATS_H

/* GET /v1/stats: all the daemon can say of itself in one object. Any thread. */

#include "presenced/reply.h"
#include "presenced/status.h"

/* To whom may ask about `only_app` alone (APP_ANY: about all): the daemon's state and that app's numbers, and
 * nothing that others have a part in. NULL when memory is gone. */
struct http_reply *stats_answer(const struct status_config *config, int only_app);

#endif
