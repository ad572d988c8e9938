/* SPDX-License-Identifier: MIT */
#include "user_history.h"

#include "app_choice.h"
#include "parameter.h"
#include "presenced/json.h"

/* Writes null for "", which means that the text was absent or could not be read. */
static void write_text(struct json_writer *json, const char *key, struct str text)
{
    answer_write_text(json, key, text.len == 0 ? (struct str){NULL, 0} : text);
}

static struct str source_name(enum change_origin origin)
{
    switch (origin) {
    case CHANGE_BY_IMPORT:
        return STR("import");
    case CHANGE_BY_REPLICA:
        return STR("replica");
    case CHANGE_BY_RECONCILE:
        return STR("reconcile");
    default:
        return STR("callback");
    }
}

static void write_event(void *cls, const struct user_event *event)
{
    struct json_writer *json = cls;
    json_begin_object(json, NULL);
    json_u64(json, "received_time", event->received_unix_ms);
    if (event->has_event_time) {
        json_u64(json, "event_time", event->event_time_ms);
    } else {
        json_null(json, "event_time");
    }
    write_text(json, "action", event->action);
    write_text(json, "reason", event->reason);
    write_text(json, "platform", event->platform);
    answer_write_address(json, "client_ip", &event->client);
    answer_write_address(json, "peer", &event->peer);
    json_begin_array(json, "kicked");
    for (size_t i = 0; i < event->n_kicked; i++) {
        json_str(json, NULL, event->kicked[i]);
    }
    json_end_array(json);
    json_str(json, "outcome", event->outcome);
    write_text(json, "request_id", event->request_id);
    json_str(json, "source", source_name(event->origin));
    json_end_object(json);
}

/* Returns a problem with status 0 if the query is valid. */
static struct problem read_query(const struct status_config *config, int only_app,
                                 const struct http_request *request, struct status_user_events_query *query)
{
    static const struct str names[] = {{"app", 3}, {"since", 5}, {"limit", 5}};
    struct query_value values[3];
    uint16_t app;
    query_find(request->query, names, 3, values);
    int outcome = app_choose_by_parameter(config->table, only_app, &values[0], &app);
    if (outcome != 0) {
        return app_choice_problem(outcome);
    }
    query->app_id = table_app_id(config->table, app);
    if (parameter_u64(&values[1], EVENT_TIME_MAX_MS, &query->since_unix_ms) == PARAMETER_BAD) {
        return (struct problem){400, "since is not a time in ms, given once"};
    }
    if (parameter_u64(&values[2], USER_HISTORY_LIMIT_MAX, &query->limit) == PARAMETER_BAD ||
        query->limit == 0) {
        return (struct problem){400, "limit is not a number from 1 to 1000, given once"};
    }
    return (struct problem){0, NULL};
}

struct http_reply *user_history_answer(const struct status_config *config, int only_app,
                                       const struct http_request *request, struct str encoded_id)
{
    const struct status_user_events *events = &config->user_events;
    struct status_user_events_query query = {.limit = USER_HISTORY_LIMIT_DEFAULT};
    char storage[USER_ID_MAX];
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    bool is_complete = false;
    if (!parameter_user_id(encoded_id, storage, &query.user_id)) {
        return answer_problem((struct problem){400, PARAMETER_USER_ID_PROBLEM});
    }
    struct problem problem = read_query(config, only_app, request, &query);
    if (problem.status != 0) {
        return answer_problem(problem);
    }
    if (events->read == NULL) {
        return answer_problem((struct problem){
            404, "no history is kept: that needs [store] path, and history above 0; else see the log"});
    }
    json_begin_object(&json, NULL);
    json_begin_array(&json, "events");
    int r = events->read(events->cls, &query, write_event, &json, &is_complete);
    if (r != 0) {
        buf_fini(&body);
        return r < 0 ? NULL : answer_problem((struct problem){503, "the history's disk is busy; ask again"});
    }
    json_end_array(&json);
    json_bool(&json, "complete", is_complete);
    json_end_object(&json);
    return answer_json(200, &body);
}
