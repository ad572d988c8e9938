/* SPDX-License-Identifier: MIT */
/* Measures the store with a table: store_bench FOLDER [N_USERS [N_EVENTS]]. The folder must not exist. Users
 * have ids of 12 bytes and one row with an IPv4 address. */
#include "presenced/clock.h"
#include "presenced/store.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

#define START_MS UINT64_C(1700000000000)
#define N_AHEAD_MAX 20000 /* events whose changes may wait for the store: fewer than the change log holds */
#define N_LONE 2000

struct bench {
    const char *folder;
    uint64_t n_users;
    uint64_t n_events;
    uint64_t random;
    uint64_t stamp_ms;
    int durable_fd;
    struct table *table;
    struct store *store;
};

static double read_s(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

/* xorshift64: enough to jump about. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void tell_durable(void *cls)
{
    const struct bench *bench = cls;
    const uint64_t one = 1;
    (void)!write(bench->durable_fd, &one, sizeof(one));
}

static void open_all(struct bench *bench, enum store_durability durability)
{
    const struct table_config table_config = {.push_online_window_ms = 7 * UINT64_C(86400000)};
    const struct store_config config = {
        .path = bench->folder,
        .durability = durability,
        .memory_bytes = UINT64_C(64) << 20,
        .on_durable = tell_durable,
        .cls = bench,
    };
    struct store_config whole = config;
    char problem[STORE_PROBLEM_SIZE];
    uint16_t app;
    if (table_new(&table_config, &bench->table) < 0 || table_add_app(bench->table, 1400000000, &app) < 0) {
        fail("no memory");
    }
    whole.table = bench->table;
    if (store_open(&whole, &bench->store, problem) < 0) {
        fail(problem);
    }
}

static void close_all(struct bench *bench)
{
    store_close(bench->store);
    table_free(bench->table);
}

static uint64_t apply(struct bench *bench, uint64_t user)
{
    char id[24];
    int len = snprintf(id, sizeof(id), "user%08" PRIu64, user % 100000000);
    struct table_applied applied;
    struct table_event event = {
        .kind = bench->stamp_ms % 2 == 0 ? TABLE_LOGIN : TABLE_LOGOUT,
        .reason = ROW_REASON_REGISTER,
        .platform = PLATFORM_IOS,
        .user_id = {id, (size_t)len},
        .client = {.len = 4, .bytes = {192, 0, 2, (uint8_t)user}},
        .has_event_time = true,
        .event_time_ms = bench->stamp_ms,
    };
    bench->stamp_ms++;
    if (table_apply(bench->table, &event, bench->stamp_ms, &applied) != TABLE_CHANGED) {
        fail("an event changed nothing");
    }
    return applied.revision;
}

static void await(struct bench *bench, uint64_t revision)
{
    struct pollfd fd = {.fd = bench->durable_fd, .events = POLLIN};
    uint64_t n;
    while (store_durable_revision(bench->store) < revision) {
        if (poll(&fd, 1, 10000) == 1) {
            (void)!read(bench->durable_fd, &n, sizeof(n));
        } else {
            fail("nothing becomes durable");
        }
    }
}

static uint64_t stored_revision(const struct bench *bench)
{
    struct store_stats stats;
    store_stats(bench->store, &stats);
    return stats.stored_revision;
}

static void await_stored(struct bench *bench, uint64_t revision)
{
    while (stored_revision(bench) < revision) {
        (void)poll(NULL, 0, 1);
    }
}

/* With half of what may wait still waiting, so that neither side stands still. The engine is what counts:
 * where it is too far behind, the whole table is written. */
static void hold_back(struct bench *bench, uint64_t revision)
{
    if (revision % 256 == 0 && revision > stored_revision(bench) + N_AHEAD_MAX) {
        await_stored(bench, revision - N_AHEAD_MAX / 2);
    }
}

static void fill(struct bench *bench)
{
    uint64_t revision = 0;
    double before = read_s(CLOCK_MONOTONIC);
    open_all(bench, STORE_COMMIT);
    for (uint64_t user = 0; user < bench->n_users; user++) {
        revision = apply(bench, user);
        hold_back(bench, revision);
    }
    await_stored(bench, revision);
    printf("new users/s: %.0f\n", (double)bench->n_users / (read_s(CLOCK_MONOTONIC) - before));
    before = read_s(CLOCK_MONOTONIC);
    close_all(bench);
    printf("closed in: %.2f s\n", read_s(CLOCK_MONOTONIC) - before);
}

static void load(struct bench *bench)
{
    struct store_stats stats;
    double before = read_s(CLOCK_MONOTONIC);
    double cpu_before = read_s(CLOCK_PROCESS_CPUTIME_ID);
    open_all(bench, STORE_COMMIT);
    store_stats(bench->store, &stats);
    printf("opened with %" PRIu64 " users in %.2f s, of which loading %.2f s; %.2f s of CPU\n",
           stats.n_users_loaded, read_s(CLOCK_MONOTONIC) - before, (double)stats.load_ms / 1000,
           read_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_before);
    close_all(bench);
}

static void update_many(struct bench *bench)
{
    struct store_stats stats;
    uint64_t revision = 0;
    double before = read_s(CLOCK_MONOTONIC);
    double cpu_before = read_s(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t i = 0; i < bench->n_events; i++) {
        revision = apply(bench, next_random(&bench->random) % bench->n_users);
        hold_back(bench, revision);
    }
    await_stored(bench, revision);
    store_stats(bench->store, &stats);
    double took = read_s(CLOCK_MONOTONIC) - before;
    double cpu = read_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_before;
    printf("  events/s: %.0f, CPU an event: %.2f us, events a commit: %.1f, fsyncs: %" PRIu64 " of %.1f ms\n",
           (double)bench->n_events / took, cpu * 1e6 / (double)bench->n_events,
           (double)stats.n_changes / (double)stats.n_commits, stats.n_syncs,
           stats.n_syncs == 0 ? 0 : (double)stats.sync_us_sum / 1000 / (double)stats.n_syncs);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One event at a time, as one connection would send them. */
static void update_alone(struct bench *bench)
{
    static double took_us[N_LONE];
    for (unsigned i = 0; i < N_LONE; i++) {
        double before = read_s(CLOCK_MONOTONIC);
        await(bench, apply(bench, next_random(&bench->random) % bench->n_users));
        took_us[i] = (read_s(CLOCK_MONOTONIC) - before) * 1e6;
    }
    qsort(took_us, N_LONE, sizeof(took_us[0]), compare);
    printf("  a lone event is durable after us: p50 %.0f, p99 %.0f, at most %.0f\n", took_us[N_LONE / 2],
           took_us[N_LONE * 99 / 100], took_us[N_LONE - 1]);
}

static void update(struct bench *bench, enum store_durability durability, const char *name)
{
    printf("%s:\n", name);
    open_all(bench, durability);
    update_many(bench);
    if (durability != STORE_RELAXED) {
        update_alone(bench);
    }
    close_all(bench);
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .n_users = 1000000, .n_events = 1000000, .random = 88172645463325252U, .stamp_ms = START_MS};
    if (argc < 2 || argc > 4 || (argc > 2 && !str_parse_u64(str_from(argv[2]), 100000000, &bench.n_users)) ||
        (argc > 3 && !str_parse_u64(str_from(argv[3]), 1000000000, &bench.n_events)) || bench.n_users == 0) {
        (void)fprintf(stderr, "usage: %s FOLDER [N_USERS [N_EVENTS]]\n", argv[0]);
        return 2;
    }
    bench.folder = argv[1];
    bench.durable_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    fill(&bench);
    load(&bench);
    update(&bench, STORE_RELAXED, "relaxed");
    update(&bench, STORE_COMMIT, "commit");
    update(&bench, STORE_SYNC, "sync");
    load(&bench);
    return 0;
}
