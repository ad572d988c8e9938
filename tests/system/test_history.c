/* SPDX-License-Identifier: MIT */
/* The history of users' events, in a daemon that is stopped, killed, and lives through a day. */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#define BEGIN \
    "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"

static const char config[] = BEGIN "[store]\npath = @DIR@/store\n";
static const char config_off[] = BEGIN "[store]\npath = @DIR@/store\nhistory = 0\n";

#define HOUR_S INT64_C(3600)

static struct sandbox *sandbox;
static struct victim *victim;
static struct client *callback;
static struct client *status;

static void connect_clients(void)
{
    callback = client_new("http", victim_callback_port(victim));
    status = client_new("http", victim_status_port(victim));
}

static void start(const char *text)
{
    victim = victim_start(sandbox, text);
    connect_clients();
}

static void close_clients(void)
{
    client_free(callback);
    client_free(status);
}

static void stop(void)
{
    close_clients();
    victim_stop(victim);
}

static void set_clock_ahead(int64_t seconds)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/clock");
    cleanup(cleanup_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(pwrite(fd, &seconds, sizeof(seconds), 0), sizeof(seconds));
}

static void start_with_moved_clock(void)
{
    const char *library = getenv("PRESENCED_MOVED_CLOCK");
    ck_assert_ptr_nonnull(library);
    set_clock_ahead(0);
    cleanup(cleanup_freep) char *clock = sandbox_expand(sandbox, "MOVED_CLOCK=@DIR@/clock");
    cleanup(buf_fini) struct buf preload = {0};
    buf_appendf(&preload, "LD_PRELOAD=%s", library);
    const char *const through[] = {"env", clock, buf_text(&preload), NULL};
    victim = victim_spawn(sandbox, &(struct victim_config){config, through});
    victim_await_ready(victim);
    connect_clients();
}

static void set_up(void)
{
    sandbox = sandbox_new();
}

static void tear_down(void)
{
    sandbox_free(sandbox);
}

static void login(uint64_t event_time_ms, const char *request_id)
{
    cleanup(buf_fini) struct buf more = {0};
    buf_appendf(&more, "&RequestId=%s", request_id);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", buf_text(&more));
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", event_time_ms);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

/* What is said of the user, as text. */
static struct answer ask(const char *parameters)
{
    struct answer answer;
    cleanup(buf_fini) struct buf target = {0};
    buf_appendf(&target, "/v1/users/alice/history%s", parameters);
    client_get(status, buf_text(&target), &answer);
    return answer;
}

static bool says(const char *text)
{
    cleanup(answer_fini) struct answer answer = ask("");
    ck_assert_int_eq(answer.status, 200);
    return strstr(buf_text(&answer.body), text) != NULL;
}

static void expect_says(const char *text)
{
    cleanup(answer_fini) struct answer answer = ask("");
    ck_assert_int_eq(answer.status, 200);
    ck_assert_msg(strstr(buf_text(&answer.body), text) != NULL, "no %s in: %s", text, buf_text(&answer.body));
}

START_TEST(an_event_and_what_came_of_it_are_told)
{
    uint64_t now_ms = clock_unix_ms();
    start(config);
    login(now_ms, "one");
    login(now_ms, "two");
    login(now_ms - 1, "three");
    cleanup(answer_fini) struct answer answer = ask("");
    const char *text = buf_text(&answer.body);
    const char *three = strstr(text, "\"outcome\":\"older\",\"request_id\":\"three\"");
    const char *two = strstr(text, "\"outcome\":\"repeated\",\"request_id\":\"two\"");
    const char *one = strstr(text, "\"outcome\":\"applied\",\"request_id\":\"one\"");
    ck_assert_msg(three != NULL && two > three && one > two, "%s", text);
    ck_assert_msg(strstr(text, "\"peer\":\"127.0.0.1\"") != NULL, "%s", text);
    stop();
}
END_TEST

START_TEST(a_restart_keeps_it)
{
    start(config);
    login(0, "one");
    stop();
    start(config);
    login(0, "two");
    expect_says("\"one\"");
    expect_says("\"two\"");
    stop();
}
END_TEST

/* What is older than a second, and all that the store has. */
START_TEST(a_kill_takes_the_last_second_at_most)
{
    cleanup(buf_fini) struct buf since = {0};
    start(config);
    login(0, "one");
    expect_says("\"one\"");
    login(0, "two");
    (void)poll(NULL, 0, 1000);
    close_clients();
    victim_kill(victim);
    start(config);
    expect_state(status, "alice", "online");
    expect_says("\"one\"");
    expect_says("\"two\"");
    buf_appendf(&since, "?since=%llu", (unsigned long long)clock_unix_ms());
    cleanup(answer_fini) struct answer earlier = ask("");
    cleanup(answer_fini) struct answer later = ask(buf_text(&since));
    ck_assert_ptr_nonnull(strstr(buf_text(&earlier.body), "\"complete\":false"));
    ck_assert_ptr_nonnull(strstr(buf_text(&later.body), "\"complete\":true"));
    stop();
}
END_TEST

START_TEST(without_it_the_reason_is_said)
{
    start(config_off);
    cleanup(answer_fini) struct answer answer = ask("");
    ck_assert_int_eq(answer.status, 404);
    ck_assert_ptr_nonnull(strstr(buf_text(&answer.body), "no history is kept"));
    stop();
}
END_TEST

static size_t count_slices(void)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/store/history");
    size_t n = 0;
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        n += strchr(entry->d_name, '-') != NULL;
    }
    (void)closedir(folder);
    return n;
}

static void await_slices(size_t n)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (count_slices() != n) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 20);
    }
}

START_TEST(an_hour_is_dropped_when_its_day_is_over)
{
    start_with_moved_clock();
    login(0, "one");
    expect_says("\"one\"");
    set_clock_ahead(2 * HOUR_S);
    login(0, "two");
    expect_says("\"one\"");
    await_slices(2);
    set_clock_ahead(26 * HOUR_S - 600);
    expect_says("\"two\"");
    await_slices(1);
    ck_assert(!says("\"one\""));
    set_clock_ahead(30 * HOUR_S);
    await_slices(0);
    ck_assert(!says("\"two\""));
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("history");
    TCase *tcase = tcase_create("history");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_event_and_what_came_of_it_are_told);
    tcase_add_test(tcase, a_restart_keeps_it);
    tcase_add_test(tcase, a_kill_takes_the_last_second_at_most);
    tcase_add_test(tcase, without_it_the_reason_is_said);
    if (getenv("PRESENCED_MOVED_CLOCK") != NULL) {
        tcase_add_test(tcase, an_hour_is_dropped_when_its_day_is_over);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
