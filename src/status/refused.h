/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_REFUSED_H
#define PRESENCED_STATUS_REFUSED_H

/* GET /v1/refused: the most recent requests that were not answered OK, and why. Any thread may call this. */

#include "presenced/refused.h"
#include "presenced/reply.h"
#include "presenced/request.h"

/* Returns NULL if out of memory. */
struct http_reply *refused_answer(struct refused_list *list, const struct http_request *request);

#endif
