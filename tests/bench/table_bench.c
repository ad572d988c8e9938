/* SPDX-License-Identifier: MIT */
/* Measures the table by itself: table_bench [N_USERS]. Users have ids of 12 bytes and one row with an IPv4
 * address. */
#include "presenced/table.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#define START_MS UINT64_C(1700000000000)
#define N_THREADS_MAX 2

static uint64_t read_ns(clockid_t id)
{
    struct timespec now;
    (void)clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

static uint64_t resident_bytes(void)
{
    uint64_t n_pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm != NULL) {
        if (fscanf(statm, "%*u %" SCNu64, &n_pages) != 1) { /* NOLINT(cert-err34-c): the kernel's own */
            n_pages = 0;
        }
        (void)fclose(statm);
    }
    return n_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* xorshift64: enough to jump about. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static struct str make_id(uint64_t user, char storage[static 13])
{
    (void)snprintf(storage, 13, "user%08" PRIu64, user % 100000000);
    return (struct str){storage, 12};
}

static int apply(struct table *table, enum table_event_kind kind, uint64_t user, uint64_t stamp_ms)
{
    char storage[13];
    struct table_applied applied;
    struct table_event event = {
        .kind = kind,
        .reason = kind == TABLE_LOGIN ? ROW_REASON_REGISTER : ROW_REASON_LINK_CLOSE,
        .platform = PLATFORM_IOS,
        .user_id = make_id(user, storage),
        .client = {.len = 4, .bytes = {192, 0, 2, (uint8_t)user}},
        .has_event_time = true,
        .event_time_ms = stamp_ms,
    };
    return table_apply(table, &event, stamp_ms, &applied);
}

static void fill(struct table *table, uint64_t from, uint64_t to)
{
    for (uint64_t user = from; user < to; user++) {
        (void)apply(table, TABLE_LOGIN, user, START_MS + user / 1000);
    }
}

#define N_LONGEST 10

/* Keeps the longest times, the longest first. */
static void note(uint64_t longest[static N_LONGEST], uint64_t ns)
{
    if (ns <= longest[N_LONGEST - 1]) {
        return;
    }
    size_t at = N_LONGEST - 1;
    for (; at > 0 && longest[at - 1] < ns; at--) {
        longest[at] = longest[at - 1];
    }
    longest[at] = ns;
}

/* The same; tells what single users took at the longest, in the thread's own time: what else runs on the
 * machine would count for more than the table. */
static void fill_measured(struct table *table, uint64_t from, uint64_t to, uint64_t longest[static N_LONGEST])
{
    uint64_t before = read_ns(CLOCK_THREAD_CPUTIME_ID);
    for (uint64_t user = from; user < to; user++) {
        (void)apply(table, TABLE_LOGIN, user, START_MS + user / 1000);
        uint64_t after = read_ns(CLOCK_THREAD_CPUTIME_ID);
        note(longest, after - before);
        before = after;
    }
}

static void disconnect_all(struct table *table, uint64_t n_users, uint64_t stamp_ms)
{
    for (uint64_t user = 0; user < n_users; user++) {
        (void)apply(table, TABLE_DISCONNECT, user, stamp_ms + user / 1000);
    }
}

struct worker {
    struct table *table;
    uint64_t n_users;
    uint64_t n_events;
    uint64_t random;
    uint64_t start_ms;
};

static void *work(void *cls)
{
    struct worker *worker = cls;
    for (uint64_t i = 0; i < worker->n_events; i++) {
        uint64_t user = next_random(&worker->random) % worker->n_users;
        (void)apply(worker->table, i % 2 == 0 ? TABLE_DISCONNECT : TABLE_LOGIN, user,
                    worker->start_ms + i / 1000);
    }
    return NULL;
}

static double events_per_second(struct table *table, uint64_t n_users, unsigned n_threads, uint64_t start_ms)
{
    struct worker workers[N_THREADS_MAX];
    pthread_t threads[N_THREADS_MAX];
    const uint64_t n_events = 2000000;
    uint64_t before = now_ns();
    for (unsigned i = 0; i < n_threads; i++) {
        workers[i] = (struct worker){table, n_users, n_events, 88172645463325252U + i, start_ms};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            abort();
        }
    }
    for (unsigned i = 0; i < n_threads; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return (double)(n_events * n_threads) * 1e9 / (double)(now_ns() - before);
}

static double lookups_per_second(struct table *table, uint64_t n_users)
{
    uint64_t random = 88172645463325252U;
    const unsigned n_lookups = 2000000;
    uint64_t before = now_ns();
    for (unsigned i = 0; i < n_lookups; i++) {
        char storage[13];
        struct user user;
        if (table_get(table, 0, make_id(next_random(&random) % n_users, storage), &user) != 0) {
            abort();
        }
    }
    return n_lookups * 1e9 / (double)(now_ns() - before);
}

static void count_visit(void *cls, const struct user *user)
{
    uint64_t *n_visited = cls;
    *n_visited += user->n_rows;
}

static void list_pages(struct table *table, int state)
{
    const struct table_filter filter = {.app = -1, .state = state, .platform = -1};
    struct table_cursor cursor = {0};
    uint64_t n_visited = 0;
    uint64_t n_pages = 1;
    uint64_t before = now_ns();
    while (table_list(table, &filter, 100, 10000, &cursor, count_visit, &n_visited)) {
        n_pages++;
    }
    struct str name = user_state_name((enum user_state)state);
    printf("list pages/s (%.*s): %.0f of 100, %" PRIu64 " users seen\n", STR_FMT(name),
           (double)n_pages * 1e9 / (double)(now_ns() - before), n_visited);
}

int main(int argc, char **argv)
{
    const struct table_config config = {.push_online_window_ms = 7 * UINT64_C(86400000)};
    uint64_t n_users = 1000000;
    struct table *table;
    uint16_t app;
    if (argc > 1 && !str_parse_u64(str_from(argv[1]), 100000000, &n_users)) {
        (void)fprintf(stderr, "usage: %s [N_USERS]\n", argv[0]);
        return 2;
    }
    uint64_t resident = resident_bytes();
    if (n_users < 10 || table_new(&config, &table) < 0 || table_add_app(table, 1400000000, &app) < 0) {
        return 1;
    }
    uint64_t before = now_ns();
    fill(table, 0, n_users / 10);
    uint64_t took = now_ns() - before;
    uint64_t longest[N_LONGEST] = {0};
    fill_measured(table, n_users / 10, n_users, longest);
    printf("users: %" PRIu64 "\n", n_users);
    printf("bytes a user, online: %.1f\n", (double)(resident_bytes() - resident) / (double)n_users);
    printf("new users/s: %.0f\n", (double)(n_users / 10) * 1e9 / (double)took);
    /* Every shard grows, so what the table itself takes comes a thousand times; what comes once is the
     * machine's: a virtual one counts what its host took from it. */
    printf("longest table_apply while growing tenfold: %.3f ms, second %.3f, tenth %.3f\n",
           (double)longest[0] / 1e6, (double)longest[1] / 1e6, (double)longest[N_LONGEST - 1] / 1e6);
    printf("events/s, one thread: %.0f\n", events_per_second(table, n_users, 1, START_MS + 1000000000));
    printf("events/s, two threads: %.0f\n", events_per_second(table, n_users, 2, START_MS + 2000000000));
    printf("lookups/s: %.0f\n", lookups_per_second(table, n_users));
    list_pages(table, USER_ONLINE);
    list_pages(table, USER_OFFLINE);
    disconnect_all(table, n_users, START_MS + 3000000000);
    printf("bytes a user, push_online: %.1f\n", (double)(resident_bytes() - resident) / (double)n_users);
    before = now_ns();
    struct table_counts counts;
    do {
        (void)table_tick(table, START_MS + 6000000000);
        table_counts(table, app, &counts);
    } while (counts.n_users[USER_PUSH_ONLINE] > 0);
    printf("all windows ended: %.2f s\n", (double)(now_ns() - before) / 1e9);
    printf("bytes a user, offline: %.1f\n", (double)(resident_bytes() - resident) / (double)n_users);
    table_free(table);
    return 0;
}
