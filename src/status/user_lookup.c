/* SPDX-License-Identifier: MIT */
#include "user_lookup.h"

#include "app_choice.h"
#include "parameter.h"
#include "user_json.h"

struct http_reply *user_lookup_answer(struct table *table, int only_app, uint64_t now_ms,
                                      const struct http_request *request, struct str encoded_id)
{
    static const struct str names[] = {{"app", 3}};
    struct query_value app_value;
    char storage[USER_ID_MAX];
    struct str id;
    uint16_t app;
    struct user user;

    if (!parameter_user_id(encoded_id, storage, &id)) {
        return answer_problem((struct problem){400, PARAMETER_USER_ID_PROBLEM});
    }
    query_find(request->query, names, 1, &app_value);
    int outcome = app_choose_by_parameter(table, only_app, &app_value, &app);
    if (outcome != 0) {
        return answer_problem(app_choice_problem(outcome));
    }
    if (table_get(table, app, id, &user) == TABLE_ABSENT) {
        return answer_problem((struct problem){404, "this user was never heard of"});
    }
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    (void)buf_reserve(&body, 1024);
    user_json_write(&json, table, &user, now_ms);
    return answer_json(200, &body);
}
