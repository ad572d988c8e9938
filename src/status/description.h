/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_DESCRIPTION_H
#define PRESENCED_STATUS_DESCRIPTION_H

/* GET /v1/openapi.json: the OpenAPI description of the status API. Any thread may call this. */

#include "presenced/reply.h"

/* Returns NULL if out of memory. */
struct http_reply *description_answer(void);

#endif
