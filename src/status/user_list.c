/* SPDX-License-Identifier: MIT */
#include "user_list.h"

#include "app_choice.h"
#include "parameter.h"
#include "user_json.h"

#include <inttypes.h>
#include <stdio.h>

/* Limit for the users that are examined for one page. The table lists users by state, but examines each of
 * them for app and platform. Without this limit, a filter with few matches could occupy a thread for long. So
 * a page may be short, or empty, and still have a next_cursor; listing few matches among N users of a state
 * takes N / LIST_MAX_VISITED requests of some milliseconds. */
#define LIST_MAX_VISITED 50000

/* A cursor as text: version of the format; epoch, because the order of the table changes with a restart;
 * position. */
#define CURSOR_VERSION "1"
#define CURSOR_FIELD_LEN 16
#define CURSOR_LEN (1 + 2 * CURSOR_FIELD_LEN)

struct list_request {
    struct table_filter filter;
    bool matches_nobody; /* the platform has not occurred in any event yet */
    size_t limit;
    struct table_cursor cursor;
};

struct list_page {
    struct json_writer json;
    struct table *table;
    uint64_t now_ms;
    int state; /* as in the filter */
};

/* On entry, filter->app is the only app that the request may be about, or APP_ANY. */
static int read_app(const struct table *table, const struct query_value *value, struct table_filter *filter)
{
    uint16_t app;
    if (value->n <= 1 && value->encoded.len == 0) {
        return 0;
    }
    int outcome = app_choose_by_parameter(table, filter->app, value, &app);
    if (outcome == 0) {
        filter->app = app;
    }
    return outcome;
}

static bool read_state(const struct query_value *value, struct table_filter *filter)
{
    char storage[16];
    struct str text;
    int outcome = parameter_text(value, sizeof(storage), storage, &text);
    if (outcome != 0) {
        return outcome == PARAMETER_ABSENT;
    }
    for (int state = USER_ONLINE; state < USER_UNKNOWN; state++) {
        if (str_equal(text, user_state_name((enum user_state)state))) {
            filter->state = state;
            return true;
        }
    }
    return false;
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < ' ' || text.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

static bool read_platform(struct table *table, const struct query_value *value, struct list_request *request)
{
    char storage[PLATFORM_NAME_MAX];
    struct str text;
    int outcome = parameter_text(value, sizeof(storage), storage, &text);
    if (outcome != 0) {
        return outcome == PARAMETER_ABSENT;
    }
    request->filter.platform = platform_find(table_platform_names(table), text);
    request->matches_nobody = request->filter.platform < 0;
    return is_printable(text);
}

static bool read_limit(const struct query_value *value, size_t *limit)
{
    uint64_t number;
    int outcome = parameter_u64(value, USER_LIST_LIMIT_MAX, &number);
    if (outcome != 0) {
        return outcome == PARAMETER_ABSENT;
    }
    *limit = (size_t)number;
    return number > 0;
}

static bool read_hex(struct str text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
            return false;
        }
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *ret_value = value;
    return true;
}

static bool read_cursor(const struct query_value *value, uint64_t epoch, struct table_cursor *cursor)
{
    char storage[CURSOR_LEN];
    struct str text;
    uint64_t cursor_epoch;
    int outcome = parameter_text(value, sizeof(storage), storage, &text);
    if (outcome != 0) {
        return outcome == PARAMETER_ABSENT;
    }
    return text.len == CURSOR_LEN && str_starts_with(text, STR(CURSOR_VERSION)) &&
           read_hex((struct str){text.ptr + 1, CURSOR_FIELD_LEN}, &cursor_epoch) && cursor_epoch == epoch &&
           read_hex((struct str){text.ptr + 1 + CURSOR_FIELD_LEN, CURSOR_FIELD_LEN}, &cursor->position);
}

/* Returns a problem with status 0 if the request is valid. */
static struct problem read_request(struct table *table, uint64_t epoch, struct str query,
                                   struct list_request *request)
{
    enum { APP, STATE, PLATFORM, LIMIT, CURSOR, N };
    static const struct str names[N] = {
        {"app", 3}, {"state", 5}, {"platform", 8}, {"limit", 5}, {"cursor", 6},
    };
    struct query_value values[N];
    query_find(query, names, N, values);
    int outcome = read_app(table, &values[APP], &request->filter);
    if (outcome != 0) {
        return app_choice_problem(outcome);
    }
    if (!read_state(&values[STATE], &request->filter)) {
        return (struct problem){400, "state is not online, push_online or offline, given once"};
    }
    if (!read_platform(table, &values[PLATFORM], request)) {
        return (struct problem){400, "platform is not 1 to 32 printable ASCII characters, given once"};
    }
    if (!read_limit(&values[LIMIT], &request->limit)) {
        return (struct problem){400, "limit is not a number from 1 to 1000, given once"};
    }
    if (!read_cursor(&values[CURSOR], epoch, &request->cursor)) {
        return (struct problem){
            400, "cursor is not the next_cursor of a page since the daemon's start, given once"};
    }
    return (struct problem){0, NULL};
}

/* The table moves a user whose push_online window has ended with a short delay. Until then, the user is left
 * out, because its state is not the one that the list is filtered by. */
static void add_user(void *cls, const struct user *user)
{
    struct list_page *page = cls;
    struct user_summary summary;
    struct user_view view = table_view(page->table, page->now_ms);
    user_summarise(user, &view, &summary);
    if (page->state < 0 || page->state == (int)summary.state) {
        user_json_write(&page->json, page->table, user, page->now_ms);
    }
}

static void write_cursor(struct json_writer *json, uint64_t epoch, struct table_cursor cursor)
{
    char text[CURSOR_LEN + 1];
    (void)snprintf(text, sizeof(text), CURSOR_VERSION "%016" PRIx64 "%016" PRIx64, epoch, cursor.position);
    json_str(json, "next_cursor", str_from(text));
}

struct http_reply *user_list_answer(struct table *table, int only_app, uint64_t epoch, uint64_t now_ms,
                                    const struct http_request *request)
{
    struct list_request list = {.filter = {only_app, -1, -1}, .limit = USER_LIST_LIMIT_DEFAULT};
    struct buf body = {0};
    struct problem problem = read_request(table, epoch, request->query, &list);
    if (problem.status != 0) {
        return answer_problem(problem);
    }
    struct list_page page = {{.out = &body}, table, now_ms, list.filter.state};
    json_begin_object(&page.json, NULL);
    json_begin_array(&page.json, "users");
    bool has_more = !list.matches_nobody && table_list(table, &list.filter, list.limit, LIST_MAX_VISITED,
                                                       &list.cursor, add_user, &page);
    json_end_array(&page.json);
    if (has_more) {
        write_cursor(&page.json, epoch, list.cursor);
    } else {
        json_null(&page.json, "next_cursor");
    }
    json_end_object(&page.json);
    return answer_json(200, &body);
}
