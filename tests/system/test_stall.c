/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* A disk that stands still for ten seconds (failing_disk.c, named by PRESENCED_FAILING_DISK): answers wait
 * for it, but nothing else does, and nothing is lost. */

#define N_CONNECTIONS 32
#define STALL_MS 10000
#define PROMPT_MS 500 /* an answer that waits for no disk, on a busy machine */
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
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body(user, "Login", "Register", clock_unix_ms());
    const struct client_request request = {.method = "POST", .target = target, .body = body};
    cleanup(answer_fini) struct answer answer;
    uint64_t begin_ms = clock_monotonic_ms();
    CURLcode code = client_try(sender->client, &request, &answer);
    uint64_t took_ms = clock_monotonic_ms() - begin_ms;
    if (took_ms > atomic_load(&slowest_ms)) {
        atomic_store(&slowest_ms, took_ms);
    }
    (void)atomic_fetch_add(&n_answered, 1);
    return code == CURLE_OK && strstr(buf_text(&answer.body), "\"OK\"") != NULL;
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

static void set_stall(struct sandbox *sandbox, bool is_on)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/notes/STALL");
    if (is_on) {
        sandbox_write(sandbox, "notes/STALL", "");
    } else {
        ck_assert_int_eq(unlink(path), 0);
    }
}

static uint64_t resident_kb(const struct victim *victim)
{
    char path[64];
    char line[256];
    uint64_t kb = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)victim_pid(victim));
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kb = strtoull(line + 6, NULL, 10);
        }
    }
    (void)fclose(file);
    return kb;
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
static uint64_t ask_meanwhile(const struct victim *victim)
{
    static const char *const targets[] = {"/livez", "/readyz", "/v1/stats", "/v1/users/user0-0"};
    static const struct timespec interval = {.tv_nsec = 20000000};
    cleanup(client_freep) struct client *status = client_new("http", victim_status_port(victim));
    cleanup(client_freep) struct client *callback = client_new("http", victim_callback_port(victim));
    uint64_t begin_ms = clock_monotonic_ms();
    uint64_t slowest = 0;
    while (clock_monotonic_ms() < begin_ms + STALL_MS) {
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

START_TEST(a_stalled_disk_delays_and_loses_nothing)
{
    struct sender senders[N_CONNECTIONS];
    char preload[512];
    const char *disk = getenv("PRESENCED_FAILING_DISK");
    ck_assert_ptr_nonnull(disk);
    (void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", disk);
    const char *const through[] = {"env", "FAILING_DISK_STORE=@DIR@/store", "FAILING_DISK_NOTES=@DIR@/notes",
                                   preload, NULL};
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){config, through});
    victim_await_ready(victim);
    start_senders(victim, senders);
    await_answers(1000);
    uint64_t before_kb = resident_kb(victim);
    set_stall(sandbox, true);
    uint64_t n_before = atomic_load(&n_answered);
    uint64_t slowest_other_ms = ask_meanwhile(victim);
    uint64_t n_meanwhile = atomic_load(&n_answered) - n_before;
    uint64_t after_kb = resident_kb(victim);
    set_stall(sandbox, false);
    await_answers(1000);
    stop_senders(senders);
    victim_kill(victim);
    victim = victim_start(sandbox, config);
    expect_all(victim, senders);
    victim_stop(victim);
    printf("stalled for %d ms: slowest event %" PRIu64 " ms, %" PRIu64
           " answered meanwhile; slowest query %" PRIu64 " ms; resident %" PRIu64 " KiB before, %" PRIu64
           " after\n",
           STALL_MS, atomic_load(&slowest_ms), n_meanwhile, slowest_other_ms, before_kb, after_kb);
    /* What was written just before is answered yet. */
    ck_assert_uint_le(n_meanwhile, 4 * N_CONNECTIONS);
    ck_assert_uint_ge(atomic_load(&slowest_ms), STALL_MS - 1000);
    ck_assert_uint_le(slowest_other_ms, PROMPT_MS);
    ck_assert_uint_le(after_kb, before_kb + GROWTH_MAX_KB);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("stall");
    TCase *tcase = tcase_create("stall");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(tcase, a_stalled_disk_delays_and_loses_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
