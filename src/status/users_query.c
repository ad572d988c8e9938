/* SPDX-License-Identifier: MIT */
#include "users_query.h"

#include "app_choice.h"
#include "presenced/json_read.h"
#include "user_json.h"

#include <cjson/cJSON.h>

static int choose_app(const struct table *table, int only_app, const cJSON *root, uint16_t *ret_app)
{
    uint64_t app_id;
    const cJSON *app = json_read_member(root, "app");
    if (app == NULL) {
        return app_choose(table, only_app, NULL, ret_app);
    }
    return json_read_u64(app, EVENT_TIME_MAX_MS, &app_id) ? app_choose(table, only_app, &app_id, ret_app)
                                                          : APP_MALFORMED;
}

/* Returns a problem with status 0 if the list of users is valid. */
static struct problem read_users(const cJSON *root, const cJSON **ret_users)
{
    const cJSON *users = json_read_member(root, "users");
    const cJSON *item;
    size_t n = 0;
    struct str id;
    if (!cJSON_IsArray(users)) {
        return (struct problem){400, "users is not an array of strings"};
    }
    cJSON_ArrayForEach(item, users)
    {
        if (!json_read_text(item, &id)) {
            return (struct problem){400, "users is not an array of strings"};
        }
        n++;
    }
    if (n > USERS_QUERY_N_MAX) {
        return (struct problem){400, "users holds more than 1000 ids"};
    }
    cJSON_ArrayForEach(item, users)
    {
        if (!user_is_id(str_from(item->valuestring))) {
            return (struct problem){400, "users holds an id that is not of 1 to 256 bytes"};
        }
    }
    *ret_users = users;
    return (struct problem){0, NULL};
}

static void write_users(struct json_writer *json, struct table *table, uint64_t now_ms, uint16_t app,
                        const cJSON *users)
{
    struct user user;
    const cJSON *item;
    cJSON_ArrayForEach(item, users)
    {
        struct str id = str_from(item->valuestring);
        if (table_get(table, app, id, &user) == 0) {
            user_json_write(json, table, &user, now_ms);
        } else {
            user_json_write_unknown(json, table_app_id(table, app), id);
        }
    }
}

struct http_reply *users_query_answer(struct table *table, int only_app, uint64_t now_ms,
                                      const struct http_request *request)
{
    const cJSON *users = NULL;
    uint16_t app;
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    cleanup(json_read_freep) cJSON *root = NULL;
    int r = json_read(request->body, &root);
    if (r < 0) {
        return NULL;
    }
    if (!cJSON_IsObject(root)) {
        return answer_problem(
            (struct problem){400, "the body is not a JSON object in UTF-8, or holds \\u0000 or a key twice"});
    }
    int outcome = choose_app(table, only_app, root, &app);
    if (outcome != 0) {
        return answer_problem(app_choice_problem(outcome));
    }
    struct problem problem = read_users(root, &users);
    if (problem.status != 0) {
        return answer_problem(problem);
    }
    json_begin_object(&json, NULL);
    json_begin_array(&json, "users");
    write_users(&json, table, now_ms, app, users);
    json_end_array(&json);
    json_end_object(&json);
    return answer_json(200, &body);
}
