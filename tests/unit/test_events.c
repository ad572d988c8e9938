/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/settling.h"
#include "../../src/status/subscriber.h"
#include "must.h"
#include "status_fixture.h"

#include <stdio.h>

#define EPOCH "1699999995000" /* the fixture's start */
#define ID(revision) "id: " EPOCH "." revision "\n"
#define HEARTBEAT "event: heartbeat\ndata: {}\n\n"
#define PRESENCE "event: presence\ndata: "
#define LOG_ENTRIES 1024 /* of the fixture's change log */

static struct stream {
    struct http_reply *reply;
    const struct http_stream *functions;
    void *cls;
    char text[1 << 20]; /* what it said last */
} streams[FIXTURE_MAX_STREAMS];

static struct stream *const stream = &streams[0];

static void open_stream_with(struct stream *opened, const char *target, const char *last_event_id)
{
    const struct http_header headers[] = {
        {"Host", "localhost"},
        {last_event_id == NULL ? NULL : "Last-Event-ID", last_event_id},
        {NULL, NULL},
    };
    opened->reply = ask_with(headers, "GET", target, STR(""));
    ck_assert_ptr_nonnull(opened->reply);
    ck_assert_uint_eq(reply_status(opened->reply), 200);
    opened->functions = reply_stream(opened->reply, &opened->cls);
    ck_assert_ptr_nonnull(opened->functions);
}

static void open_stream(const char *target)
{
    open_stream_with(stream, target, NULL);
}

static void close_stream(struct stream *opened)
{
    http_reply_free(take_pointer(opened->reply));
}

/* What it says until it has no more, `size` bytes at a time. */
static const char *read_by(struct stream *from, size_t size)
{
    size_t len = 0;
    ssize_t n = 0;
    do {
        ck_assert_uint_lt(len + size, sizeof(from->text));
        n = from->functions->read(from->cls, from->text + len, size);
        ck_assert_int_le(n, (ssize_t)size);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    from->text[len] = '\0';
    if (n < 0) {
        (void)snprintf(from->text + len, sizeof(from->text) - len, "(%s)",
                       n == HTTP_STREAM_END ? "end" : "too slow");
    }
    return from->text;
}

static const char *read_all(void)
{
    return read_by(stream, 4096);
}

/* Reads past what each stream says first. */
static void open_live(const char *target)
{
    open_stream(target);
    (void)read_all();
}

static void expect_ready(bool ready)
{
    ck_assert(stream->functions->is_ready(stream->cls) == ready);
}

static void login(const char *user, uint64_t time_ms)
{
    happen((struct event){TABLE_LOGIN, 0, user, PLATFORM_WEB, ROW_REASON_REGISTER, time_ms, NULL, NULL});
}

static void logout(const char *user, uint64_t time_ms)
{
    happen((struct event){TABLE_LOGOUT, 0, user, PLATFORM_WEB, ROW_REASON_UNREGISTER, time_ms, NULL, NULL});
}

/* `n` more changes, of other users. */
static void change_much(unsigned n)
{
    static uint64_t time_ms = NOW_MS;
    for (unsigned i = 0; i < n; i++) {
        login("crowd", ++time_ms);
    }
}

/* A user as GET /v1/users/{user} says; the caller frees it. */
static char *user_object(const char *user, const char *app)
{
    char target[64];
    (void)snprintf(target, sizeof(target), "/v1/users/%s?app=%s", user, app);
    struct http_reply *reply = get(target);
    ck_assert_uint_eq(reply_status(reply), 200);
    char *object = strdup(reply_body(reply));
    http_reply_free(reply);
    return object;
}

/* "[ID]event: presence\ndata: {…}\n\n" of users in a row. */
static void expect_users(const char *text, const char *const *ids, const char *const *users, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        cleanup(cleanup_freep) char *object = user_object(users[i], "1400000000");
        char expected[1024];
        int len = snprintf(expected, sizeof(expected), "%s" PRESENCE "%s\n\n", ids == NULL ? "" : ids[i],
                           object);
        ck_assert_msg(strncmp(text, expected, (size_t)len) == 0, "\"%s\" is not \"%s\"", text, expected);
        text += len;
    }
    ck_assert_str_eq(text, "");
}

static const char *after_retry(const char *text)
{
    unsigned ms = 0;
    int len = 0;
    ck_assert_int_eq(sscanf(text, "retry: %u\n\n%n", &ms, &len), 1);
    ck_assert_uint_ge(ms, 1000);
    ck_assert_uint_lt(ms, 5000);
    return text + len;
}

START_TEST(a_stream_tells_at_once_from_where_it_can_be_resumed)
{
    login("alice", NOW_MS);
    login("bob", NOW_MS);
    open_stream("/v1/events");
    ck_assert_str_eq(reply_header(stream->reply, "Content-Type"), "text/event-stream");
    ck_assert_str_eq(reply_header(stream->reply, "Cache-Control"), "no-store");
    ck_assert_str_eq(reply_header(stream->reply, "X-Accel-Buffering"), "no");
    ck_assert_str_eq(after_retry(read_all()), ID("2") HEARTBEAT);
    ck_assert_str_eq(read_all(), "");
}
END_TEST

START_TEST(a_change_is_the_users_object_and_has_its_id)
{
    static const char *const ids[] = {ID("2"), ID("3")};
    static const char *const users[] = {"alice", "bob"};
    login("carol", NOW_MS);
    open_live("/v1/events");
    login("alice", NOW_MS);
    login("bob", NOW_MS);
    expect_ready(true);
    expect_users(read_all(), ids, users, 2);
    expect_ready(false);
}
END_TEST

START_TEST(a_change_says_what_was_at_its_time)
{
    open_live("/v1/events");
    login("alice", NOW_MS);
    logout("alice", NOW_MS + 1);
    const char *text = read_all();
    ck_assert_ptr_nonnull(strstr(text, "\"state\":\"online\""));
    ck_assert_ptr_nonnull(strstr(strstr(text, ID("2")), "\"state\":\"offline\""));
}
END_TEST

START_TEST(who_is_forgotten_is_told_as_such)
{
    login("alice", NOW_MS);
    logout("alice", NOW_MS + 1);
    open_live("/v1/events");
    (void)table_tick(fixture.table, NOW_MS + FORGET_AFTER_MS + 1000);
    ck_assert_str_eq(read_all(),
                     ID("3") "event: forgotten\ndata: {\"app\":1400000000,\"user\":\"alice\"}\n\n");
}
END_TEST

START_TEST(bytes_are_the_same_however_few_are_taken)
{
    cleanup(cleanup_freep) char *whole = NULL;
    open_live("/v1/events");
    open_stream_with(&streams[1], "/v1/events", NULL);
    (void)read_by(&streams[1], 101);
    for (unsigned i = 0; i < 20; i++) {
        login("alice", NOW_MS + i);
    }
    whole = strdup(read_all());
    ck_assert_str_eq(read_by(&streams[1], 101), whole);
}
END_TEST

/* ---- resuming ---- */

START_TEST(a_stream_is_resumed_behind_the_last_id)
{
    static const char *const ids[] = {ID("2"), ID("3")};
    static const char *const users[] = {"bob", "carol"};
    static const char *const targets[] = {"/v1/events", "/v1/events?last_event_id=" EPOCH ".1",
                                          "/v1/events?last_event_id=12.34"};
    static const char *const headers[] = {EPOCH ".1", NULL, EPOCH ".1"};
    open_live("/v1/events");
    login("alice", NOW_MS);
    close_stream(stream);
    login("bob", NOW_MS);
    login("carol", NOW_MS);
    open_stream_with(stream, targets[_i], headers[_i]);
    expect_users(after_retry(read_all()), ids, users, 2);
}
END_TEST

static const struct {
    const char *id;
    const char *reason;
} foreign_ids[] = {
    {"1699999994999.1", "other_run"},
    {EPOCH ".4", "other_run"}, /* ahead */
    {EPOCH, "other_run"},
    {EPOCH ".", "other_run"},
    {EPOCH ".1.2", "other_run"},
    {"-1", "other_run"},
    {EPOCH ".18446744073709551616", "other_run"},
    {"a name that is much longer than any id of ours could ever be, or so one would think", "other_run"},
};

START_TEST(an_id_of_another_run_is_a_reset_and_then_nothing_is_missed)
{
    static const char *const ids[] = {ID("4")};
    static const char *const users[] = {"bob"};
    char expected[128];
    change_much(3);
    open_stream_with(stream, "/v1/events", foreign_ids[_i].id);
    (void)snprintf(expected, sizeof(expected), ID("3") "event: reset\ndata: {\"reason\":\"%s\"}\n\n",
                   foreign_ids[_i].reason);
    ck_assert_str_eq(after_retry(read_all()), expected);
    login("bob", NOW_MS);
    expect_users(read_all(), ids, users, 1);
}
END_TEST

START_TEST(what_is_no_longer_held_is_a_reset)
{
    static const char *const ids[] = {ID("1027")};
    static const char *const users[] = {"bob"};
    login("alice", NOW_MS);
    change_much(LOG_ENTRIES + 1);
    open_stream_with(stream, "/v1/events", EPOCH ".1");
    ck_assert_str_eq(after_retry(read_all()), ID("1026") "event: reset\ndata: {\"reason\":\"gone\"}\n\n");
    login("bob", NOW_MS);
    expect_users(read_all(), ids, users, 1);
}
END_TEST

START_TEST(what_the_log_holds_can_be_resumed_though_nobody_was_there)
{
    unsigned n = 0;
    change_much(LOG_ENTRIES);
    open_stream_with(stream, "/v1/events", EPOCH ".924");
    for (const char *at = read_all(); (at = strstr(at, PRESENCE)) != NULL; at++) {
        n++;
    }
    ck_assert_uint_eq(n, 100);
}
END_TEST

START_TEST(a_live_stream_that_is_too_far_behind_is_cut_off)
{
    open_live("/v1/events");
    change_much(LOG_ENTRIES + 1);
    expect_ready(true);
    ck_assert_str_eq(read_all(), "(too slow)");
}
END_TEST

START_TEST(a_replay_that_is_overtaken_is_a_reset_and_not_cut_off)
{
    char some[512];
    login("alice", NOW_MS);
    change_much(100);
    open_stream_with(stream, "/v1/events", EPOCH ".1");
    ck_assert_int_gt(stream->functions->read(stream->cls, some, sizeof(some)), 0);
    change_much(2 * LOG_ENTRIES);
    const char *text = read_all();
    ck_assert_ptr_nonnull(strstr(text, ID("2149") "event: reset\ndata: {\"reason\":\"gone\"}\n\n"));
    ck_assert_ptr_null(strstr(text, "(too slow)"));
}
END_TEST

/* ---- filters, and what keeps a filtered stream from falling off ---- */

START_TEST(filters_leave_out_other_users_and_apps)
{
    static const char *const targets[] = {"/v1/events?user=b%c3%b6b", "/v1/events?app=1400000001",
                                          "/v1/events?app=1400000001&user=b%C3%B6b"};
    static const unsigned wanted[] = {2, 2, 1};
    unsigned n = 0;
    open_live(targets[_i]);
    for (uint16_t app = 0; app < 2; app++) {
        happen((struct event){TABLE_LOGIN, app, "alice", PLATFORM_WEB, 0, NOW_MS, NULL, NULL});
        happen((struct event){TABLE_LOGIN, app, "böb", PLATFORM_WEB, 0, NOW_MS, NULL, NULL});
    }
    for (const char *at = read_all(); (at = strstr(at, PRESENCE)) != NULL; at++) {
        ck_assert(_i == 1 || strstr(at, "\"user\":\"b\xc3\xb6\x62\"") != NULL);
        ck_assert(_i == 0 || strstr(at, "\"app\":1400000001") != NULL);
        n++;
    }
    ck_assert_uint_eq(n, wanted[_i]);
}
END_TEST

START_TEST(heartbeats_carry_the_newest_id_of_a_filtered_stream)
{
    open_live("/v1/events?user=nobody");
    change_much(5);
    expect_ready(false);
    ck_assert_str_eq(read_all(), "");
    fixture.monotonic_ms += SUBSCRIBER_HEARTBEAT_MS - 1;
    expect_ready(false);
    fixture.monotonic_ms++;
    expect_ready(true);
    ck_assert_str_eq(read_all(), ID("5") HEARTBEAT);
    change_much(2 * LOG_ENTRIES); /* more than is held: but it was no concern of this stream until now */
    ck_assert_str_eq(read_all(), "(too slow)");
}
END_TEST

START_TEST(a_filtered_stream_that_is_asked_often_enough_keeps_up)
{
    open_live("/v1/events?user=nobody");
    for (int i = 0; i < 5; i++) {
        change_much(LOG_ENTRIES / 2);
        expect_ready(false);
    }
    fixture.monotonic_ms += SUBSCRIBER_HEARTBEAT_MS;
    ck_assert_str_eq(read_all(), ID("2560") HEARTBEAT);
}
END_TEST

START_TEST(the_end_is_a_heartbeat_behind_all_changes)
{
    static const char *const ids[] = {ID("1")};
    static const char *const users[] = {"alice"};
    open_live("/v1/events");
    login("alice", NOW_MS);
    stream->functions->finish(stream->cls);
    expect_ready(true);
    char *text = (char *)(uintptr_t)read_all();
    char *end = strstr(text, ID("1") HEARTBEAT "(end)");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end, ID("1") HEARTBEAT "(end)");
    *end = '\0';
    expect_users(text, ids, users, 1);
}
END_TEST

/* ---- the snapshot ---- */

START_TEST(a_snapshot_is_all_users_and_then_the_id_to_go_on_from)
{
    static const char *const ids[] = {ID("4")};
    static const char *const users[] = {"dave"};
    login("alice", NOW_MS);
    login("bob", NOW_MS);
    happen((struct event){TABLE_LOGIN, 1, "carol", PLATFORM_WEB, 0, NOW_MS, NULL, NULL});
    open_stream("/v1/events?snapshot=1&app=1400000000");
    const char *text = after_retry(read_all());
    ck_assert_ptr_nonnull(strstr(text, "\"user\":\"alice\""));
    ck_assert_ptr_nonnull(strstr(text, "\"user\":\"bob\""));
    ck_assert_ptr_null(strstr(text, "carol"));
    const char *live = strstr(text, "id: ");
    ck_assert_str_eq(live, ID("3") "event: live\ndata: {}\n\n");
    login("dave", NOW_MS);
    expect_users(read_all(), ids, users, 1);
}
END_TEST

START_TEST(a_snapshot_of_one_user_is_that_user)
{
    static const char *const users[] = {"alice"};
    login("alice", NOW_MS);
    login("bob", NOW_MS);
    open_stream("/v1/events?snapshot=1&user=alice");
    char *text = (char *)(uintptr_t)after_retry(read_all());
    char *live = strstr(text, ID("2") "event: live\ndata: {}\n\n");
    ck_assert_ptr_nonnull(live);
    *live = '\0';
    expect_users(text, NULL, users, 1);
}
END_TEST

START_TEST(changes_during_a_snapshot_come_in_it_and_without_ids)
{
    char some[256];
    char user[16];
    for (unsigned i = 0; i < 500; i++) {
        (void)snprintf(user, sizeof(user), "user-%u", i);
        login(user, NOW_MS);
    }
    open_stream("/v1/events?snapshot=1");
    ck_assert_int_gt(stream->functions->read(stream->cls, some, sizeof(some)), 0);
    for (unsigned i = 0; i < 3; i++) { /* more than the log holds, but read in time */
        change_much(LOG_ENTRIES / 2);
        ck_assert_int_gt(stream->functions->read(stream->cls, some, sizeof(some)), 0);
        for (unsigned n = 0; n < LOG_ENTRIES * 2; n++) {
            ck_assert_int_ge(stream->functions->read(stream->cls, some, sizeof(some)), 0);
        }
    }
    logout("user-7", NOW_MS + 1);
    open_stream_with(&streams[1], "/v1/events?snapshot=1", NULL);
    logout("user-8", NOW_MS + 1);
    const char *text = read_by(&streams[1], 1024);
    const char *live = strstr(text, "id: ");
    ck_assert_ptr_nonnull(live);
    ck_assert_str_eq(live, ID("2038") "event: live\ndata: {}\n\n");
    const char *last = NULL;
    for (const char *at = text; (at = strstr(at, "\"user\":\"user-8\"")) != NULL; at++) {
        last = at;
    }
    ck_assert_ptr_nonnull(last);
    ck_assert_int_eq(strncmp(strstr(last, "\"state\":"), "\"state\":\"offline\"", 17), 0);
}
END_TEST

START_TEST(a_reset_of_a_stream_with_a_snapshot_is_followed_by_a_new_one)
{
    login("alice", NOW_MS);
    open_stream_with(stream, "/v1/events?snapshot=1", "12.34");
    const char *text = after_retry(read_all());
    ck_assert(
        str_starts_with(str_from(text), STR("event: reset\ndata: {\"reason\":\"other_run\"}\n\n" PRESENCE)));
    ck_assert_str_eq(strstr(text, "id: "), ID("1") "event: live\ndata: {}\n\n");
}
END_TEST

/* ---- settle ---- */

#define SETTLE_MS 5000

START_TEST(who_comes_back_in_time_is_no_event)
{
    login("alice", NOW_MS);
    open_live("/v1/events?settle=5s");
    logout("alice", NOW_MS + 1);
    login("alice", NOW_MS + 2);
    expect_ready(false);
    fixture.monotonic_ms += 2 * SETTLE_MS;
    ck_assert_str_eq(read_all(), "");
    login("alice", NOW_MS + 3); /* what is no coming back is told */
    ck_assert_ptr_nonnull(strstr(read_all(), ID("4") PRESENCE));
}
END_TEST

START_TEST(who_stays_away_is_told_when_the_time_is_over)
{
    static const char *const ids[] = {ID("2")};
    static const char *const users[] = {"alice"};
    login("alice", NOW_MS - 100);
    open_live("/v1/events?settle=5s");
    logout("alice", NOW_MS - 100 + 1); /* received at NOW_MS + 1 */
    fixture.now_ms = NOW_MS + 1;
    expect_ready(false);
    fixture.monotonic_ms += SETTLE_MS - 1;
    expect_ready(false);
    fixture.monotonic_ms++;
    expect_ready(true);
    expect_users(read_all(), ids, users, 1);
    expect_ready(false);
}
END_TEST

START_TEST(nothing_is_missed_by_who_resumes_while_a_user_is_held_back)
{
    login("alice", NOW_MS);
    open_live("/v1/events?settle=5s");
    logout("alice", NOW_MS + 1);
    login("bob", NOW_MS + 2);
    const char *text = read_all();
    ck_assert_ptr_nonnull(strstr(text, "\"user\":\"bob\""));
    ck_assert(str_starts_with(str_from(text), STR(ID("1") PRESENCE))); /* not 3: 2 was not told */
    close_stream(stream);
    open_stream_with(stream, "/v1/events", EPOCH ".1");
    text = read_all();
    ck_assert_ptr_nonnull(strstr(text, ID("2") PRESENCE));
    ck_assert_ptr_nonnull(strstr(text, ID("3") PRESENCE));
}
END_TEST

START_TEST(more_than_can_be_held_back_is_told_early)
{
    char user[16];
    for (unsigned i = 0; i < SETTLING_MAX + 1; i++) {
        (void)snprintf(user, sizeof(user), "user-%u", i);
        login(user, NOW_MS);
    }
    open_live("/v1/events?settle=5s");
    for (unsigned i = 0; i < SETTLING_MAX; i++) {
        (void)snprintf(user, sizeof(user), "user-%u", i);
        logout(user, NOW_MS + 1);
        if (i % 100 == 0) {
            expect_ready(false);
        }
    }
    expect_ready(false);
    (void)snprintf(user, sizeof(user), "user-%u", SETTLING_MAX);
    logout(user, NOW_MS + 1);
    expect_ready(true);
    const char *text = read_all();
    ck_assert_ptr_nonnull(strstr(text, "\"user\":\"user-0\""));
    ck_assert_ptr_null(strstr(text + 1, PRESENCE "{\"app\":1400000000,\"user\":\"user-1\""));
    expect_ready(false);
}
END_TEST

START_TEST(who_is_forgotten_while_held_back_is_told_as_forgotten_alone)
{
    login("alice", NOW_MS);
    open_live("/v1/events?settle=1m");
    logout("alice", NOW_MS + 1);
    (void)table_tick(fixture.table, NOW_MS + FORGET_AFTER_MS + 1000);
    ck_assert_str_eq(read_all(),
                     ID("3") "event: forgotten\ndata: {\"app\":1400000000,\"user\":\"alice\"}\n\n");
    fixture.monotonic_ms += SUBSCRIBER_HEARTBEAT_MS;
    ck_assert_str_eq(read_all(), ID("3") HEARTBEAT);
}
END_TEST

/* ---- bounds and costs ---- */

static uint64_t counted(const char *name)
{
    struct http_reply *reply = get("/v1/stats");
    cJSON *json = reply_json(reply);
    double value = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "streams"), name)->valuedouble;
    cJSON_Delete(json);
    http_reply_free(reply);
    return (uint64_t)value;
}

START_TEST(streams_are_bounded)
{
    for (unsigned i = 0; i < FIXTURE_MAX_STREAMS; i++) {
        open_stream_with(&streams[i], "/v1/events", NULL);
    }
    struct http_reply *reply = get("/v1/events");
    ck_assert_str_eq(reply_header(reply, "Retry-After"), "5");
    expect_problem(reply, 503, "as many streams are open as may be");
    ck_assert_uint_eq(counted("open"), FIXTURE_MAX_STREAMS);
    ck_assert_uint_eq(counted("refused"), 1);
    close_stream(stream);
    ck_assert_uint_eq(counted("open"), FIXTURE_MAX_STREAMS - 1);
    open_stream("/v1/events");
}
END_TEST

static const struct status_app_token app_tokens[] = {{0, {"a", 1}}, {1, {"b", 1}}};
static const struct status_settings all_tokens = {
    .token = {"all", 3}, .app_tokens = app_tokens, .n_app_tokens = 2};

static struct http_reply *ask_for_stream(const char *authorization)
{
    const struct http_header headers[] = {{"Authorization", authorization}, {NULL, NULL}};
    return ask_with(headers, "GET", "/v1/events", STR(""));
}

/* Of three places two. */
START_TEST(the_token_of_one_app_takes_half_of_the_streams_at_most)
{
    use_settings(&all_tokens);
    streams[0].reply = ask_for_stream("Bearer a");
    streams[1].reply = ask_for_stream("Bearer a");
    ck_assert_uint_eq(reply_status(streams[1].reply), 200);
    struct http_reply *reply = ask_for_stream("Bearer a");
    ck_assert_str_eq(reply_header(reply, "Retry-After"), "5");
    expect_problem(reply, 429, "half of all streams may be open with the token of one app, and they are");
    streams[2].reply = ask_for_stream(_i == 0 ? "Bearer b" : "Bearer all");
    ck_assert_uint_eq(reply_status(streams[2].reply), 200);
    use_settings(&(struct status_settings){.n_app_tokens = 0});
    ck_assert_uint_eq(counted("open_max_per_app_token"), 2);
    ck_assert_uint_eq(counted("refused_app_token"), 1);
    ck_assert_uint_eq(counted("refused"), 0);
    use_settings(&all_tokens);
    close_stream(&streams[0]);
    streams[0].reply = ask_for_stream("Bearer a");
    ck_assert_uint_eq(reply_status(streams[0].reply), 200);
    expect_problem(ask_for_stream("Bearer a"), 503, "as many streams are open as may be");
}
END_TEST

/* What is bound is who asks, not what is asked for. */
START_TEST(the_token_of_the_listener_is_bound_by_no_app)
{
    const struct http_header headers[] = {{"Authorization", "Bearer all"}, {NULL, NULL}};
    use_settings(&all_tokens);
    for (unsigned i = 0; i < FIXTURE_MAX_STREAMS; i++) {
        streams[i].reply = ask_with(headers, "GET", "/v1/events?app=1400000000", STR(""));
        ck_assert_uint_eq(reply_status(streams[i].reply), 200);
    }
}
END_TEST

START_TEST(a_change_is_written_once_for_all_streams)
{
    for (unsigned i = 0; i < FIXTURE_MAX_STREAMS; i++) {
        open_stream_with(&streams[i], "/v1/events", NULL);
    }
    change_much(100);
    for (unsigned i = 0; i < FIXTURE_MAX_STREAMS; i++) {
        (void)read_by(&streams[i], 1024);
    }
    ck_assert_uint_eq(counted("events_written"), 100);
}
END_TEST

START_TEST(nothing_is_written_while_there_is_no_stream)
{
    open_live("/v1/events");
    close_stream(stream);
    change_much(100);
    ck_assert_uint_eq(counted("events_written"), 0);
    ck_assert_uint_eq(fixture.n_wakes, 0);
}
END_TEST

START_TEST(streams_are_woken_once_until_they_have_asked_again)
{
    open_live("/v1/events");
    change_much(10);
    ck_assert_uint_eq(fixture.n_wakes, 1);
    (void)read_all();
    change_much(10);
    ck_assert_uint_eq(fixture.n_wakes, 2);
    expect_ready(true); /* asks, and is told */
    change_much(10);
    ck_assert_uint_eq(fixture.n_wakes, 2);
}
END_TEST

static const struct {
    const char *target;
    unsigned status;
    const char *detail;
} bad_requests[] = {
    {"/v1/events?app=12", 404, "no such app is configured"},
    {"/v1/events?app=x", 400, "app is not the number of an app, given once"},
    {"/v1/events?user=%ff", 400, "user is not 1 to 256 bytes of UTF-8 without NUL, given once"},
    {"/v1/events?user=a&user=b", 400, "user is not 1 to 256 bytes of UTF-8 without NUL, given once"},
    {"/v1/events?snapshot=2", 400, "snapshot is neither 0 nor 1, given once"},
    {"/v1/events?snapshot=yes", 400, "snapshot is neither 0 nor 1, given once"},
    {"/v1/events?settle=5", 400, "settle is not a time of at most 1m, such as 5s, given once"},
    {"/v1/events?settle=s", 400, "settle is not a time of at most 1m, such as 5s, given once"},
    {"/v1/events?settle=61s", 400, "settle is not a time of at most 1m, such as 5s, given once"},
    {"/v1/events?settle=60001ms", 400, "settle is not a time of at most 1m, such as 5s, given once"},
};

START_TEST(bad_parameters_are_told)
{
    expect_problem(get(bad_requests[_i].target), bad_requests[_i].status, bad_requests[_i].detail);
    ck_assert_uint_eq(counted("open"), 0);
}
END_TEST

START_TEST(memory_that_is_gone_leaves_no_stream_behind)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(get("/v1/events"));
    fixture.memory_is_gone = false;
    ck_assert_uint_eq(counted("open"), 0);
}
END_TEST

static void stop(void)
{
    for (unsigned i = 0; i < FIXTURE_MAX_STREAMS; i++) {
        close_stream(&streams[i]);
    }
    fixture_stop();
}

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("events");
    TCase *tcase = tcase_create("events");
    tcase_add_checked_fixture(tcase, fixture_start_two_apps, stop);
    tcase_add_test(tcase, a_stream_tells_at_once_from_where_it_can_be_resumed);
    tcase_add_test(tcase, a_change_is_the_users_object_and_has_its_id);
    tcase_add_test(tcase, a_change_says_what_was_at_its_time);
    tcase_add_test(tcase, who_is_forgotten_is_told_as_such);
    tcase_add_test(tcase, bytes_are_the_same_however_few_are_taken);
    tcase_add_loop_test(tcase, a_stream_is_resumed_behind_the_last_id, 0, 3);
    tcase_add_loop_test(tcase, an_id_of_another_run_is_a_reset_and_then_nothing_is_missed, 0,
                        COUNT(foreign_ids));
    tcase_add_test(tcase, what_is_no_longer_held_is_a_reset);
    tcase_add_test(tcase, what_the_log_holds_can_be_resumed_though_nobody_was_there);
    tcase_add_test(tcase, a_live_stream_that_is_too_far_behind_is_cut_off);
    tcase_add_test(tcase, a_replay_that_is_overtaken_is_a_reset_and_not_cut_off);
    tcase_add_loop_test(tcase, filters_leave_out_other_users_and_apps, 0, 3);
    tcase_add_test(tcase, heartbeats_carry_the_newest_id_of_a_filtered_stream);
    tcase_add_test(tcase, a_filtered_stream_that_is_asked_often_enough_keeps_up);
    tcase_add_test(tcase, the_end_is_a_heartbeat_behind_all_changes);
    tcase_add_test(tcase, a_snapshot_is_all_users_and_then_the_id_to_go_on_from);
    tcase_add_test(tcase, a_snapshot_of_one_user_is_that_user);
    tcase_add_test(tcase, changes_during_a_snapshot_come_in_it_and_without_ids);
    tcase_add_test(tcase, a_reset_of_a_stream_with_a_snapshot_is_followed_by_a_new_one);
    tcase_add_test(tcase, who_comes_back_in_time_is_no_event);
    tcase_add_test(tcase, who_stays_away_is_told_when_the_time_is_over);
    tcase_add_test(tcase, nothing_is_missed_by_who_resumes_while_a_user_is_held_back);
    tcase_add_test(tcase, more_than_can_be_held_back_is_told_early);
    tcase_add_test(tcase, who_is_forgotten_while_held_back_is_told_as_forgotten_alone);
    tcase_add_test(tcase, streams_are_bounded);
    tcase_add_loop_test(tcase, the_token_of_one_app_takes_half_of_the_streams_at_most, 0, 2);
    tcase_add_test(tcase, the_token_of_the_listener_is_bound_by_no_app);
    tcase_add_test(tcase, a_change_is_written_once_for_all_streams);
    tcase_add_test(tcase, nothing_is_written_while_there_is_no_stream);
    tcase_add_test(tcase, streams_are_woken_once_until_they_have_asked_again);
    tcase_add_loop_test(tcase, bad_parameters_are_told, 0, COUNT(bad_requests));
    tcase_add_test(tcase, memory_that_is_gone_leaves_no_stream_behind);
    suite_add_tcase(suite, tcase);
    return suite;
}
