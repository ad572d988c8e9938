/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "freeze.h"
#include "manager.h"

#include "presenced/clock.h"

#include <inttypes.h>
#include <signal.h>

/* What the service manager is told, and when it is told nothing. */

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

#define CALLBACK             \
    "[callback]\n"           \
    "listen = 127.0.0.1:0\n" \
    "tls = off\n"
#define REST                 \
    "[status]\n"             \
    "listen = 127.0.0.1:0\n" \
    "[app 1400000000]\n"
#define STORE "[store]\npath = @DIR@/store\n"

/* Looks four times as often. */
#define WATCHDOG_MS 200
#define SILENCE_MS (5 * WATCHDOG_MS)

static struct sandbox *sandbox;
static struct manager *manager;
static struct victim *victim;

static void set_up(void)
{
    sandbox = sandbox_new();
    manager = manager_new(sandbox);
}

static void tear_down(void)
{
    manager_free(manager);
    sandbox_free(sandbox);
}

static void login(const char *user)
{
    cleanup(client_freep) struct client *callback = client_new("http", victim_callback_port(victim));
    event_login(callback, user, clock_unix_ms());
}

static void reload(const char *config)
{
    sandbox_write(sandbox, "victim.conf", config);
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
}

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* With a time of between `from_us` and now. */
static void expect_reloading(uint64_t from_us)
{
    uint64_t said_us = 0;
    const char *message = manager_next(manager);
    ck_assert_msg(sscanf(message, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &said_us) == 1, "%s", message);
    ck_assert_uint_ge(said_us, from_us);
    ck_assert_uint_le(said_us, now_us());
}

/* That a reload is over, and what is then said of it. */
static void expect_reloaded(const char *status)
{
    cleanup(cleanup_freep) char *expected = sandbox_expand(sandbox, status);
    ck_assert_str_eq(manager_next(manager), expected);
}

START_TEST(tells_of_its_life)
{
    static const char *const through[] = {"env", "NOTIFY_SOCKET=@DIR@/notify", NULL};
    victim = victim_spawn(sandbox, &(struct victim_config){CALLBACK REST STORE, through});
    ck_assert_str_eq(manager_next(manager), "READY=1\nSTATUS=users online: 0");
    victim_await_ready(victim);
    login("alice");
    ck_assert_str_eq(manager_next(manager), "STATUS=users online: 1");

    uint64_t before_us = now_us();
    reload(CALLBACK REST STORE "[log]\nlevel = loud\n");
    expect_reloading(before_us);
    expect_reloaded(
        "READY=1\nSTATUS=users online: 1; configuration not reloaded: @DIR@/victim.conf:10: [log] "
        "level: 'loud' is not allowed: error | warning | notice | info | debug");
    reload(CALLBACK REST);
    expect_reloading(before_us);
    expect_reloaded(
        "READY=1\nSTATUS=users online: 1; configuration not reloaded: @DIR@/victim.conf:1: [store] "
        "path: cannot change while presenced runs: restart it");
    reload(CALLBACK REST STORE);
    expect_reloading(before_us);
    expect_reloaded("READY=1\nSTATUS=users online: 1");

    victim_stop(victim);
    ck_assert_str_eq(manager_next(manager), "STOPPING=1\nSTATUS=draining, users online: 1");
    ck_assert_str_eq(manager_next(manager), "EXTEND_TIMEOUT_USEC=30000000");
}
END_TEST

/* Watchdog. */

static const char *const watched[] = {"env", "NOTIFY_SOCKET=@DIR@/notify", "WATCHDOG_USEC=200000", NULL};

static void start_watched(const char *const *through)
{
    /* With sync, for there an event waits for the disk. */
    victim = victim_spawn(sandbox,
                          &(struct victim_config){CALLBACK REST STORE "durability = sync\n", through});
    victim_await_ready(victim);
}

START_TEST(beats_while_it_idles_and_serves)
{
    start_watched(watched);
    manager_await_beats(manager, 10);
    for (unsigned i = 0; i < 10; i++) {
        login("alice");
        manager_await_beats(manager, 1);
    }
    victim_stop(victim);
}
END_TEST

/* While a request in flight holds up the end, too. */
START_TEST(beats_while_it_drains)
{
    victim = victim_spawn(sandbox, &(struct victim_config){CALLBACK "drain_delay = 1h\n" REST, watched});
    victim_await_ready(victim);
    ck_assert_int_eq(kill(victim_pid(victim), SIGTERM), 0);
    manager_await(manager, "STOPPING=1\nSTATUS=draining, users online: 0");
    manager_await_beats(manager, 10);
    victim_stop(victim);
}
END_TEST

static const char *const threads[] = {"callback-0", "status-0", "store-writer"};

START_TEST(one_thread_that_stands_still_ends_the_beats)
{
    start_watched(watched);
    manager_await_beats(manager, 3);
    pid_t thread = freeze_begin(victim_pid(victim), threads[_i]);
    ck_assert_msg(thread > 0, "%s: %s", threads[_i], strerror(-thread));
    manager_expect_silence(manager, SILENCE_MS);
    ck_assert_int_eq(freeze_end(thread), 0);
    manager_await_beats(manager, 3);
    login("alice");
    victim_stop(victim);
}
END_TEST

/* An event waits for it, and beats go on. */
START_TEST(a_disk_that_stands_still_does_not)
{
    char preload[512];
    const char *disk = getenv("PRESENCED_FAILING_DISK");
    if (disk == NULL) {
        return; /* nothing can be laid under a sanitizer */
    }
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", disk);
    const char *const through[] = {"env",
                                   "NOTIFY_SOCKET=@DIR@/notify",
                                   "WATCHDOG_USEC=200000",
                                   "FAILING_DISK_STORE=@DIR@/store",
                                   preload,
                                   "FAILING_DISK_NOTES=@DIR@/notes",
                                   NULL};
    start_watched(through);
    cleanup(client_freep) struct client *callback = client_new("http", victim_callback_port(victim));
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body("alice", "Login", "Register", 0);
    const struct client_request request = {.method = "POST", .target = target, .body = body};
    cleanup(answer_fini) struct answer answer;
    (void)curl_easy_setopt(client_handle(callback), CURLOPT_TIMEOUT_MS, 500L);
    sandbox_write(sandbox, "notes/STALL", "");
    ck_assert_int_eq(client_try(callback, &request, &answer), CURLE_OPERATION_TIMEDOUT);
    manager_await_beats(manager, 10);
    victim_kill(victim);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("supervisor");
    TCase *tcase = tcase_create("supervisor");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, tells_of_its_life);
    tcase_add_test(tcase, beats_while_it_idles_and_serves);
    tcase_add_test(tcase, beats_while_it_drains);
    tcase_add_loop_test(tcase, one_thread_that_stands_still_ends_the_beats, 0, COUNT(threads));
    tcase_add_test(tcase, a_disk_that_stands_still_does_not);
    suite_add_tcase(suite, tcase);
    return suite;
}
