/* SPDX-License-Identifier: MIT */
#include "refused.h"

#include "answer.h"
#include "parameter.h"
#include "presenced/json.h"
#include "presenced/query.h"

#include <assert.h>

static_assert(REFUSED_LIST_N_MAX == 200, "the error text below names this limit");

static bool read_limit(struct str query, uint64_t *limit)
{
    static const struct str name = {"limit", 5};
    struct query_value value;
    query_find(query, &name, 1, &value);
    int outcome = parameter_u64(&value, REFUSED_LIST_N_MAX, limit);
    return outcome == PARAMETER_ABSENT || (outcome == 0 && *limit > 0);
}

static void write_request(void *cls, const struct refused_request *request)
{
    struct json_writer *json = cls;
    json_begin_object(json, NULL);
    json_u64(json, "time", request->unix_ms);
    json_str(json, "listener", str_from(request->listener));
    json_str(json, "outcome", str_from(request->outcome));
    json_str(json, "reason", str_from(request->reason));
    answer_write_address(json, "peer", &request->peer);
    answer_write_address(json, "client_ip", &request->client);
    answer_write_text(json, "app", request->app);
    answer_write_text(json, "command", request->command);
    answer_write_text(json, "path", request->path);
    if (request->is_skewed) {
        json_i64(json, "skew_s", request->skew_s);
    }
    json_end_object(json);
}

struct http_reply *refused_answer(struct refused_list *list, const struct http_request *request)
{
    uint64_t limit = REFUSED_LIST_N_MAX;
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    if (!read_limit(request->query, &limit)) {
        return answer_problem((struct problem){400, "limit is not a number from 1 to 200, given once"});
    }
    json_begin_object(&json, NULL);
    json_begin_array(&json, "refused");
    refused_list_each(list, (size_t)limit, write_request, &json);
    json_end_array(&json);
    json_end_object(&json);
    return answer_json(200, &body);
}
