/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <time.h>

/* A disk that stands still for a while, or breaks (failing_disk.c, named by PRESENCED_FAILING_DISK). */

#define N_CONNECTIONS 32
#define STALL_MS 3000 /* or PRESENCED_TEST_STALL_MS */
#define FROZEN_MS 2000
#define PROMISED_MS 1000 /* what is answered may be younger than what is on disk by so much */
#define PROMPT_MS 500    /* an answer that waits for no disk, on a busy machine */
#define GROWTH_MAX_KB (16 * 1024)

static const char config[] = "[callback]\n"
                             "listen = 127.0.0.1:0\n"
                             "tls = off\n"
                             "[status]\n"
                             "listen = 127.0.0.1:0\n"
                             "[store]\n"
                             "path = @DIR@/store\n"
                             "[app 1400000000]\n";

struct sender {
    pthread_t thread;
    struct client *client;
    unsigned number;
    unsigned n_ok; /* of users SENDER-0 to SENDER-(n - 1) */
    bool is_wrong;
};

static atomic_bool stopping;
static _Atomic uint64_t n_answered;
static _Atomic uint64_t slowest_ms;

static bool log_in(struct sender *sender)
{
    char user[32];
    (void)snprintf(user, sizeof(user), "user%u-%u", sender->number, sender->n_ok);
    cleanup(answer_fini) struct answer answer;
    uint64_t begin_ms = clock_monotonic_ms();
    CURLcode code = event_try_login(sender->client, user, clock_unix_ms(), &answer);
    uint64_t took_ms = clock_monotonic_ms() - begin_ms;
    if (took_ms > atomic_load(&slowest_ms)) {
        atomic_store(&slowest_ms, took_ms);
    }
    (void)atomic_fetch_add(&n_answered, 1);
    return code == CURLE_OK && event_is_ok(&answer);
}

static void *run_sender(void *cls)
{
    struct sender *sender = cls;
    while (!atomic_load(&stopping) && !sender->is_wrong) {
        sender->is_wrong = !log_in(sender);
        sender->n_ok += !sender->is_wrong;
    }
    return NULL;
}

static void begin_trouble(struct sandbox *sandbox, const char *name)
{
    sandbox_write(sandbox, name, "");
}

static void end_trouble(struct sandbox *sandbox, const char *name)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "@DIR@/%s", name);
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, text);
    ck_assert_int_eq(unlink(path), 0);
}

static uint64_t time_get(struct client *client, const char *target)
{
    cleanup(answer_fini) struct answer answer;
    uint64_t begin_ms = clock_monotonic_ms();
    client_get(client, target, &answer);
    ck_assert_int_eq(answer.status, 200);
    return clock_monotonic_ms() - begin_ms;
}

/* Asks for as long as the disk stands still. Returns the time that the slowest answer took. */
static uint64_t ask_meanwhile(const struct victim *victim, uint64_t for_ms)
{
    static const char *const targets[] = {"/livez", "/readyz", "/v1/stats", "/v1/users/user0-0"};
    static const struct timespec interval = {.tv_nsec = 20000000};
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    cleanup(client_freep) struct client *callback = client_new("http", victim_callback_port(victim));
    uint64_t begin_ms = clock_monotonic_ms();
    uint64_t slowest = 0;
    while (clock_monotonic_ms() < begin_ms + for_ms) {
        for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
            uint64_t took_ms = time_get(status, targets[i]);
            slowest = took_ms > slowest ? took_ms : slowest;
        }
        uint64_t took_ms = time_get(callback, "/readyz");
        slowest = took_ms > slowest ? took_ms : slowest;
        (void)nanosleep(&interval, NULL);
    }
    return slowest;
}

static void start_senders(const struct victim *victim, struct sender senders[static N_CONNECTIONS])
{
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        senders[i] = (struct sender){
            .client = client_new("http", victim_callback_port(victim)),
            .number = i,
        };
    }
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, run_sender, &senders[i]), 0);
    }
}

static void stop_senders(struct sender senders[static N_CONNECTIONS])
{
    atomic_store(&stopping, true);
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
        ck_assert_msg(!senders[i].is_wrong, "connection %u: not OK after %u", i, senders[i].n_ok);
        client_free(senders[i].client);
    }
}

static void await_answers(uint64_t n)
{
    static const struct timespec interval = {.tv_nsec = 1000000};
    uint64_t from = atomic_load(&n_answered);
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (atomic_load(&n_answered) < from + n) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)nanosleep(&interval, NULL);
    }
}

static void expect_all(const struct victim *victim, const struct sender senders[static N_CONNECTIONS])
{
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    for (unsigned i = 0; i < N_CONNECTIONS; i++) {
        for (unsigned j = 0; j < senders[i].n_ok; j++) {
            char user[32];
            (void)snprintf(user, sizeof(user), "user%u-%u", i, j);
            expect_state(status, user, "online");
        }
    }
}

static struct victim *spawn_over_disk(struct sandbox *sandbox)
{
    char preload[512];
    const char *disk = getenv("PRESENCED_FAILING_DISK");
    ck_assert_ptr_nonnull(disk);
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", disk);
    const char *const through[] = {"env", "FAILING_DISK_STORE=@DIR@/store", "FAILING_DISK_NOTES=@DIR@/notes",
                                   preload, NULL};
    return victim_spawn(sandbox, &(struct victim_config){config, through});
}

static struct victim *start_over_disk(struct sandbox *sandbox)
{
    struct victim *victim = spawn_over_disk(sandbox);
    victim_await_ready(victim);
    return victim;
}

static uint64_t stall_ms(void)
{
    const char *text = getenv("PRESENCED_TEST_STALL_MS");
    uint64_t ms = STALL_MS;
    ck_assert(text == NULL || str_parse_u64(str_from(text), 600000, &ms));
    return ms;
}

/* Events go on for as long as the journal may be ahead of the disk, and then wait; nothing else does, and
 * nothing is lost. */
START_TEST(a_stalled_disk_delays_and_loses_nothing)
{
    struct sender senders[N_CONNECTIONS];
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct victim *victim = start_over_disk(sandbox);
    start_senders(victim, senders);
    await_answers(1000);
    uint64_t before_kb = resident_bytes(victim_pid(victim)) / 1024;
    begin_trouble(sandbox, "notes/STALL");
    uint64_t slowest_other_ms = ask_meanwhile(victim, PROMISED_MS);
    uint64_t n_before = atomic_load(&n_answered);
    uint64_t took_ms = ask_meanwhile(victim, stall_ms() - PROMISED_MS);
    slowest_other_ms = took_ms > slowest_other_ms ? took_ms : slowest_other_ms;
    uint64_t n_meanwhile = atomic_load(&n_answered) - n_before;
    uint64_t after_kb = resident_bytes(victim_pid(victim)) / 1024;
    end_trouble(sandbox, "notes/STALL");
    await_answers(1000);
    stop_senders(senders);
    victim_kill(victim);
    victim = victim_start(sandbox, config);
    expect_all(victim, senders);
    victim_stop(victim);
    printf("stalled for %" PRIu64 " ms: slowest event %" PRIu64 " ms, %" PRIu64
           " answered meanwhile; slowest query %" PRIu64 " ms; resident %" PRIu64 " KiB before, %" PRIu64
           " after\n",
           stall_ms(), atomic_load(&slowest_ms), n_meanwhile, slowest_other_ms, before_kb, after_kb);
    /* Those that were under way. */
    ck_assert_uint_le(n_meanwhile, 2 * N_CONNECTIONS);
    ck_assert_uint_ge(atomic_load(&slowest_ms), stall_ms() - PROMISED_MS - PROMPT_MS);
    ck_assert_uint_le(slowest_other_ms, PROMPT_MS);
    ck_assert_uint_le(after_kb, before_kb + GROWTH_MAX_KB);
}
END_TEST

/* A file system of its own in a file, at the store's place; root alone may mount one. It is of this process
 * and its children, and goes with them. */
static bool mount_file_system(struct sandbox *sandbox)
{
    const char *const arguments[] = {
        "-c",
        "PATH=$PATH:/usr/sbin:/sbin && mkdir @DIR@/store && truncate -s 64M @DIR@/image && "
        "mkfs.ext4 -q -F @DIR@/image && mount -o loop @DIR@/image @DIR@/store",
        NULL};
    cleanup(buf_fini) struct buf output = {0};
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        sandbox_run(sandbox, "sh", arguments, &output) == 0) {
        return true;
    }
    (void)printf("skipped: no file system can be made and mounted: %s\n", buf_text(&output));
    return false;
}

/* As for a snapshot. Nothing may fail meanwhile, for it would stay frozen. */
static void freeze_file_system(const struct sandbox *sandbox, uint64_t for_ms)
{
    const struct timespec wait = {.tv_sec = (time_t)(for_ms / 1000),
                                  .tv_nsec = (long)(for_ms % 1000) * 1000000};
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/store");
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    int r = ioctl(fd, FIFREEZE, 0);
    (void)nanosleep(&wait, NULL);
    int r_thaw = ioctl(fd, FITHAW, 0);
    ck_assert_int_eq(r, 0);
    ck_assert_int_eq(r_thaw, 0);
}

/* Events stand still with it, for as long as it takes, and none is lost. */
START_TEST(a_frozen_file_system_loses_nothing)
{
    struct sender senders[N_CONNECTIONS];
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    if (!mount_file_system(sandbox)) {
        return;
    }
    struct victim *victim = victim_start(sandbox, config);
    start_senders(victim, senders);
    for (unsigned round = 0; round < 3; round++) {
        await_answers(1000);
        freeze_file_system(sandbox, FROZEN_MS);
    }
    await_answers(1000);
    stop_senders(senders);
    ck_assert_uint_ge(atomic_load(&slowest_ms), FROZEN_MS - PROMISED_MS - PROMPT_MS);
    victim_kill(victim);
    victim = victim_start(sandbox, config);
    expect_all(victim, senders);
    victim_stop(victim);
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/store");
    ck_assert_int_eq(umount(path), 0);
}
END_TEST

/* Until one is answered so. What it says comes after it. Returns how many were OK before. */
static void log_in_until(struct sender *sender, bool is_ok)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    bool was_ok = !is_ok;
    while (was_ok != is_ok) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        was_ok = log_in(sender);
        sender->n_ok += was_ok;
    }
}

static void expect_degraded(const struct victim *victim, const char *problem)
{
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/readyz", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_msg(strstr(buf_text(&answer.body), problem) != NULL, "%s", buf_text(&answer.body));
}

static const char *const troubles[] = {"notes/NO_WRITE", "notes/NO_SYNC"};

/* Every write, or every fsync, says EIO: events fail while it lasts, and what was answered OK before, or is
 * held when it is over, is there after a kill. */
START_TEST(an_io_error_fails_events_while_it_lasts)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct victim *victim = start_over_disk(sandbox);
    struct sender sender = {.client = client_new("http", victim_callback_port(victim))};
    for (unsigned round = 0; round < 2; round++) {
        log_in_until(&sender, true);
        begin_trouble(sandbox, troubles[_i]);
        log_in_until(&sender, false);
        expect_degraded(victim, "I/O error");
        victim_await_logs(
            victim,
            "msg=\"attention needed\" code=store_problem text=\"events cannot be stored, and are "
            "answered FAIL: I/O error\"",
            round + 1);
        end_trouble(sandbox, troubles[_i]);
        log_in_until(&sender, true);
        expect_degraded(victim, "\"ready\"");
        victim_await_logs(victim, "msg=\"attention no longer needed\" code=store_problem", round + 1);
    }
    victim_await_logs(victim, "store cannot write", 2);
    victim_await_logs(victim, "store writes again", 2);
    victim_kill(victim);
    victim = victim_start(sandbox, config);
    struct sender senders[N_CONNECTIONS] = {[0] = sender};
    expect_all(victim, senders);
    victim_stop(victim);
    client_free(sender.client);
}
END_TEST

/* Before all users are loaded, and without what comes after. */
START_TEST(a_sigterm_while_loading_ends_the_start)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct victim *victim = start_over_disk(sandbox);
    struct sender sender = {.client = client_new("http", victim_callback_port(victim))};
    log_in_until(&sender, true);
    client_free(sender.client);
    victim_stop(victim);
    begin_trouble(sandbox, "notes/SLOW_READ");
    victim = spawn_over_disk(sandbox);
    victim_await_log(victim, "msg=\"loading\"");
    cleanup(buf_fini) struct buf log = victim_stop_for_log(victim);
    ck_assert_msg(strstr(buf_text(&log), "msg=\"stopped\"") != NULL, "%s", buf_text(&log));
    ck_assert_msg(strstr(buf_text(&log), "msg=\"loaded\"") == NULL, "%s", buf_text(&log));
    ck_assert_msg(strstr(buf_text(&log), "level=error") == NULL, "%s", buf_text(&log));
    end_trouble(sandbox, "notes/SLOW_READ");
    victim = victim_start(sandbox, config);
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    expect_state(status, "user0-0", "online");
    victim_stop(victim);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("disk");
    TCase *tcase = tcase_create("disk");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(tcase, a_stalled_disk_delays_and_loses_nothing);
    tcase_add_test(tcase, a_frozen_file_system_loses_nothing);
    tcase_add_loop_test(tcase, an_io_error_fails_events_while_it_lasts, 0, 2);
    tcase_add_test(tcase, a_sigterm_while_loading_ends_the_start);
    suite_add_tcase(suite, tcase);
    return suite;
}
