/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_REFUSED_H
#define PRESENCED_STATUS_REFUSED_H

/* GET /v1/refused: what was wrong with the last requests that were not answered OK. Any thread. */

#include "presenced/refused.h"
#include "presenced/reply.h"
#include "presenced/request.h"

/* NULL when memory is gone. */
struct http_reply *refused_answer(struct refused_list *list, const struct http_request *request);

#endif
