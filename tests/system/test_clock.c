/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <sched.h>

/* A wall clock that jumps ahead and is set right again, as that of a virtual machine that was resumed:
 * whoever asks, and however, gets one answer. */

static const char config[] = "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
                             "[status]\nlisten = 127.0.0.1:0\n"
                             "[app 1400000000]\n";

#define DAY_S INT64_C(86400)

static struct sandbox *sandbox;
static struct victim *victim;
static struct client *status;

static void set_clock_ahead(int64_t seconds)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/clock");
    cleanup(cleanup_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(pwrite(fd, &seconds, sizeof(seconds), 0), sizeof(seconds));
}

static void set_up(void)
{
    const char *library = getenv("PRESENCED_MOVED_CLOCK");
    ck_assert_ptr_nonnull(library);
    sandbox = sandbox_new();
    set_clock_ahead(0);
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

static bool answer_holds(const char *target, const char *text)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, target, &answer);
    ck_assert_int_eq(answer.status, 200);
    return strstr(buf_text(&answer.body), text) != NULL;
}

/* Until the counts say so: the table looks at the clock once a second. */
static void await_counts(const char *states)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!answer_holds("/v1/stats", states)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "the counts do not become %s", states);
        (void)sched_yield();
    }
}

static void expect_all_say(bool is_push_online)
{
    const char *const states[2] = {"\"states\":{\"online\":0,\"push_online\":0,\"offline\":1,\"unknown\":0}",
                                   "\"states\":{\"online\":0,\"push_online\":1,\"offline\":0,\"unknown\":0}"};
    await_counts(states[is_push_online]);
    expect_state(status, "alice", is_push_online ? "push_online" : "offline");
    ck_assert_int_eq(answer_holds("/v1/users?state=push_online", "\"alice\""), is_push_online);
    ck_assert_int_eq(answer_holds("/v1/users?state=offline", "\"alice\""), !is_push_online);
}

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

Suite *test_suite(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, one_answer_after_a_clock_was_set_right);
    suite_add_tcase(suite, tcase);
    return suite;
}
