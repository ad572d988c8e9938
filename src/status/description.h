/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_DESCRIPTION_H
#define PRESENCED_STATUS_DESCRIPTION_H

/* GET /v1/openapi.json: what this listener answers, for programs that read such. Any thread. */

#include "presenced/reply.h"

/* NULL when memory is gone. */
struct http_reply *description_answer(void);

#endif
