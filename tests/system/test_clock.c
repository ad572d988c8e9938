/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <poll.h>

/* What the daemon makes of time, without waiting for it. */

static const char config[] = "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
                             "[status]\nlisten = 127.0.0.1:0\n"
                             "[app 1400000000]\n"
                             "[app 1400000001]\ntoken = xxxxyyyy\n";

#define DAY_S INT64_C(86400)

static struct sandbox *sandbox;
static struct victim *victim;
static struct client *status;

/* As moved_clock.c numbers them. */
enum { WALL_CLOCK, MONOTONIC_CLOCK };

static void set_ahead(unsigned clock, int64_t seconds)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/clock");
    cleanup(cleanup_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(pwrite(fd, &seconds, sizeof(seconds), clock * sizeof(seconds)), sizeof(seconds));
}

static void set_clock_ahead(int64_t seconds)
{
    set_ahead(WALL_CLOCK, seconds);
}

static void set_up(void)
{
    const char *library = getenv("PRESENCED_MOVED_CLOCK");
    ck_assert_ptr_nonnull(library);
    sandbox = sandbox_new();
    set_clock_ahead(0);
    set_ahead(MONOTONIC_CLOCK, 0);
    cleanup(cleanup_freep) char *clock = sandbox_expand(sandbox, "MOVED_CLOCK=@DIR@/clock");
    cleanup(buf_fini) struct buf preload = {0};
    buf_appendf(&preload, "LD_PRELOAD=%s", library);
    const char *const through[] = {"env", clock, buf_text(&preload), NULL};
    victim = victim_spawn(sandbox, &(struct victim_config){config, through});
    victim_await_ready(victim);
    status = client_new("http", victim_status_port(victim));
}

static void tear_down(void)
{
    client_free(status);
    victim_stop(victim);
    sandbox_free(sandbox);
}

static void expect_all_say(bool is_push_online)
{
    const char *const states[2] = {"\"states\":{\"online\":0,\"push_online\":0,\"offline\":1,\"unknown\":0}",
                                   "\"states\":{\"online\":0,\"push_online\":1,\"offline\":0,\"unknown\":0}"};
    client_await(status, "/v1/stats",
                 states[is_push_online]); /* the table looks at the clock once a second */
    expect_state(status, "alice", is_push_online ? "push_online" : "offline");
    ck_assert_int_eq(client_sees(status, "/v1/users?state=push_online", "\"alice\""), is_push_online);
    ck_assert_int_eq(client_sees(status, "/v1/users?state=offline", "\"alice\""), !is_push_online);
}

/* A wall clock that jumps ahead and is set right again, as that of a virtual machine that was resumed:
 * whoever asks, and however, gets one answer. */
START_TEST(one_answer_after_a_clock_was_set_right)
{
    cleanup(client_freep) struct client *callback = client_new("http", victim_callback_port(victim));
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "IOS", "");
    cleanup(cleanup_freep) char *body = event_body("alice", "Disconnect", "LinkClose", clock_unix_ms());
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
    expect_all_say(true);
    set_clock_ahead(8 * DAY_S);
    expect_all_say(false);
    set_clock_ahead(0);
    expect_all_say(true);
}
END_TEST

static void send_event(struct client *callback, const char *token, long http_status)
{
    cleanup(cleanup_freep) char *sign = event_sign_now(token);
    cleanup(cleanup_freep) char *target = event_target(EVENT_OTHER_APP, "IOS", sign);
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", clock_unix_ms());
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    ck_assert_int_eq(answer.status, http_status);
}

#define ALL_REFUSED \
    "no callback of app 1400000001 was answered OK for a minute: Sign was not made with a token of this app"

START_TEST(when_all_is_refused_for_a_minute_it_is_said_everywhere)
{
    cleanup(client_freep) struct client *callback = client_new("http", victim_callback_port(victim));
    event_login(callback, "alice", clock_unix_ms()); /* of another app */
    for (unsigned i = 0; i < 3; i++) {
        send_event(callback, "wrong", 403);
    }
    client_await(status, "/metrics",
                 "\npresenced_callback_requests_total{answer=\"refused\",outcome=\"refused_sign\","
                 "app=\"1400000001\"} 3\n");
    ck_assert(client_sees(status, "/v1/stats", "\"warnings\":[{\"code\":\"app_unsigned\""));
    /* The daemon looks once a second, and is to see what is refused, and then that a minute has passed. */
    for (int64_t ahead_s = 1; !client_sees(status, "/v1/stats", "\"everything_refused\""); ahead_s++) {
        ck_assert_int_lt(ahead_s, 3600);
        set_ahead(MONOTONIC_CLOCK, ahead_s);
        (void)poll(NULL, 0, 10);
    }
    ck_assert(
        client_sees(status, "/v1/stats", "{\"code\":\"everything_refused\",\"text\":\"" ALL_REFUSED "\"}"));
    ck_assert(client_sees(status, "/metrics", "\npresenced_warnings{code=\"everything_refused\"} 1\n"));
    victim_await_log(victim, "msg=\"attention needed\" code=everything_refused text=\"" ALL_REFUSED "\"");
    send_event(callback, "xxxxyyyy", 200);
    client_await(status, "/metrics", "\npresenced_warnings{code=\"everything_refused\"} 0\n");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, one_answer_after_a_clock_was_set_right);
    tcase_add_test(tcase, when_all_is_refused_for_a_minute_it_is_said_everywhere);
    suite_add_tcase(suite, tcase);
    return suite;
}
