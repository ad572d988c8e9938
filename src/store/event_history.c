/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The paths of an event and of a reading:
 *
 *   event_history_add() ─→ queue ─────┐ swapped for an empty one      ┌─→ newest slice
 *                                     ├────────── thread ─────────────┤
 *   event_history_read() ─→ readings ─┘ ←── found, or timed out ──────┴── slices, newest first
 *
 * Only the thread touches the disk. */
/* clang-format on */
#include "presenced/event_history.h"

#include "history_record.h"
#include "history_slices.h"
#include "presenced/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define QUEUE_BYTES ((size_t)4 << 20) /* more than half a second of events from one core */
#define GATHER_MS 200                 /* from the first event of a batch to writing it */
#define TICK_MS 1000                  /* between checks of the age of slices */
#define READ_TIMEOUT_MS 2000
#define N_READINGS_MAX 16

/* Header of an item in the queue; key and value follow it. */
struct item {
    uint16_t key_len;
    uint16_t value_len;
};

#define ITEM_SIZE_MAX (sizeof(struct item) + HISTORY_KEY_MAX + HISTORY_VALUE_MAX)

struct queue {
    char *bytes; /* QUEUE_BYTES */
    size_t n_bytes;
};

/* A call of event_history_read() that waits for the thread. */
struct reading {
    struct reading *next;
    uint64_t app_id;
    char user_id[USER_ID_MAX];
    size_t user_id_len;
    uint64_t since_ms;
    size_t limit;
    bool is_complete;
    bool is_done;
    bool is_abandoned; /* the caller has timed out: the thread frees it */
    struct buf found;  /* values, each preceded by its length in 2 bytes */
};

struct event_history {
    uint64_t keep_ms;
    uint64_t (*unix_ms)(void);
    pthread_t thread;
    bool is_started;

    pthread_mutex_t lock; /* protects the fields below, up to the counters */
    pthread_cond_t work;  /* signalled when there is work for the thread */
    pthread_cond_t done;  /* signalled when a reading is done */
    struct queue queue;
    /* Time of receipt of the last dropped event, plus 1; 0: none since the thread last checked. */
    uint64_t dropped_ms;
    struct reading *readings;
    size_t n_readings;
    bool is_stopping;

    _Atomic uint64_t n_written;
    _Atomic uint64_t n_dropped;

    /* Used only by the thread. */
    struct queue taken;
    struct history_slices *slices;
    uint64_t next_event_number;
};

/* Adds the taken items to a batch. Returns how many there are. */
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

static void write_taken(struct event_history *history, uint64_t now_ms)
{
    if (history->taken.n_bytes == 0) {
        return;
    }
    cleanup(engine_batch_freep) struct engine_batch *batch = engine_batch_new();
    uint64_t n = fill_batch(history, batch);
    bool is_written = history_slices_write(history->slices, batch, history->taken.n_bytes, now_ms);
    (void)atomic_fetch_add_explicit(is_written ? &history->n_written : &history->n_dropped, n,
                                    memory_order_relaxed);
    history->taken.n_bytes = 0;
}

static void append_found(void *cls, struct str value)
{
    struct reading *reading = cls;
    uint16_t len = (uint16_t)value.len;
    buf_append(&reading->found, (struct str){(const char *)&len, sizeof(len)});
    buf_append(&reading->found, value);
}

static void do_reading(struct event_history *history, struct reading *reading, uint64_t now_ms)
{
    char from[HISTORY_KEY_MAX];
    char to[HISTORY_KEY_MAX];
    struct str user_id = {reading->user_id, reading->user_id_len};
    uint64_t first_ms = now_ms > history->keep_ms ? now_ms - history->keep_ms : 1;
    uint64_t since_ms = reading->since_ms > first_ms ? reading->since_ms : first_ms;
    size_t from_len = history_key_encode(reading->app_id, user_id, UINT64_MAX, UINT64_MAX, from);
    size_t to_len = history_key_encode(reading->app_id, user_id, since_ms - 1, UINT64_MAX, to);
    const struct history_range range = {
        .since_ms = since_ms,
        .from = {from, from_len},
        .to = {to, to_len},
        .limit = reading->limit,
    };
    reading->is_complete = history_slices_read(history->slices, &range, append_found, reading);
}

static void reading_free(struct reading *reading)
{
    if (reading != NULL) {
        buf_fini(&reading->found);
        free(reading);
    }
}

static void do_readings(struct event_history *history, struct reading *readings, uint64_t now_ms)
{
    while (readings != NULL) {
        struct reading *reading = readings;
        readings = readings->next;
        do_reading(history, reading, now_ms);
        (void)pthread_mutex_lock(&history->lock);
        bool is_abandoned = reading->is_abandoned;
        reading->is_done = true;
        history->n_readings--;
        (void)pthread_cond_broadcast(&history->done);
        (void)pthread_mutex_unlock(&history->lock);
        if (is_abandoned) {
            reading_free(reading);
        }
    }
}

/* Waits for work, for TICK_MS at most. Takes the queue once GATHER_MS have passed since its first event, or
 * it is half full, or there is a reading; also takes the readings. Returns whether this is the last time. */
static bool await_work(struct event_history *history, struct reading **ret_readings)
{
    (void)pthread_mutex_lock(&history->lock);
    uint64_t until_ms = clock_monotonic_ms() + TICK_MS;
    while (!history->is_stopping && history->readings == NULL && history->queue.n_bytes == 0 &&
           clock_wait_until(&history->work, &history->lock, until_ms)) {}
    until_ms = clock_monotonic_ms() + GATHER_MS;
    while (!history->is_stopping && history->readings == NULL && history->queue.n_bytes > 0 &&
           history->queue.n_bytes < QUEUE_BYTES / 2 &&
           clock_wait_until(&history->work, &history->lock, until_ms)) {}
    struct queue emptied = history->taken;
    history->taken = history->queue;
    history->queue = emptied;
    *ret_readings = take_pointer(history->readings);
    history_slices_note_missing(history->slices, history->dropped_ms);
    history->dropped_ms = 0;
    bool is_last = history->is_stopping;
    (void)pthread_mutex_unlock(&history->lock);
    return is_last;
}

static void *run(void *cls)
{
    struct event_history *history = cls;
    bool is_last;
    do {
        struct reading *readings;
        is_last = await_work(history, &readings);
        uint64_t now_ms = history->unix_ms();
        write_taken(history, now_ms);
        do_readings(history, readings, now_ms);
        history_slices_drop_old(history->slices, now_ms);
        history_slices_save_state(history->slices);
    } while (!is_last);
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

/* Waits until the thread has done the reading. Returns false after a timeout; the thread then frees the
 * reading. */
static bool await_reading(struct event_history *history, struct reading *reading)
{
    uint64_t until_ms = clock_monotonic_ms() + READ_TIMEOUT_MS;
    (void)pthread_mutex_lock(&history->lock);
    struct reading **link = &history->readings;
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = reading;
    (void)pthread_cond_signal(&history->work);
    while (!reading->is_done && clock_wait_until(&history->done, &history->lock, until_ms)) {}
    bool is_done = reading->is_done;
    reading->is_abandoned = !is_done;
    (void)pthread_mutex_unlock(&history->lock);
    return is_done;
}

/* Reserves one of the readings that may be in progress. Returns false if there are too many. */
static bool reserve_reading(struct event_history *history)
{
    (void)pthread_mutex_lock(&history->lock);
    bool is_free = history->n_readings < N_READINGS_MAX;
    history->n_readings += is_free;
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
    if (!reserve_reading(history)) {
        reading_free(reading);
        return EVENT_HISTORY_BUSY;
    }
    if (!await_reading(history, reading)) {
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
    history_slices_stats(history->slices, &ret_stats->n_failures, &ret_stats->n_bytes);
}

static int start(struct event_history *history)
{
    clock_init_condition(&history->work);
    clock_init_condition(&history->done);
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
    history->queue.bytes = malloc(QUEUE_BYTES);
    history->taken.bytes = malloc(QUEUE_BYTES);
    history->keep_ms = config->keep_ms;
    history->unix_ms = config->unix_ms;
    if (history->queue.bytes == NULL || history->taken.bytes == NULL) {
        return -ENOMEM;
    }
    uint64_t now_ms = history->unix_ms();
    /* Higher than the numbers of earlier runs, so that events of the same millisecond remain in order after
     * a restart. */
    history->next_event_number = now_ms << 20;
    int r = history_slices_open(
        &(struct history_slices_config){config->path, config->keep_ms, config->max_bytes}, now_ms,
        &history->slices);
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
        history->is_stopping = true;
        (void)pthread_mutex_unlock(&history->lock);
        (void)pthread_cond_signal(&history->work);
        (void)pthread_join(history->thread, NULL);
        (void)pthread_cond_destroy(&history->work);
        (void)pthread_cond_destroy(&history->done);
    }
    (void)pthread_mutex_destroy(&history->lock);
    history_slices_close(history->slices);
    free(history->queue.bytes);
    free(history->taken.bytes);
    free(history);
}
