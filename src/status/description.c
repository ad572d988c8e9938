/* SPDX-License-Identifier: MIT */
#include "description.h"

#include "answer.h"

/* The file openapi.json, included by description.S. */
extern const char description_json[];
extern const char description_json_end[];

struct http_reply *description_answer(void)
{
    struct buf body = {0};
    buf_append(&body, (struct str){description_json, (size_t)(description_json_end - description_json)});
    return answer_json(200, &body);
}
