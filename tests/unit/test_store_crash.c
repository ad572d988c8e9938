/* SPDX-License-Identifier: MIT */
/* A process that writes is killed at a random moment, again and again on one store, or before one of its
 * calls that change the folder: what it had been told is durable is there, and no event is torn. Event e is a
 * login of user e modulo N_USERS that kicks the platform of the user's last; its stamp says which event it
 * was.
 *
 * The process is this program, told by its environment to be the writer: one that had only forked would have
 * an engine without threads. */
#include "store_fixture.h"

#include "presenced/clock.h"
#include "must.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CHILD_VARIABLE "PRESENCED_TEST_STORE_WRITER"
#define N_USERS 1000
#define N_ROUNDS 6
#define N_AHEAD_MAX 5000
#define FIRST_STAMP_MS UINT64_C(1700000000000)
#define N_EVENTS_STEPPED 600 /* so that a user has several, and some have none */

/* Seen by both processes. */
struct shared {
    _Atomic uint64_t first_event; /* of this round, from 1 on */
    _Atomic uint64_t n_applied;   /* the last event that was begun */
    _Atomic uint64_t n_durable;   /* the last event known to be durable */
    _Atomic uint64_t n_calls;     /* that change the folder, of this round */
    uint64_t dies_at;             /* before that call; 0: never */
    uint64_t n_events;            /* after which it closes the store and ends; 0: it goes on for ever */
    int durability;
    char path[STORE_FIXTURE_PATH_SIZE];
};

static struct shared *shared;
static bool is_writer;

/* ---- calls that change the folder, in the place of the C library's ---- */

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): its own names are reserved */

static void note_call(void)
{
    if (is_writer && atomic_fetch_add(&shared->n_calls, 1) + 1 == shared->dies_at) {
        (void)raise(SIGKILL);
    }
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    note_call();
    return syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at)
{
    note_call();
    return syscall(SYS_pwrite64, fd, bytes, size, at);
}

int fsync(int fd)
{
    note_call();
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    note_call();
    return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    note_call();
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
    note_call();
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int unlinkat(int fd, const char *path, int flags)
{
    note_call();
    return (int)syscall(SYS_unlinkat, fd, path, flags);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* ---- the writer ---- */

static struct shared *map_shared(int fd)
{
    void *memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        abort();
    }
    return memory;
}

struct writer {
    struct table *table;
    struct store *_Atomic store;
};

/* As whoever answers events asks: after each change, and when told. What was durable once stays so. */
static void publish_durable(void *cls)
{
    const struct writer *writer = cls;
    const struct store *store = atomic_load(&writer->store);
    if (store == NULL) {
        return;
    }
    struct store_stats stats;
    store_stats(store, &stats);
    bool may_lose = shared->durability == STORE_RELAXED;
    uint64_t n = atomic_load(&shared->first_event) - 1 +
                 (may_lose ? stats.stored_revision : store_durable_revision(store));
    uint64_t n_before = atomic_load(&shared->n_durable);
    while (n > n_before && !atomic_compare_exchange_weak(&shared->n_durable, &n_before, n)) {}
}

static uint8_t platform_of(uint64_t event)
{
    return event / N_USERS % 2 == 0 ? PLATFORM_IOS : PLATFORM_WEB;
}

static void apply_event(struct writer *writer, uint64_t number)
{
    char id[24];
    struct table_applied applied;
    struct table_event event = {
        .kind = TABLE_LOGIN,
        .platform = platform_of(number),
        .has_event_time = true,
        .event_time_ms = FIRST_STAMP_MS + number,
        .user_id = {id, (size_t)snprintf(id, sizeof(id), "user%u", (unsigned)(number % N_USERS))},
    };
    platform_set_add(&event.kicked, platform_of(number + N_USERS));
    atomic_store(&shared->n_applied, number);
    if (table_apply(writer->table, &event, clock_unix_ms(), &applied) != TABLE_CHANGED) {
        abort();
    }
}

static void hold_back(uint64_t number)
{
    while (number > atomic_load(&shared->n_durable) + N_AHEAD_MAX) {
        (void)poll(NULL, 0, 1);
    }
}

static bool goes_on(uint64_t number)
{
    return shared->n_events == 0 || number < atomic_load(&shared->first_event) + shared->n_events;
}

static void write_events(void)
{
    struct writer writer = {.table = NULL};
    struct store *store;
    char problem[STORE_PROBLEM_SIZE];
    uint16_t app;
    if (table_new(&(struct table_config){0}, &writer.table) < 0 ||
        table_add_app(writer.table, HISTORY_FIRST_APP_ID, &app) < 0 ||
        store_open(
            &(struct store_config){
                .path = shared->path,
                .durability = (enum store_durability)shared->durability,
                .memory_bytes = STORE_MEMORY_MIN,
                .table = writer.table,
                .on_durable = publish_durable,
                .cls = &writer,
            },
            &store, problem) < 0) {
        abort();
    }
    atomic_store(&writer.store, store);
    for (uint64_t number = atomic_load(&shared->first_event); goes_on(number); number++) {
        apply_event(&writer, number);
        publish_durable(&writer);
        hold_back(number);
    }
    store_close(store);
    table_free(writer.table);
    _exit(0);
}

__attribute__((constructor)) static void be_the_writer(void)
{
    const char *fd = getenv(CHILD_VARIABLE);
    if (fd != NULL) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        shared = map_shared(atoi(fd)); /* NOLINT(cert-err34-c): ours */
        is_writer = true;
        write_events();
    }
}

/* ---- the test ---- */

static struct store_fixture *const f = &store_fixture;
static int shared_fd = -1;
static uint64_t
    kept[N_USERS]; /* the last event of each user that was found, or was durable, in earlier rounds */
static uint64_t rng;

static void set_up(void)
{
    store_fixture_set_up();
    shared_fd = memfd_create("shared", 0);
    ck_assert_int_ge(shared_fd, 0);
    ck_assert_int_eq(ftruncate(shared_fd, sizeof(*shared)), 0);
    shared = map_shared(shared_fd);
    memcpy(shared->path, f->path, sizeof(shared->path));
    atomic_store(&shared->first_event, 1);
    memset(kept, 0, sizeof(kept));
    rng = clock_monotonic_ms();
    (void)printf("seed %u\n", (unsigned)rng);
}

static void tear_down(void)
{
    (void)munmap(shared, sizeof(*shared));
    (void)close(shared_fd);
    store_fixture_tear_down();
}

static pid_t start_writer(void)
{
    pid_t child = fork();
    if (child == 0) {
        char variable[64];
        (void)snprintf(variable, sizeof(variable), CHILD_VARIABLE "=%d", shared_fd);
        (void)execve("/proc/self/exe", (char *[]){"writer", NULL}, (char *[]){variable, NULL});
        _exit(1);
    }
    return child;
}

/* Kills it some time after it has made something durable. */
static void kill_writer(pid_t child, uint64_t n_more)
{
    int status;
    uint64_t enough = atomic_load(&shared->first_event) + n_more;
    while (atomic_load(&shared->n_durable) < enough) {
        (void)poll(NULL, 0, 1);
        ck_assert_msg(waitpid(child, &status, WNOHANG) == 0, "the writer ended by itself");
    }
    (void)kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}

/* The last event of a user that must be there: of this round, or what was found before. Between the rounds
 * events were applied that never became durable. */
static uint64_t last_durable(uint64_t user)
{
    uint64_t n_durable = atomic_load(&shared->n_durable);
    uint64_t back = (n_durable + N_USERS - user) % N_USERS;
    bool is_of_round = n_durable >= atomic_load(&shared->first_event) + back;
    return is_of_round ? n_durable - back : kept[user];
}

static void expect_user(uint64_t number)
{
    char id[24];
    struct user user;
    uint64_t durable = last_durable(number);
    struct str name = {id, (size_t)snprintf(id, sizeof(id), "user%u", (unsigned)number)};
    if (table_get(f->table, 0, name, &user) != 0) {
        ck_assert_uint_eq(durable, 0);
        return;
    }
    const struct row *ios = user_row(&user, PLATFORM_IOS);
    const struct row *web = user_row(&user, PLATFORM_WEB);
    must(ios != NULL && web != NULL);
    uint64_t event = ios->event_time_ms - FIRST_STAMP_MS;
    if (event < durable || event > atomic_load(&shared->n_applied)) {
        ck_abort_msg("user %u: event %u is there, %u was durable, %u applied", (unsigned)number,
                     (unsigned)event, (unsigned)durable, (unsigned)atomic_load(&shared->n_applied));
    }
    must(event % N_USERS == number);
    must(web->event_time_ms == ios->event_time_ms);
    must(ios->action == (platform_of(event) == PLATFORM_IOS ? ROW_LOGIN : ROW_KICKED));
    must(web->action == (platform_of(event) == PLATFORM_WEB ? ROW_LOGIN : ROW_KICKED));
    kept[number] = event;
}

static void begin_round(void)
{
    for (uint64_t user = 0; user < N_USERS; user++) {
        kept[user] = last_durable(user);
    }
    atomic_store(&shared->first_event, atomic_load(&shared->n_applied) + 1);
    atomic_store(&shared->n_calls, 0);
}

static void expect_users(void)
{
    open_both();
    for (uint64_t user = 0; user < N_USERS; user++) {
        expect_user(user);
    }
    close_both();
}

START_TEST(a_kill_loses_nothing_durable)
{
    shared->durability = _i;
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        kill_writer(start_writer(), rng_below(&rng, 20000));
        expect_users();
        begin_round();
    }
}
END_TEST

/* Runs the writer until it has made that many calls, 0: to its end. Returns how many it made. */
static unsigned run_stepped(unsigned dies_at)
{
    int status;
    begin_round();
    shared->dies_at = dies_at;
    pid_t child = start_writer();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    ck_assert_msg(was_killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0), "status %d", status);
    return (unsigned)atomic_load(&shared->n_calls);
}

/* Before each call of a start after a kill and what follows it, then before some call of the next, the
 * durability being another each time. */
START_TEST(killed_at_each_step)
{
    shared->n_events = N_EVENTS_STEPPED;
    shared->durability = STORE_COMMIT;
    unsigned n_steps = run_stepped(0);
    for (unsigned step = 1; step <= n_steps; step++) {
        shared->durability = STORE_COMMIT;
        (void)run_stepped(n_steps / 2); /* so that there is a journal */
        shared->durability = (int)rng_below(&rng, STORE_SYNC + 1);
        (void)run_stepped(step);
        shared->durability = (int)rng_below(&rng, STORE_SYNC + 1);
        (void)run_stepped(1 + rng_below(&rng, n_steps));
        expect_users();
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store_crash");
    TCase *tcase = tcase_create("store_crash");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, a_kill_loses_nothing_durable, STORE_RELAXED, STORE_SYNC + 1);
    tcase_add_test(tcase, killed_at_each_step);
    suite_add_tcase(suite, tcase);
    return suite;
}
