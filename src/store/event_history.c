/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* An event's way, and a reader's:
 *
 *   event_history_add() ─→ queue ─┐ swapped for an empty one       ┌─→ newest slice's engine
 *                                 ├─────────── thread ─────────────┤
 *   event_history_read() ─→ asked ┘ ←── found, or two seconds over └── slices from the newest to the oldest
 *
 * The thread alone touches the disk. A slice is for a 24th of what is kept, an hour at least, or for an eighth
 * of max_bytes; then it is flushed and closed, and opened again only to read from it. The oldest slice is
 * deleted whole, when all of it is too old or too much is there. */
/* clang-format on */
#include "presenced/event_history.h"

#include "engine.h"
#include "history_folder.h"
#include "history_record.h"
#include "presenced/clock.h"
#include "presenced/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

#define QUEUE_BYTES ((size_t)4 << 20) /* half a second of more than a core can answer */
#define GATHER_MS 200                 /* from the first event of a batch to its writing */
#define TICK_MS 1000                  /* between looks at the age of slices */
#define READ_TIMEOUT_MS 2000
#define N_READS_MAX 16
#define MEMORY_BYTES ((uint64_t)32 << 20)
#define SLICE_MS_MIN UINT64_C(3600000)
#define N_SLICES_A_KEEP 24
#define N_SLICES_A_SIZE 8
#define SLICE_BYTES_MAX (UINT64_C(512) << 20) /* some thirty files of the engine's */
/* Of time and of size; and where the clock was set back. */
#define N_SLICES_MAX 64
#define MEASURE_EVERY_BYTES ((uint64_t)1 << 20)

/* Items one after another: two lengths, key, value. */
struct item {
    uint16_t key_len;
    uint16_t value_len;
};

#define ITEM_SIZE_MAX (sizeof(struct item) + HISTORY_KEY_MAX + HISTORY_VALUE_MAX)

struct queue {
    char *bytes; /* QUEUE_BYTES */
    size_t n_bytes;
};

/* One call of event_history_read(). */
struct reading {
    struct reading *next;
    uint64_t app_id;
    char user_id[USER_ID_MAX];
    size_t user_id_len;
    uint64_t since_ms;
    size_t limit;
    size_t n_found;
    bool is_complete;
    bool is_done;
    bool is_abandoned; /* nobody waits any more: the thread frees it */
    struct buf found;  /* lengths of two bytes, and values */
};

struct event_history {
    char *folder;
    uint64_t keep_ms;
    uint64_t slice_ms;
    uint64_t max_bytes;
    uint64_t slice_max_bytes;
    uint64_t (*unix_ms)(void);
    pthread_t thread;
    bool is_started;

    pthread_mutex_t lock; /* of what follows, up to the counters */
    pthread_cond_t work;  /* for the thread: something to do */
    pthread_cond_t done;  /* for readers */
    struct queue queue;
    uint64_t dropped_ms; /* when the last event was dropped since the thread looked; 0: none */
    struct reading *asked;
    size_t n_asked;
    bool stopping;

    _Atomic uint64_t n_written;
    _Atomic uint64_t n_dropped;
    _Atomic uint64_t n_failures;
    _Atomic uint64_t n_bytes;

    /* The thread's. */
    struct queue taken;
    struct history_slice slices[N_SLICES_MAX]; /* by number */
    size_t n_slices;
    struct engine *engine; /* of the newest slice; NULL: none is open to write */
    uint64_t n_unmeasured; /* bytes written since it was measured */
    uint64_t next_event_number;
    struct history_state state;
    struct history_state written_state;
};

static struct history_slice *newest(struct event_history *history)
{
    return &history->slices[history->n_slices - 1];
}

/* When all that came in a slice is older. A slice that began when the clock was ahead ends, by the clock that
 * was set right, when the next one began. */
static uint64_t slice_end_ms(const struct event_history *history, size_t at)
{
    const struct history_slice *slice = &history->slices[at];
    uint64_t end_ms = slice->begin_ms + history->slice_ms;
    if (at + 1 < history->n_slices) {
        uint64_t next_ms = history->slices[at + 1].begin_ms;
        end_ms = next_ms < end_ms ? next_ms : end_ms;
    }
    return end_ms;
}

/* Of what was before, events may be missing. */
static void note_missing(struct event_history *history, uint64_t until_ms)
{
    if (until_ms > history->state.missing_until_ms) {
        history->state.missing_until_ms = until_ms;
    }
}

static void log_failure(struct event_history *history, const char *what, const char *words)
{
    static struct log_limit limit = {.per_second = 1, .burst = 3};
    uint64_t n_suppressed;
    (void)atomic_fetch_add_explicit(&history->n_failures, 1, memory_order_relaxed);
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning(what, log_text("folder", history->folder), log_text("problem", words),
                    log_u64("suppressed", n_suppressed));
    }
}

static void write_state(struct event_history *history)
{
    if (history->state.missing_until_ms == history->written_state.missing_until_ms &&
        history->state.is_closed == history->written_state.is_closed) {
        return;
    }
    int r = history_state_write(history->folder, &history->state);
    if (r < 0) {
        log_failure(history, "the history's state cannot be written", strerror(-r));
        return;
    }
    history->written_state = history->state;
}

static void count_bytes(struct event_history *history)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < history->n_slices; i++) {
        n_bytes += history->slices[i].n_bytes;
    }
    atomic_store_explicit(&history->n_bytes, n_bytes, memory_order_relaxed);
}

static void measure_newest(struct event_history *history)
{
    newest(history)->n_bytes = history_slice_measure(history->folder, newest(history));
    history->n_unmeasured = 0;
    count_bytes(history);
}

/* Leaves the newest slice as it is to stay. */
static void close_newest(struct event_history *history)
{
    struct engine_error error;
    if (history->engine == NULL) {
        return;
    }
    if (engine_flush(history->engine, &error) < 0) {
        log_failure(history, "the history cannot be flushed",
                    error.text); /* the log of writes has it still */
    }
    engine_close(take_pointer(history->engine));
    measure_newest(history);
}

/* What is left of it where that fails is tried again when the list is read next. */
static void drop_oldest(struct event_history *history)
{
    if (history->n_slices == 1) {
        engine_close(take_pointer(history->engine));
    }
    int r = history_slice_remove(history->folder, &history->slices[0]);
    if (r < 0) {
        log_failure(history, "a slice of the history cannot be deleted", strerror(-r));
    }
    memmove(&history->slices[0], &history->slices[1], --history->n_slices * sizeof(history->slices[0]));
    count_bytes(history);
}

/* What it has is not too old: it is missing from now on, also what came in the very millisecond of its end.
 */
static void drop_oldest_early(struct event_history *history)
{
    note_missing(history, slice_end_ms(history, 0) + 1);
    drop_oldest(history);
}

static void drop_old(struct event_history *history, uint64_t now_ms)
{
    while (history->n_slices > 0 && slice_end_ms(history, 0) + history->keep_ms <= now_ms) {
        drop_oldest(history);
    }
    /* The newest stays, whatever its size: it is an eighth at most. */
    while (history->n_slices > 1 &&
           atomic_load_explicit(&history->n_bytes, memory_order_relaxed) > history->max_bytes) {
        drop_oldest_early(history);
    }
}

static bool is_over(const struct event_history *history, const struct history_slice *slice, uint64_t now_ms)
{
    return now_ms >= slice->begin_ms + history->slice_ms || now_ms + history->slice_ms < slice->begin_ms ||
           slice->n_bytes >= history->slice_max_bytes;
}

static int begin_slice(struct event_history *history, uint64_t now_ms, struct engine_error *ret_error)
{
    char path[PATH_MAX];
    struct history_slice slice = {.begin_ms = now_ms};
    if (history->n_slices == N_SLICES_MAX) {
        drop_oldest_early(history);
    }
    slice.number = history->n_slices == 0 ? 1 : newest(history)->number + 1;
    history_slice_path(history->folder, &slice, path);
    int r = engine_create(path, MEMORY_BYTES, &history->engine, ret_error);
    if (r < 0) {
        (void)history_slice_remove(history->folder, &slice);
        return r;
    }
    history->slices[history->n_slices++] = slice;
    return 0;
}

/* The slice that is to take what comes now. 0 or below. */
static int open_newest(struct event_history *history, uint64_t now_ms, struct engine_error *ret_error)
{
    char path[PATH_MAX];
    if (history->n_slices > 0 && is_over(history, newest(history), now_ms)) {
        close_newest(history);
        return begin_slice(history, now_ms, ret_error);
    }
    if (history->engine != NULL) {
        return 0;
    }
    if (history->n_slices == 0) {
        return begin_slice(history, now_ms, ret_error);
    }
    history_slice_path(history->folder, newest(history), path);
    int r = engine_open(path, MEMORY_BYTES, &history->engine, ret_error);
    if (r < 0) {
        note_missing(history, now_ms); /* damaged, perhaps */
        return begin_slice(history, now_ms, ret_error);
    }
    return 0;
}

/* Puts what was taken into a batch. Returns how many events that is. */
static uint64_t fill_batch(struct event_history *history, struct engine_batch *batch)
{
    uint64_t n = 0;
    size_t at = 0;
    while (at < history->taken.n_bytes) {
        struct item item;
        char *key = history->taken.bytes + at + sizeof(item);
        memcpy(&item, history->taken.bytes + at, sizeof(item));
        history_key_set_number(key, item.key_len, history->next_event_number++);
        engine_batch_put(batch, (struct str){key, item.key_len},
                         (struct str){key + item.key_len, item.value_len});
        at += sizeof(item) + item.key_len + item.value_len;
        n++;
    }
    return n;
}

static int write_batch(struct event_history *history, struct engine_batch *batch, uint64_t now_ms,
                       struct engine_error *ret_error)
{
    int r = open_newest(history, now_ms, ret_error);
    if (r < 0) {
        return r;
    }
    r = engine_write(history->engine, batch, false, ret_error);
    if (r < 0) {
        engine_close(take_pointer(history->engine)); /* after an error it takes nothing more */
    }
    return r;
}

static void write_taken(struct event_history *history, uint64_t now_ms)
{
    struct engine_error error = {"out of memory"};
    if (history->taken.n_bytes == 0) {
        return;
    }
    cleanup(engine_batch_freep) struct engine_batch *batch = engine_batch_new();
    uint64_t n = batch == NULL ? 0 : fill_batch(history, batch);
    int r = batch == NULL ? -ENOMEM : write_batch(history, batch, now_ms, &error);
    if (r < 0) {
        log_failure(history, "events are missing in the history: it cannot be written", error.text);
        (void)atomic_fetch_add_explicit(&history->n_dropped, n, memory_order_relaxed);
        note_missing(history, now_ms + 1);
    } else {
        (void)atomic_fetch_add_explicit(&history->n_written, n, memory_order_relaxed);
        history->n_unmeasured += history->taken.n_bytes;
        if (history->n_unmeasured >= MEASURE_EVERY_BYTES) {
            measure_newest(history);
        }
    }
    history->taken.n_bytes = 0;
}

static void append_found(struct reading *reading, struct str value)
{
    uint16_t len = (uint16_t)value.len;
    buf_append(&reading->found, (struct str){(const char *)&len, sizeof(len)});
    buf_append(&reading->found, value);
    reading->n_found++;
}

/* Reads the user's events of an engine; false where that fails. */
static bool read_engine(struct event_history *history, struct engine *engine, struct reading *reading)
{
    char from[HISTORY_KEY_MAX];
    char to[HISTORY_KEY_MAX];
    struct engine_error error = {"out of memory"};
    struct str key;
    struct str value;
    struct str user_id = {reading->user_id, reading->user_id_len};
    size_t from_len = history_key_encode(reading->app_id, user_id, UINT64_MAX, UINT64_MAX, from);
    size_t to_len = history_key_encode(reading->app_id, user_id, reading->since_ms - 1, UINT64_MAX, to);
    cleanup(engine_cursor_freep) struct engine_cursor *cursor = engine_cursor_new(
        engine, (struct str){from, from_len}, (struct str){to, to_len});
    if (cursor == NULL) {
        return false;
    }
    int r;
    while ((r = engine_cursor_next(cursor, &key, &value, &error)) == 0) {
        if (reading->n_found == reading->limit) {
            reading->is_complete = false;
            return true;
        }
        append_found(reading, value);
    }
    if (r < 0) {
        log_failure(history, "the history cannot be read", error.text);
    }
    return r == ENGINE_END;
}

static bool read_slice(struct event_history *history, size_t at, struct reading *reading)
{
    char path[PATH_MAX];
    struct engine_error error = {"out of memory"};
    cleanup(engine_closep) struct engine *engine = NULL;
    if (at + 1 == history->n_slices && history->engine != NULL) {
        return read_engine(history, history->engine, reading);
    }
    history_slice_path(history->folder, &history->slices[at], path);
    if (engine_open_read_only(path, MEMORY_BYTES, &engine, &error) < 0) {
        log_failure(history, "a slice of the history cannot be read", error.text);
        return false;
    }
    return read_engine(history, engine, reading);
}

static void serve(struct event_history *history, struct reading *reading, uint64_t now_ms)
{
    uint64_t first_ms = now_ms > history->keep_ms ? now_ms - history->keep_ms : 1;
    if (reading->since_ms < first_ms) {
        reading->since_ms = first_ms;
    }
    reading->is_complete = history->state.missing_until_ms <= reading->since_ms;
    for (size_t i = history->n_slices;
         i-- > 0 && (reading->is_complete || reading->n_found < reading->limit);) {
        if (slice_end_ms(history, i) > reading->since_ms) {
            reading->is_complete = read_slice(history, i, reading) && reading->is_complete;
        }
    }
}

static void reading_free(struct reading *reading)
{
    if (reading != NULL) {
        buf_fini(&reading->found);
        free(reading);
    }
}

static void serve_all(struct event_history *history, struct reading *asked, uint64_t now_ms)
{
    while (asked != NULL) {
        struct reading *reading = asked;
        asked = asked->next;
        serve(history, reading, now_ms);
        (void)pthread_mutex_lock(&history->lock);
        bool is_abandoned = reading->is_abandoned;
        reading->is_done = true;
        history->n_asked--;
        (void)pthread_cond_broadcast(&history->done);
        (void)pthread_mutex_unlock(&history->lock);
        if (is_abandoned) {
            reading_free(reading);
        }
    }
}

/* False when the time is up. */
static bool wait_until(struct event_history *history, pthread_cond_t *condition, uint64_t until_ms)
{
    struct timespec until = {.tv_sec = (time_t)(until_ms / 1000),
                             .tv_nsec = (long)(until_ms % 1000) * 1000000};
    return pthread_cond_timedwait(condition, &history->lock, &until) != ETIMEDOUT;
}

/* Takes what there is to do, or what has gathered since the first event. Returns whether this is the last
 * time. */
static bool await_work(struct event_history *history, struct reading **ret_asked)
{
    (void)pthread_mutex_lock(&history->lock);
    uint64_t until_ms = clock_monotonic_ms() + TICK_MS;
    while (!history->stopping && history->asked == NULL && history->queue.n_bytes == 0 &&
           wait_until(history, &history->work, until_ms)) {}
    until_ms = clock_monotonic_ms() + GATHER_MS;
    while (!history->stopping && history->asked == NULL && history->queue.n_bytes > 0 &&
           history->queue.n_bytes < QUEUE_BYTES / 2 && wait_until(history, &history->work, until_ms)) {}
    struct queue emptied = history->taken;
    history->taken = history->queue;
    history->queue = emptied;
    *ret_asked = take_pointer(history->asked);
    note_missing(history, history->dropped_ms);
    history->dropped_ms = 0;
    bool is_last = history->stopping;
    (void)pthread_mutex_unlock(&history->lock);
    return is_last;
}

static void *run(void *cls)
{
    struct event_history *history = cls;
    bool is_last;
    do {
        struct reading *asked;
        is_last = await_work(history, &asked);
        uint64_t now_ms = history->unix_ms();
        write_taken(history, now_ms);
        serve_all(history, asked, now_ms);
        drop_old(history, now_ms);
        write_state(history);
    } while (!is_last);
    close_newest(history);
    history->state.is_closed = true;
    write_state(history);
    return NULL;
}

void event_history_add(struct event_history *history, uint64_t app_id, struct str user_id,
                       const struct user_event *event)
{
    char bytes[ITEM_SIZE_MAX];
    char *key = bytes + sizeof(struct item);
    struct item item;
    item.key_len = (uint16_t)history_key_encode(app_id, user_id, event->received_unix_ms, 0, key);
    item.value_len = (uint16_t)history_value_encode(event, key + item.key_len);
    memcpy(bytes, &item, sizeof(item));
    size_t size = sizeof(item) + item.key_len + item.value_len;
    (void)pthread_mutex_lock(&history->lock);
    struct queue *queue = &history->queue;
    size_t before = queue->n_bytes;
    bool has_room = size <= QUEUE_BYTES - before;
    if (has_room) {
        memcpy(queue->bytes + before, bytes, size);
        queue->n_bytes += size;
    } else {
        history->dropped_ms = event->received_unix_ms + 1;
    }
    bool wakes = before == 0 || (before < QUEUE_BYTES / 2 && queue->n_bytes >= QUEUE_BYTES / 2);
    (void)pthread_mutex_unlock(&history->lock);
    if (wakes) {
        (void)pthread_cond_signal(&history->work);
    }
    if (!has_room) {
        (void)atomic_fetch_add_explicit(&history->n_dropped, 1, memory_order_relaxed);
    }
}

static void visit_found(const struct reading *reading,
                        void (*visit)(void *cls, const struct user_event *event), void *cls)
{
    struct str left = buf_str(&reading->found);
    while (left.len > 0) {
        struct user_event event;
        uint16_t len;
        memcpy(&len, left.ptr, sizeof(len));
        if (history_value_decode((struct str){left.ptr + sizeof(len), len}, &event)) {
            visit(cls, &event);
        }
        left.ptr += sizeof(len) + len;
        left.len -= sizeof(len) + len;
    }
}

/* Whether the thread has done it; else it is the thread's. */
static bool ask(struct event_history *history, struct reading *reading)
{
    uint64_t until_ms = clock_monotonic_ms() + READ_TIMEOUT_MS;
    (void)pthread_mutex_lock(&history->lock);
    struct reading **link = &history->asked;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = reading;
    (void)pthread_cond_signal(&history->work);
    while (!reading->is_done && wait_until(history, &history->done, until_ms)) {}
    bool is_done = reading->is_done;
    reading->is_abandoned = !is_done;
    (void)pthread_mutex_unlock(&history->lock);
    return is_done;
}

/* One of the places that there are for those who ask. */
static bool take_place(struct event_history *history)
{
    (void)pthread_mutex_lock(&history->lock);
    bool is_free = history->n_asked < N_READS_MAX;
    history->n_asked += is_free;
    (void)pthread_mutex_unlock(&history->lock);
    return is_free;
}

int event_history_read(struct event_history *history, const struct event_history_query *query,
                       void (*visit)(void *cls, const struct user_event *event), void *cls,
                       bool *ret_complete)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL) {
        return -ENOMEM;
    }
    reading->app_id = query->app_id;
    reading->user_id_len = query->user_id.len;
    memcpy(reading->user_id, query->user_id.ptr, query->user_id.len);
    reading->since_ms = query->since_unix_ms;
    reading->limit = query->limit;
    if (!take_place(history)) {
        reading_free(reading);
        return EVENT_HISTORY_BUSY;
    }
    if (!ask(history, reading)) {
        return EVENT_HISTORY_BUSY;
    }
    int r = reading->found.failed ? -ENOMEM : 0;
    if (r == 0) {
        visit_found(reading, visit, cls);
        *ret_complete = reading->is_complete;
    }
    reading_free(reading);
    return r;
}

void event_history_stats(const struct event_history *history, struct event_history_stats *ret_stats)
{
    ret_stats->n_written = atomic_load_explicit(&history->n_written, memory_order_relaxed);
    ret_stats->n_dropped = atomic_load_explicit(&history->n_dropped, memory_order_relaxed);
    ret_stats->n_failures = atomic_load_explicit(&history->n_failures, memory_order_relaxed);
    ret_stats->n_bytes = atomic_load_explicit(&history->n_bytes, memory_order_relaxed);
}

static int look_into_folder(struct event_history *history)
{
    uint64_t now_ms = history->unix_ms();
    if (mkdir(history->folder, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    int r = history_folder_list(history->folder, N_SLICES_MAX, history->slices, &history->n_slices);
    if (r < 0) {
        return r;
    }
    count_bytes(history);
    if (history_state_read(history->folder, &history->state) < 0 || !history->state.is_closed) {
        note_missing(history, now_ms); /* the last second of who was killed, or all before the first day */
    }
    history->state.is_closed = false;
    history->written_state.is_closed = true; /* so that it is written */
    history->next_event_number = now_ms
                                 << 20; /* above those of before, so that of one ms they stay in order */
    write_state(history);
    return 0;
}

static int start(struct event_history *history)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&history->work, &attributes);
    (void)pthread_cond_init(&history->done, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    int r = -pthread_create(&history->thread, NULL, run, history);
    if (r < 0) {
        return r;
    }
    history->is_started = true;
    (void)pthread_setname_np(history->thread, "history");
    return 0;
}

int event_history_open(const struct event_history_config *config, struct event_history **ret_history)
{
    cleanup(event_history_closep) struct event_history *history = calloc(1, sizeof(*history));
    if (history == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&history->lock, NULL);
    history->folder = strdup(config->path);
    history->queue.bytes = malloc(QUEUE_BYTES);
    history->taken.bytes = malloc(QUEUE_BYTES);
    history->keep_ms = config->keep_ms;
    history->max_bytes = config->max_bytes;
    history->slice_max_bytes = config->max_bytes / N_SLICES_A_SIZE;
    if (history->slice_max_bytes > SLICE_BYTES_MAX) {
        history->slice_max_bytes = SLICE_BYTES_MAX;
    }
    history->unix_ms = config->unix_ms;
    history->slice_ms = config->keep_ms / N_SLICES_A_KEEP;
    if (history->slice_ms < SLICE_MS_MIN) {
        history->slice_ms = SLICE_MS_MIN;
    }
    if (history->folder == NULL || history->queue.bytes == NULL || history->taken.bytes == NULL) {
        return -ENOMEM;
    }
    int r = look_into_folder(history);
    if (r < 0) {
        return r;
    }
    r = start(history);
    if (r < 0) {
        return r;
    }
    *ret_history = take_pointer(history);
    return 0;
}

void event_history_close(struct event_history *history)
{
    if (history == NULL) {
        return;
    }
    if (history->is_started) {
        (void)pthread_mutex_lock(&history->lock);
        history->stopping = true;
        (void)pthread_mutex_unlock(&history->lock);
        (void)pthread_cond_signal(&history->work);
        (void)pthread_join(history->thread, NULL);
        (void)pthread_cond_destroy(&history->work);
        (void)pthread_cond_destroy(&history->done);
    }
    (void)pthread_mutex_destroy(&history->lock);
    free(history->folder);
    free(history->queue.bytes);
    free(history->taken.bytes);
    free(history);
}
