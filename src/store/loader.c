/* SPDX-License-Identifier: MIT */
/* There may be tens of millions of users, so several threads load them: each takes the next piece of the key
 * space and adds its users to the table. Everything else is small, and the caller loads it first. */
#include "loader.h"

#include "layout.h"
#include "presenced/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define N_THREADS_MAX 4
#define N_PIECES_MAX 1024
#define PROGRESS_INTERVAL_MS 1000
#define CHECK_INTERVAL_MS 20 /* interval at which cancellation is checked */

struct loading {
    const struct store_config *config;
    const struct loader_source *source;
    uint64_t now_ms;
    uint64_t next_progress_ms;
    unsigned n_platforms;
    size_t n_pieces;
    struct str bounds[N_PIECES_MAX + 1]; /* piece i is from bounds[i] up to but excluding bounds[i + 1] */
    _Atomic size_t next_piece;
    _Atomic uint64_t n_users;
    _Atomic int result; /* of the thread that failed first */
    pthread_mutex_t lock;
    struct engine_error error;
};

static struct str kind_key(const uint8_t *kind)
{
    return (struct str){(const char *)kind, 1};
}

/* Reports an invalid pair, which checksums do not detect. */
static int bad_pair(const char *what, struct engine_error *ret_error)
{
    (void)snprintf(ret_error->text, sizeof(ret_error->text), "a stored %s is not as it was written", what);
    return -EBADMSG;
}

/* Calls `load` for each pair of a kind. */
static int load_kind(const struct loader_source *source, enum layout_kind kind, void *cls,
                     int (*load)(void *cls, struct str key, struct str value, struct engine_error *ret_error),
                     struct engine_error *ret_error)
{
    const uint8_t from = (uint8_t)kind;
    const uint8_t to = (uint8_t)(kind + 1);
    cleanup(pending_cursor_freep) struct pending_cursor *cursor = pending_cursor_new(
        source->pending, source->engine, kind_key(&from), kind_key(&to));
    struct str key;
    struct str value;
    int r;
    if (cursor == NULL) {
        return -ENOMEM;
    }
    while ((r = pending_cursor_next(cursor, &key, &value, ret_error)) == 0) {
        r = load(cls, key, value, ret_error);
        if (r < 0) {
            return r;
        }
    }
    return r == ENGINE_END ? 0 : r;
}

static int load_meta(void *cls, struct str key, struct str value, struct engine_error *ret_error)
{
    uint32_t *version = cls;
    return layout_read_meta(key, value, version) < 0 ? bad_pair("version", ret_error) : 0;
}

static int check_version(const struct loader_source *source, struct engine_error *ret_error)
{
    uint32_t version = 0;
    int r = load_kind(source, LAYOUT_META, &version, load_meta, ret_error);
    if (r < 0) {
        return r;
    }
    if (version > LAYOUT_VERSION) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "layout %u", version);
        return -EPROTONOSUPPORT;
    }
    return version == 0 ? bad_pair("version", ret_error) : 0;
}

static int load_position(void *cls, struct str key, struct str value, struct engine_error *ret_error)
{
    struct layout_position *position = cls;
    return layout_read_position(key, value, position) < 0 ? bad_pair("position", ret_error) : 0;
}

/* A platform must get the same number as before, because records of users contain it. */
static int load_platform(void *cls, struct str key, struct str value, struct engine_error *ret_error)
{
    struct platform_names *names = cls;
    uint8_t platform;
    struct str name;
    int r = layout_read_platform(key, value, &platform, &name);
    if (r < 0 || platform_intern(names, name) != platform) {
        return bad_pair("platform name", ret_error);
    }
    return 0;
}

static int load_app(void *cls, struct str key, struct str value, struct engine_error *ret_error)
{
    struct table *table = cls;
    struct layout_app stored;
    if (layout_read_app(key, value, &stored) < 0) {
        return bad_pair("app", ret_error);
    }
    int found = table_find_app(table, stored.id);
    uint16_t app = (uint16_t)found;
    int r = found >= 0 ? 0 : table_add_app(table, stored.id, &app);
    if (r < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "more than %d apps", TABLE_N_APPS_MAX);
        return r;
    }
    table_restore_dropped(table, app, stored.forgotten_before_ms, stored.n_dropped_for_room,
                          stored.n_dropped_for_age);
    return 0;
}

static int load_minute(void *cls, struct str key, struct str value, struct engine_error *ret_error)
{
    const struct store_config *config = cls;
    struct layout_minute minute;
    if (layout_read_minute(key, value, &minute) < 0) {
        return bad_pair("count", ret_error);
    }
    if (config->on_online != NULL) {
        config->on_online(config->cls, minute.unix_ms, minute.n_online);
    }
    return 0;
}

/* The app that was looked up last, which is usually that of the next user, too. */
struct known_app {
    int index; /* -1: none yet */
    uint64_t id;
};

static int load_user(struct loading *loading, struct known_app *app, struct str key, struct str value,
                     struct engine_error *ret_error)
{
    struct table *table = loading->config->table;
    uint8_t record[RECORD_SIZE_MAX];
    uint64_t app_id;
    struct str id;
    if (layout_read_user_key(key, &app_id, &id) < 0) {
        return bad_pair("user", ret_error);
    }
    if (app->index < 0 || app->id != app_id) {
        *app = (struct known_app){table_find_app(table, app_id), app_id};
    }
    if (app->index < 0 ||
        layout_read_user(key, value, (uint16_t)app->index, loading->n_platforms, record) < 0) {
        return bad_pair("user", ret_error);
    }
    return table_restore_user(table, record, loading->now_ms);
}

static int load_piece(struct loading *loading, size_t piece, struct engine_error *ret_error)
{
    struct known_app app = {.index = -1};
    struct str key;
    struct str value;
    uint64_t n_users = 0;
    int r;
    cleanup(pending_cursor_freep) struct pending_cursor *cursor = pending_cursor_new(
        loading->source->pending, loading->source->engine, loading->bounds[piece],
        loading->bounds[piece + 1]);
    if (cursor == NULL) {
        return -ENOMEM;
    }
    while ((r = pending_cursor_next(cursor, &key, &value, ret_error)) == 0) {
        r = load_user(loading, &app, key, value, ret_error);
        if (r < 0) {
            return r;
        }
        if (++n_users % 1024 == 0) {
            atomic_fetch_add_explicit(&loading->n_users, 1024, memory_order_relaxed);
            if (atomic_load(&loading->result) < 0) {
                return 0;
            }
        }
    }
    atomic_fetch_add_explicit(&loading->n_users, n_users % 1024, memory_order_relaxed);
    return r == ENGINE_END ? 0 : r;
}

static void set_failure(struct loading *loading, int r, const struct engine_error *error)
{
    (void)pthread_mutex_lock(&loading->lock);
    if (atomic_load(&loading->result) == 0) {
        loading->error = *error;
        atomic_store(&loading->result, r);
    }
    (void)pthread_mutex_unlock(&loading->lock);
}

static void *load_pieces(void *cls)
{
    struct loading *loading = cls;
    size_t piece;
    while (atomic_load(&loading->result) == 0 &&
           (piece = atomic_fetch_add(&loading->next_piece, 1)) < loading->n_pieces) {
        struct engine_error error = {""};
        int r = load_piece(loading, piece, &error);
        if (r < 0) {
            set_failure(loading, r, &error);
        }
    }
    return NULL;
}

static void report_progress(struct loading *loading)
{
    const struct store_config *config = loading->config;
    uint64_t now_ms = clock_monotonic_ms();
    if (config->on_progress != NULL && now_ms >= loading->next_progress_ms) {
        config->on_progress(config->cls, atomic_load_explicit(&loading->n_users, memory_order_relaxed));
        loading->next_progress_ms = now_ms + PROGRESS_INTERVAL_MS;
    }
}

int loader_check_cancelled(const struct store_config *config)
{
    return config->is_cancelled != NULL && config->is_cancelled(config->cls) ? -ECANCELED : 0;
}

/* Waits for a thread, reporting the progress of all threads and checking for cancellation. */
static void await_thread(struct loading *loading, pthread_t thread)
{
    for (;;) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += CHECK_INTERVAL_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (pthread_timedjoin_np(thread, NULL, &until) != ETIMEDOUT) {
            return;
        }
        report_progress(loading);
        int r = loader_check_cancelled(loading->config);
        if (r < 0) {
            set_failure(loading, r, &(struct engine_error){""});
        }
    }
}

static void run_threads(struct loading *loading)
{
    pthread_t threads[N_THREADS_MAX];
    long n_cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n_wanted = n_cores < N_THREADS_MAX ? (unsigned)n_cores : N_THREADS_MAX;
    unsigned n = 0;
    while (n < n_wanted && n < loading->n_pieces &&
           pthread_create(&threads[n], NULL, load_pieces, loading) == 0) {
        n++;
    }
    if (n == 0) {
        (void)load_pieces(loading);
    }
    while (n-- > 0) {
        await_thread(loading, threads[n]);
    }
}

static int load_users(const struct store_config *config, const struct loader_source *source,
                      uint64_t *ret_n_users, struct engine_error *ret_error)
{
    static const uint8_t from = LAYOUT_USER;
    static const uint8_t to = LAYOUT_USER + 1;
    cleanup(buf_fini) struct buf cuts = {0};
    cleanup(cleanup_freep) struct loading *loading = calloc(1, sizeof(*loading));
    if (loading == NULL) {
        return -ENOMEM;
    }
    loading->config = config;
    loading->source = source;
    loading->now_ms = clock_unix_ms();
    loading->next_progress_ms = clock_monotonic_ms() + PROGRESS_INTERVAL_MS;
    loading->n_platforms = platform_count(table_platform_names(config->table));
    (void)pthread_mutex_init(&loading->lock, NULL);
    loading->n_pieces = 1 + engine_cuts(source->engine, kind_key(&from), kind_key(&to), &cuts,
                                        loading->bounds + 1, N_PIECES_MAX - 1);
    loading->bounds[0] = kind_key(&from);
    loading->bounds[loading->n_pieces] = kind_key(&to);
    run_threads(loading);
    (void)pthread_mutex_destroy(&loading->lock);
    int r = atomic_load(&loading->result);
    if (r < 0) {
        *ret_error = loading->error;
        return r;
    }
    *ret_n_users = atomic_load(&loading->n_users);
    return 0;
}

int loader_read_position(struct engine *engine, struct layout_position *ret_position,
                         struct engine_error *ret_error)
{
    static const struct pending nothing;
    const struct loader_source source = {engine, &nothing};
    struct layout_position position = {.run = 0};
    int r = check_version(&source, ret_error);
    if (r < 0) {
        return r;
    }
    r = load_kind(&source, LAYOUT_POSITION, &position, load_position, ret_error);
    if (r < 0) {
        return r;
    }
    *ret_position = position;
    return 0;
}

int loader_read_names(const struct loader_source *source, struct platform_names *names,
                      struct engine_error *ret_error)
{
    return load_kind(source, LAYOUT_PLATFORM, names, load_platform, ret_error);
}

int loader_run(const struct store_config *config, const struct loader_source *source, uint64_t *ret_n_users,
               struct engine_error *ret_error)
{
    int r = loader_read_names(source, table_platform_names(config->table), ret_error);
    if (r < 0) {
        return r;
    }
    r = load_kind(source, LAYOUT_APP, config->table, load_app, ret_error);
    if (r < 0) {
        return r;
    }
    r = load_kind(source, LAYOUT_MINUTE, (void *)config, load_minute, ret_error);
    if (r < 0) {
        return r;
    }
    r = loader_check_cancelled(config);
    if (r < 0) {
        return r;
    }
    return load_users(config, source, ret_n_users, ret_error);
}
