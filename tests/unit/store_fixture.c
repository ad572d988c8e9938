/* SPDX-License-Identifier: MIT */
#include "store_fixture.h"

#include "presenced/clock.h"
#include "must.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define WAIT_S 60

struct store_fixture store_fixture = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .told = PTHREAD_COND_INITIALIZER,
};

static struct store_fixture *const f = &store_fixture;

void store_fixture_set_up(void)
{
    const char *parent = getenv("TMPDIR");
    (void)snprintf(f->root, sizeof(f->root), "%s/presenced-store-XXXXXX", parent == NULL ? "/tmp" : parent);
    ck_assert_ptr_nonnull(mkdtemp(f->root));
    (void)snprintf(f->path, sizeof(f->path), "%.100s/store", f->root);
    f->table_config = (struct table_config){.push_online_window_ms = UINT64_C(7) * 86400000};
    f->durability = STORE_COMMIT;
    f->table = NULL;
    f->store = NULL;
    f->cancels_at = 0;
    history_init();
}

void store_fixture_tear_down(void)
{
    close_both();
    remove_folder(f->root);
}

static void tell_durable(void *cls)
{
    (void)cls;
    (void)pthread_mutex_lock(&f->lock);
    f->n_held++;
    (void)pthread_cond_broadcast(&f->told);
    while (f->holds) {
        (void)pthread_cond_wait(&f->told, &f->lock);
    }
    f->n_held--;
    (void)pthread_mutex_unlock(&f->lock);
}

static bool is_cancelled(void *cls)
{
    (void)cls;
    return ++f->n_looks == f->cancels_at;
}

static void take_minute(void *cls, uint64_t unix_ms, uint64_t n_online)
{
    (void)cls;
    ck_assert_uint_lt(f->n_minutes, 16);
    f->minutes[f->n_minutes].unix_ms = unix_ms;
    f->minutes[f->n_minutes++].n_online = n_online;
}

void open_table(void)
{
    uint16_t app;
    ck_assert_int_eq(table_new(&f->table_config, &f->table), 0);
    for (unsigned i = 0; i < HISTORY_N_APPS_MAX; i++) {
        ck_assert_int_eq(table_add_app(f->table, HISTORY_FIRST_APP_ID + i, &app), 0);
    }
}

int open_store(void)
{
    f->n_minutes = 0;
    f->n_looks = 0;
    return store_open(
        &(struct store_config){
            .path = f->path,
            .durability = f->durability,
            .memory_bytes = STORE_MEMORY_MIN,
            .table = f->table,
            .on_durable = tell_durable,
            .is_cancelled = is_cancelled,
            .on_online = take_minute,
        },
        &f->store, f->problem);
}

void open_both(void)
{
    open_table();
    int r = open_store();
    ck_assert_msg(r == 0, "%d: %s", r, f->problem);
    /* Names are drawn after loading, as the daemon hears them. */
    pool_init(&f->pool, clock_monotonic_ms(), table_platform_names(f->table));
    f->pool.n_apps = HISTORY_N_APPS_MAX;
}

void close_both(void)
{
    store_close(take_pointer(f->store));
    table_free(take_pointer(f->table));
}

void expect_refused(int error, const char *words)
{
    open_table();
    int r = open_store();
    ck_assert_msg(r == error && strstr(f->problem, words) != NULL, "%d: %s", r, f->problem);
    ck_assert_ptr_null(f->store);
    close_both();
}

void apply_events(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint64_t now_ms = clock_unix_ms();
        struct table_applied applied;
        struct table_event event = draw_event(&f->pool, now_ms);
        if (one_in(&f->pool.rng, 2)) {
            event.user_id = history_crowd[rng_below(&f->pool.rng, HISTORY_N_CROWD)];
        }
        must(table_apply(f->table, &event, now_ms, &applied) >= 0);
    }
}

static bool is_durable(const void *unused)
{
    (void)unused;
    return store_durable_revision(f->store) == changes_last_revision(table_changes(f->table));
}

static bool is_stored(const void *unused)
{
    struct store_stats stats;
    (void)unused;
    store_stats(f->store, &stats);
    return stats.lag == 0;
}

static bool is_problem(const void *problem)
{
    const char *now = store_problem(f->store);
    return now == problem || (now != NULL && problem != NULL && strcmp(now, problem) == 0);
}

static void await(bool (*is_so)(const void *), const void *cls, const char *what)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    (void)pthread_mutex_lock(&f->lock);
    int r = 0;
    while (!is_so(cls) && r == 0) {
        r = pthread_cond_timedwait(&f->told, &f->lock, &until);
    }
    (void)pthread_mutex_unlock(&f->lock);
    ck_assert_msg(r == 0, "waited in vain for %s", what);
}

static bool is_held(const void *unused)
{
    (void)unused;
    return f->n_held > 0;
}

static void set_hold(bool holds)
{
    (void)pthread_mutex_lock(&f->lock);
    f->holds = holds;
    (void)pthread_cond_broadcast(&f->told);
    (void)pthread_mutex_unlock(&f->lock);
}

void hold_writer(void)
{
    struct store_stats stats;
    /* Or it might be the fsync thread that is held, when it tells that it keeps up. */
    while (changes_last_revision(table_changes(f->table)) == 0) {
        apply_events(1);
    }
    await_durable();
    set_hold(true);
    do {
        apply_events(1);
        store_stats(f->store, &stats);
    } while (stats.lag == 0);
    await(is_held, NULL, "the writer thread to be held");
}

void release_writer(void)
{
    set_hold(false);
}

void await_durable(void)
{
    await(is_durable, NULL, "durability");
}

void await_stored(void)
{
    await(is_stored, NULL, "the engine to have it");
}

/* The fsync thread tells nobody, so it is asked again and again. */
void await_sync(void)
{
    struct store_stats stats;
    unsigned n = 0;
    do {
        ck_assert_uint_lt(n++, WAIT_S * 200);
        (void)poll(NULL, 0, 5);
        store_stats(f->store, &stats);
    } while (stats.synced_revision < changes_last_revision(table_changes(f->table)));
}

void await_problem(const char *problem)
{
    await(is_problem, problem, problem == NULL ? "the problem to go" : problem);
}

struct table *keep_table(void)
{
    ck_assert_ptr_null(f->store);
    return take_pointer(f->table);
}

struct comparison {
    struct table *a;
    struct table *b;
    uint64_t n_users;
};

static void expect_same_row(const struct comparison *comparison, const struct row *row,
                            const struct user *other)
{
    struct str name = platform_name(table_platform_names(comparison->a), row->platform);
    int platform = platform_find(table_platform_names(comparison->b), name);
    must(platform == row->platform);
    const struct row *same = user_row(other, row->platform);
    must(same != NULL);
    must(row_compare(row, same) == 0);
    must(row->received_unix_ms == same->received_unix_ms);
}

static void expect_same_user(void *cls, const struct user *user)
{
    struct comparison *comparison = cls;
    struct user other;
    int app = table_find_app(comparison->b, table_app_id(comparison->a, user->app));
    must(app >= 0);
    if (table_get(comparison->b, (uint16_t)app, user_id(user), &other) != 0) {
        ck_abort_msg("%.*s is missing", STR_FMT(user_id(user)));
    }
    must(user->n_rows == other.n_rows);
    for (unsigned i = 0; i < user->n_rows; i++) {
        expect_same_row(comparison, &user->rows[i], &other);
    }
    must(user->has_custom_status == other.has_custom_status);
    must(user->custom_status_time_ms == other.custom_status_time_ms);
    must(str_equal(user_custom_status(user), user_custom_status(&other)));
    comparison->n_users++;
}

static void count_user(void *cls, const struct user *user)
{
    (void)user;
    ++*(uint64_t *)cls;
}

static void visit_all(struct table *table, void (*visit)(void *cls, const struct user *user), void *cls)
{
    const struct table_filter all = {.app = -1, .state = -1, .platform = -1};
    struct table_cursor cursor = {0};
    (void)table_list(table, &all, SIZE_MAX, SIZE_MAX, &cursor, visit, cls);
}

void expect_same_tables(struct table *a, struct table *b)
{
    struct comparison comparison = {a, b, 0};
    uint64_t n_others = 0;
    uint64_t now_ms = clock_unix_ms();
    (void)table_tick(a, now_ms);
    (void)table_tick(b, now_ms);
    visit_all(a, expect_same_user, &comparison);
    visit_all(b, count_user, &n_others);
    ck_assert_uint_eq(comparison.n_users, n_others);
    for (unsigned app = 0; app < table_n_apps(a); app++) {
        struct table_counts counts_a;
        struct table_counts counts_b;
        table_counts(a, (uint16_t)app, &counts_a);
        table_counts(b, (uint16_t)table_find_app(b, table_app_id(a, (uint16_t)app)), &counts_b);
        ck_assert_mem_eq(&counts_a, &counts_b, sizeof(counts_a));
    }
}

void expect_same_reopened(void)
{
    store_close(take_pointer(f->store));
    struct table *before = keep_table();
    open_both();
    expect_same_tables(before, f->table);
    table_free(before);
}

static void join(const char *folder, const char *name, char ret_path[static STORE_FIXTURE_PATH_SIZE * 2])
{
    (void)snprintf(ret_path, (size_t)STORE_FIXTURE_PATH_SIZE * 2, "%.120s/%.120s", folder, name);
}

/* Calls `visit` for each file. */
static void each_file(const char *folder, void (*visit)(void *cls, const char *name, const char *path),
                      void *cls)
{
    const struct dirent *entry;
    DIR *dir = opendir(folder);
    ck_assert_msg(dir != NULL, "%s: %s", folder, strerror(errno));
    while ((entry = readdir(dir)) != NULL) {
        char path[STORE_FIXTURE_PATH_SIZE * 2];
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            join(folder, entry->d_name, path);
            visit(cls, entry->d_name, path);
        }
    }
    (void)closedir(dir);
}

/* False where it is gone: the engine removes files while its folder is gone over. */
static bool read_file(const char *path, struct buf *ret_bytes)
{
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;
    if (fd < 0 && errno == ENOENT) {
        return false;
    }
    ck_assert_int_ge(fd, 0);
    buf_clear(ret_bytes);
    do {
        ck_assert_ptr_nonnull(buf_reserve(ret_bytes, 65536));
        n = read(fd, ret_bytes->ptr + ret_bytes->len, 65536);
        ck_assert_int_ge(n, 0);
        ret_bytes->len += (size_t)n;
    } while (n > 0);
    return true;
}

static bool copy_if_there(const char *from, const char *to)
{
    cleanup(buf_fini) struct buf bytes = {0};
    if (!read_file(from, &bytes)) {
        return false;
    }
    cleanup(cleanup_closep) int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes.ptr, bytes.len), (ssize_t)bytes.len);
    return true;
}

void copy_file(const char *from, const char *to)
{
    ck_assert_msg(copy_if_there(from, to), "%s is not there", from);
}

static void copy_into(void *cls, const char *name, const char *path)
{
    char to[STORE_FIXTURE_PATH_SIZE * 2];
    join(cls, name, to);
    (void)copy_if_there(path, to);
}

void copy_folder(const char *from, const char *to)
{
    ck_assert_int_eq(mkdir(to, 0700), 0);
    each_file(from, copy_into, (char *)to);
}

static void remove_file(void *cls, const char *name, const char *path)
{
    (void)cls;
    (void)name;
    if (unlink(path) != 0) {
        remove_folder(path);
    }
}

void remove_folder(const char *path)
{
    each_file(path, remove_file, NULL);
    (void)rmdir(path);
}

struct search {
    const char *part;
    size_t size;
    char path[STORE_FIXTURE_PATH_SIZE * 2];
};

/* Of several the largest. */
static void look_at_file(void *cls, const char *name, const char *path)
{
    struct search *search = cls;
    if (strstr(name, search->part) != NULL && file_size(path) >= search->size) {
        search->size = file_size(path);
        memcpy(search->path, path, sizeof(search->path));
    }
}

void find_file(const char *folder, const char *part, char ret_path[static STORE_FIXTURE_PATH_SIZE * 2])
{
    struct search search = {.part = part};
    each_file(folder, look_at_file, &search);
    ck_assert_msg(search.path[0] != '\0', "no %s in %s", part, folder);
    memcpy(ret_path, search.path, sizeof(search.path));
}

size_t file_size(const char *path)
{
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    return (size_t)status.st_size;
}

void flip_byte(const char *path, size_t at)
{
    cleanup(cleanup_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
    char byte;
    ck_assert_int_eq(pread(fd, &byte, 1, (off_t)at), 1);
    byte = (char)(byte ^ 0x40);
    ck_assert_int_eq(pwrite(fd, &byte, 1, (off_t)at), 1);
}

void cut_file(const char *path, size_t size)
{
    ck_assert_int_eq(truncate(path, (off_t)size), 0);
}

static uint64_t hash_bytes(uint64_t hash, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ (uint8_t)bytes.ptr[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* A sum, for folders have no order. */
static void add_hash(void *cls, const char *name, const char *path)
{
    uint64_t *sum = cls;
    cleanup(buf_fini) struct buf bytes = {0};
    if (strncmp(name, "LOG", 3) != 0 && read_file(path, &bytes)) {
        *sum += hash_bytes(hash_bytes(UINT64_C(0xcbf29ce484222325), str_from(name)), buf_str(&bytes));
    }
}

uint64_t hash_folder(const char *path)
{
    uint64_t sum = 0;
    each_file(path, add_hash, &sum);
    return sum;
}

void copy_still(const char *to)
{
    copy_folder(f->path, to);
    while (hash_folder(f->path) != hash_folder(to)) {
        remove_folder(to);
        copy_folder(f->path, to);
    }
}
