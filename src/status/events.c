/* SPDX-License-Identifier: MIT */
#include "events.h"

#include "answer.h"
#include "app_choice.h"
#include "parameter.h"
#include "subscriber.h"

#include "presenced/array.h"

#define SETTLE_MAX_MS 60000

/* Decoded parameters that the subscriber's config points to. */
struct storage {
    char user[USER_ID_MAX];
    char after_id[48]; /* room for two numbers and a dot */
};

static bool read_flag(const struct query_value *value, bool *ret_flag)
{
    uint64_t number;
    int outcome = parameter_u64(value, 1, &number);
    if (outcome == 0) {
        *ret_flag = number == 1;
    }
    return outcome != PARAMETER_BAD;
}

/* Parses a time such as "500ms", "5s" or "1m". */
static bool read_settle(const struct query_value *value, uint64_t *ret_ms)
{
    static const struct {
        struct str unit;
        uint64_t ms;
    } units[] = {{{"ms", 2}, 1}, {{"s", 1}, 1000}, {{"m", 1}, 60000}};
    char storage[16];
    struct str text;
    uint64_t number;
    int outcome = parameter_text(value, sizeof(storage), storage, &text);
    if (outcome != 0) {
        return outcome == PARAMETER_ABSENT;
    }
    size_t n_digits = 0;
    while (n_digits < text.len && text.ptr[n_digits] >= '0' && text.ptr[n_digits] <= '9') {
        n_digits++;
    }
    struct str unit = {text.ptr + n_digits, text.len - n_digits};
    for (size_t i = 0; i < N_ELEMENTS(units); i++) {
        if (str_equal(unit, units[i].unit) &&
            str_parse_u64((struct str){text.ptr, n_digits}, SETTLE_MAX_MS / units[i].ms, &number)) {
            *ret_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool read_user(const struct query_value *value, char storage[static USER_ID_MAX], struct str *ret_user)
{
    struct str user;
    int outcome = parameter_text(value, USER_ID_MAX, storage, &user);
    if (outcome == 0) {
        *ret_user = user;
    }
    return outcome == PARAMETER_ABSENT || (outcome == 0 && str_is_utf8(user));
}

/* The header takes precedence over the parameter: a browser updates the header when it reconnects, but not
 * the URL. An invalid id is treated like an id of another run of the daemon. */
static void read_after_id(const struct http_request *request, const struct query_value *value,
                          struct storage *storage, struct str *ret_id)
{
    struct str header = http_request_header(request, "Last-Event-ID", 0);
    if (header.len > 0) {
        *ret_id = header;
        return;
    }
    int outcome = parameter_text(value, sizeof(storage->after_id), storage->after_id, ret_id);
    if (outcome == PARAMETER_BAD) {
        *ret_id = STR("");
    }
}

/* Returns a problem with status 0 if the request is valid. */
static struct problem read_request(int only_app, const struct http_request *request, struct storage *storage,
                                   struct subscriber_config *ret_config)
{
    enum { APP, USER, SNAPSHOT, SETTLE, AFTER, N };
    static const struct str names[N] = {
        {"app", 3}, {"user", 4}, {"snapshot", 8}, {"settle", 6}, {"last_event_id", 13},
    };
    struct query_value values[N];
    query_find(request->query, names, N, values);
    if (values[APP].n > 0 && values[APP].encoded.len > 0) {
        uint16_t app;
        int outcome = app_choose_by_parameter(feed_table(ret_config->feed), only_app, &values[APP], &app);
        if (outcome != 0) {
            return app_choice_problem(outcome);
        }
        ret_config->app = app;
    }
    if (!read_user(&values[USER], storage->user, &ret_config->user)) {
        return (struct problem){400, "user is not 1 to 256 bytes of UTF-8 without NUL, given once"};
    }
    if (!read_flag(&values[SNAPSHOT], &ret_config->has_snapshot)) {
        return (struct problem){400, "snapshot is neither 0 nor 1, given once"};
    }
    if (!read_settle(&values[SETTLE], &ret_config->settle_ms)) {
        return (struct problem){400, "settle is not a time of at most 1m, such as 5s, given once"};
    }
    read_after_id(request, &values[AFTER], storage, &ret_config->after_id);
    return (struct problem){0, NULL};
}

struct http_reply *events_answer(struct feed *feed, const struct status_config *config, int only_app,
                                 const struct http_request *request)
{
    static const struct http_header retry_soon = {"Retry-After", "5"};
    struct subscriber *subscriber = NULL;
    struct storage storage;
    struct subscriber_config wanted = {
        .feed = feed,
        .unix_ms = config->unix_ms,
        .monotonic_ms = config->monotonic_ms,
        .token_app = only_app == APP_ANY ? FEED_ANY_APP : only_app,
        .app = only_app,
    };
    struct problem problem = read_request(only_app, request, &storage, &wanted);
    if (problem.status != 0) {
        return answer_problem(problem);
    }
    switch (subscriber_new(&wanted, &subscriber)) {
    case 0:
        return answer_stream("text/event-stream", subscriber_stream(), subscriber);
    case FEED_FULL:
        return answer_problem_with((struct problem){503, "as many streams are open as may be"}, retry_soon);
    case FEED_APP_FULL:
        return answer_problem_with(
            (struct problem){429, "half of all streams may be open with the token of one app, and they are"},
            retry_soon);
    default:
        return NULL;
    }
}
