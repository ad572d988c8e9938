/* SPDX-License-Identifier: MIT */
#include "history_slices.h"

#include "presenced/log.h"

#include <errno.h>
#include <sys/stat.h>

#define MEMORY_BYTES ((uint64_t)32 << 20) /* of each open engine */
#define SLICE_MS_MIN UINT64_C(3600000)
#define SLICES_PER_KEEP 24
#define SLICES_PER_SIZE 8
#define SLICE_BYTES_MAX (UINT64_C(512) << 20) /* about thirty files of the engine */
/* More than the limits above allow for, because each time the clock is set back another slice begins. */
#define N_SLICES_MAX 64
#define MEASURE_EVERY_BYTES ((uint64_t)1 << 20)

struct history_slices {
    char *folder;
    uint64_t keep_ms;
    uint64_t slice_ms;
    uint64_t max_bytes;
    uint64_t slice_max_bytes;
    struct history_slice items[N_SLICES_MAX]; /* sorted by number */
    size_t n;
    struct engine *engine; /* of the newest slice; NULL: not open */
    uint64_t n_unmeasured; /* bytes written since it was last measured */
    struct history_state state;
    struct history_state saved_state;
    _Atomic uint64_t n_failures;
    _Atomic uint64_t n_bytes;
};

static struct history_slice *newest(struct history_slices *slices)
{
    return &slices->items[slices->n - 1];
}

/* Returns the time after which nothing was written to a slice. A slice that began while the clock was ahead
 * ended when the next one began, by the corrected clock. */
static uint64_t end_ms_of(const struct history_slices *slices, size_t at)
{
    uint64_t end_ms = slices->items[at].begin_ms + slices->slice_ms;
    if (at + 1 < slices->n) {
        uint64_t next_ms = slices->items[at + 1].begin_ms;
        end_ms = next_ms < end_ms ? next_ms : end_ms;
    }
    return end_ms;
}

static void log_failure(struct history_slices *slices, const char *what, const char *problem)
{
    static struct log_limit limit = {.per_second = 1, .burst = 3};
    uint64_t n_suppressed;
    (void)atomic_fetch_add_explicit(&slices->n_failures, 1, memory_order_relaxed);
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning(what, log_text("folder", slices->folder), log_text("problem", problem),
                    log_u64("suppressed", n_suppressed));
    }
}

void history_slices_note_missing(struct history_slices *slices, uint64_t until_ms)
{
    if (until_ms > slices->state.missing_until_ms) {
        slices->state.missing_until_ms = until_ms;
    }
}

void history_slices_save_state(struct history_slices *slices)
{
    if (slices->state.missing_until_ms == slices->saved_state.missing_until_ms &&
        slices->state.is_closed == slices->saved_state.is_closed) {
        return;
    }
    int r = history_state_write(slices->folder, &slices->state);
    if (r < 0) {
        log_failure(slices, "the history's state cannot be written", strerror(-r));
        return;
    }
    slices->saved_state = slices->state;
}

static void count_bytes(struct history_slices *slices)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < slices->n; i++) {
        n_bytes += slices->items[i].n_bytes;
    }
    atomic_store_explicit(&slices->n_bytes, n_bytes, memory_order_relaxed);
}

static void measure_newest(struct history_slices *slices)
{
    newest(slices)->n_bytes = history_slice_measure(slices->folder, newest(slices));
    slices->n_unmeasured = 0;
    count_bytes(slices);
}

static void close_newest(struct history_slices *slices)
{
    struct engine_error error;
    if (slices->engine == NULL) {
        return;
    }
    if (engine_flush(slices->engine, &error) < 0) {
        /* Nothing is lost, because the engine's write-ahead log has it. */
        log_failure(slices, "the history cannot be flushed", error.text);
    }
    engine_close(take_pointer(slices->engine));
    measure_newest(slices);
}

/* Files that cannot be deleted are listed again when the folder is next opened. */
static void drop_oldest(struct history_slices *slices)
{
    if (slices->n == 1) {
        engine_close(take_pointer(slices->engine));
    }
    int r = history_slice_remove(slices->folder, &slices->items[0]);
    if (r < 0) {
        log_failure(slices, "a slice of the history cannot be deleted", strerror(-r));
    }
    memmove(&slices->items[0], &slices->items[1], --slices->n * sizeof(slices->items[0]));
    count_bytes(slices);
}

/* Its events should have been kept, so they are recorded as missing, including those received in the
 * millisecond in which it ended. */
static void drop_oldest_early(struct history_slices *slices)
{
    history_slices_note_missing(slices, end_ms_of(slices, 0) + 1);
    drop_oldest(slices);
}

void history_slices_drop_old(struct history_slices *slices, uint64_t now_ms)
{
    while (slices->n > 0 && end_ms_of(slices, 0) + slices->keep_ms <= now_ms) {
        drop_oldest(slices);
    }
    /* The newest slice alone never exceeds the limit, because it ends at an eighth of it. */
    while (slices->n > 1 &&
           atomic_load_explicit(&slices->n_bytes, memory_order_relaxed) > slices->max_bytes) {
        drop_oldest_early(slices);
    }
}

static bool is_over(const struct history_slices *slices, const struct history_slice *slice, uint64_t now_ms)
{
    return now_ms >= slice->begin_ms + slices->slice_ms || now_ms + slices->slice_ms < slice->begin_ms ||
           slice->n_bytes >= slices->slice_max_bytes;
}

static int begin_slice(struct history_slices *slices, uint64_t now_ms, struct engine_error *ret_error)
{
    char path[PATH_MAX];
    struct history_slice slice = {.begin_ms = now_ms};
    if (slices->n == N_SLICES_MAX) {
        drop_oldest_early(slices);
    }
    slice.number = slices->n == 0 ? 1 : newest(slices)->number + 1;
    history_slice_path(slices->folder, &slice, path);
    int r = engine_create(path, MEMORY_BYTES, &slices->engine, ret_error);
    if (r < 0) {
        (void)history_slice_remove(slices->folder, &slice);
        return r;
    }
    slices->items[slices->n++] = slice;
    return 0;
}

/* Opens the slice for events received at `now_ms`, unless it is open. */
static int open_newest(struct history_slices *slices, uint64_t now_ms, struct engine_error *ret_error)
{
    char path[PATH_MAX];
    if (slices->n > 0 && is_over(slices, newest(slices), now_ms)) {
        close_newest(slices);
        return begin_slice(slices, now_ms, ret_error);
    }
    if (slices->engine != NULL) {
        return 0;
    }
    if (slices->n == 0) {
        return begin_slice(slices, now_ms, ret_error);
    }
    history_slice_path(slices->folder, newest(slices), path);
    int r = engine_open(path, MEMORY_BYTES, &slices->engine, ret_error);
    if (r < 0) {
        history_slices_note_missing(slices, now_ms); /* its events may be unreadable */
        return begin_slice(slices, now_ms, ret_error);
    }
    return 0;
}

static int write_batch(struct history_slices *slices, struct engine_batch *batch, uint64_t now_ms,
                       struct engine_error *ret_error)
{
    int r = open_newest(slices, now_ms, ret_error);
    if (r < 0) {
        return r;
    }
    r = engine_write(slices->engine, batch, false, ret_error);
    if (r < 0) {
        engine_close(take_pointer(slices->engine)); /* after an error it accepts no more writes */
    }
    return r;
}

bool history_slices_write(struct history_slices *slices, struct engine_batch *batch, size_t n_bytes,
                          uint64_t now_ms)
{
    struct engine_error error = {"out of memory"};
    if (write_batch(slices, batch, now_ms, &error) < 0) {
        log_failure(slices, "events are missing in the history: it cannot be written", error.text);
        history_slices_note_missing(slices, now_ms + 1);
        return false;
    }
    slices->n_unmeasured += n_bytes;
    if (slices->n_unmeasured >= MEASURE_EVERY_BYTES) {
        measure_newest(slices);
    }
    return true;
}

/* The state of a reading across slices. */
struct visitor {
    const struct history_range *range;
    void (*visit)(void *cls, struct str value);
    void *cls;
    size_t n_found;
};

/* Returns false if the limit was reached or the engine cannot be read. */
static bool read_engine(struct history_slices *slices, struct engine *engine, struct visitor *visitor)
{
    struct engine_error error = {"out of memory"};
    struct str key;
    struct str value;
    cleanup(engine_cursor_freep) struct engine_cursor *cursor = engine_cursor_new(
        engine, visitor->range->from, visitor->range->to);
    if (cursor == NULL) {
        return false;
    }
    int r;
    while ((r = engine_cursor_next(cursor, &key, &value, &error)) == 0) {
        if (visitor->n_found == visitor->range->limit) {
            return false;
        }
        visitor->visit(visitor->cls, value);
        visitor->n_found++;
    }
    if (r < 0) {
        log_failure(slices, "the history cannot be read", error.text);
    }
    return r == ENGINE_END;
}

static bool read_slice(struct history_slices *slices, size_t at, struct visitor *visitor)
{
    char path[PATH_MAX];
    struct engine_error error = {"out of memory"};
    cleanup(engine_closep) struct engine *engine = NULL;
    if (at + 1 == slices->n && slices->engine != NULL) {
        return read_engine(slices, slices->engine, visitor);
    }
    history_slice_path(slices->folder, &slices->items[at], path);
    if (engine_open_read_only(path, MEMORY_BYTES, &engine, &error) < 0) {
        log_failure(slices, "a slice of the history cannot be read", error.text);
        return false;
    }
    return read_engine(slices, engine, visitor);
}

bool history_slices_read(struct history_slices *slices, const struct history_range *range,
                         void (*visit)(void *cls, struct str value), void *cls)
{
    struct visitor visitor = {.range = range, .visit = visit, .cls = cls};
    bool is_complete = slices->state.missing_until_ms <= range->since_ms;
    for (size_t i = slices->n; i-- > 0 && (is_complete || visitor.n_found < range->limit);) {
        if (end_ms_of(slices, i) > range->since_ms) {
            is_complete = read_slice(slices, i, &visitor) && is_complete;
        }
    }
    return is_complete;
}

void history_slices_stats(const struct history_slices *slices, uint64_t *ret_n_failures,
                          uint64_t *ret_n_bytes)
{
    *ret_n_failures = atomic_load_explicit(&slices->n_failures, memory_order_relaxed);
    *ret_n_bytes = atomic_load_explicit(&slices->n_bytes, memory_order_relaxed);
}

static int open_folder(struct history_slices *slices, uint64_t now_ms)
{
    if (mkdir(slices->folder, 0700) != 0 && errno != EEXIST) {
        return -errno;
    }
    int r = history_folder_list(slices->folder, N_SLICES_MAX, slices->items, &slices->n);
    if (r < 0) {
        return r;
    }
    count_bytes(slices);
    if (history_state_read(slices->folder, &slices->state) < 0 || !slices->state.is_closed) {
        /* The history is new, or the last process was killed with up to a second of events in the queue. */
        history_slices_note_missing(slices, now_ms);
    }
    slices->state.is_closed = false;
    slices->saved_state.is_closed = true; /* makes it differ, so that the state is saved */
    history_slices_save_state(slices);
    return 0;
}

int history_slices_open(const struct history_slices_config *config, uint64_t now_ms,
                        struct history_slices **ret_slices)
{
    cleanup(cleanup_freep) char *folder = strdup(config->folder);
    struct history_slices *slices = calloc(1, sizeof(*slices));
    if (folder == NULL || slices == NULL) {
        free(slices);
        return -ENOMEM;
    }
    slices->folder = take_pointer(folder);
    slices->keep_ms = config->keep_ms;
    slices->slice_ms = config->keep_ms / SLICES_PER_KEEP;
    if (slices->slice_ms < SLICE_MS_MIN) {
        slices->slice_ms = SLICE_MS_MIN;
    }
    slices->max_bytes = config->max_bytes;
    slices->slice_max_bytes = config->max_bytes / SLICES_PER_SIZE;
    if (slices->slice_max_bytes > SLICE_BYTES_MAX) {
        slices->slice_max_bytes = SLICE_BYTES_MAX;
    }
    int r = open_folder(slices, now_ms);
    if (r < 0) {
        free(slices->folder);
        free(slices);
        return r;
    }
    *ret_slices = slices;
    return 0;
}

void history_slices_close(struct history_slices *slices)
{
    if (slices == NULL) {
        return;
    }
    close_newest(slices);
    slices->state.is_closed = true;
    history_slices_save_state(slices);
    free(slices->folder);
    free(slices);
}
