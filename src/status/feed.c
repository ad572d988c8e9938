/* SPDX-License-Identifier: MIT */
/* The ring holds the events of consecutive revisions, each at its revision modulo the ring's size. Later
 * changes are in the change log and are added to the ring when a stream asks for them. While there are no
 * streams, changes are only in the log, so a stream can be resumed afterwards as well. */
#include "feed.h"

#include "presenced/array.h"
#include "presenced/json.h"
#include "presenced/record.h"
#include "user_json.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define MAX_EVENTS 65536
#define MAX_BYTES ((size_t)16 << 20)

/* Limits for what is read from the change log at a time. */
#define BATCH_MAX 64
#define BATCH_BYTES 65536

/* Limit for the changes that are added to the ring when a new stream begins. The new stream does not need
 * them, but clients that resume a stream may; adding that many takes some milliseconds. If there are more,
 * the ring is emptied and continues with the newest change. */
#define CATCH_UP_MAX 4096

/* Approximate overhead of the allocator for an event. */
#define OVERHEAD_BYTES 16

struct entry {
    char *bytes; /* the user's id, then the text */
    uint64_t unix_ms;
    uint32_t text_len;
    uint32_t hash;
    uint16_t app;
    uint16_t user_len;
    uint8_t id_len;
    bool is_forgotten;
    bool was_online;
    bool is_online;
};

struct feed {
    struct feed_config config;
    pthread_mutex_t lock; /* protects everything below except the atomics */
    uint64_t first;       /* revision of the oldest event in the ring; last + 1 if the ring is empty */
    uint64_t last;        /* revision of the newest change that was added */
    size_t n_bytes;
    struct entry *entries;
    struct changes_observer observer; /* registered with the change log while there are streams */
    _Atomic bool is_awaited;          /* the next change calls wake() */
    uint64_t awaits_after;            /* if is_awaited: the revision after which the log had no change */
    struct buf storage;               /* for one batch */
    struct buf scratch;               /* for one event */
    struct change batch[BATCH_MAX];
    unsigned n_of_token[TABLE_N_APPS_MAX]; /* open streams by the app of their token */
    _Atomic uint64_t n_streams;
    _Atomic uint64_t n_joined;
    _Atomic uint64_t n_refused;
    _Atomic uint64_t n_refused_app;
    _Atomic uint64_t n_resets;
    _Atomic uint64_t n_written;
};

/* Calls wake() once until a stream has asked again. */
static void on_change(void *cls, const struct change *change)
{
    struct feed *feed = cls;
    (void)change;
    if (atomic_load_explicit(&feed->is_awaited, memory_order_relaxed) &&
        atomic_exchange(&feed->is_awaited, false)) {
        feed->config.wake(feed->config.wake_cls);
    }
}

int feed_new(const struct feed_config *config, struct feed **ret_feed)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    if (feed == NULL) {
        return -ENOMEM;
    }
    feed->config = *config;
    feed->config.max_events = config->max_events == 0 ? MAX_EVENTS : config->max_events;
    feed->config.max_bytes = config->max_bytes == 0 ? MAX_BYTES : config->max_bytes;
    feed->observer = (struct changes_observer){.on_change = on_change, .cls = feed};
    feed->first = 1;
    (void)pthread_mutex_init(&feed->lock, NULL);
    feed->entries = calloc(feed->config.max_events, sizeof(*feed->entries));
    if (feed->entries == NULL) {
        feed_free(feed);
        return -ENOMEM;
    }
    *ret_feed = feed;
    return 0;
}

static struct entry *entry_of(const struct feed *feed, uint64_t revision)
{
    return &feed->entries[revision & (feed->config.max_events - 1)];
}

static size_t size_of(const struct entry *entry)
{
    return OVERHEAD_BYTES + entry->user_len + entry->text_len;
}

static void drop_oldest(struct feed *feed)
{
    struct entry *entry = entry_of(feed, feed->first++);
    feed->n_bytes -= size_of(entry);
    free(entry->bytes);
}

/* Empties the ring and continues after `revision`. */
static void restart_after(struct feed *feed, uint64_t revision)
{
    while (feed->first <= feed->last) {
        drop_oldest(feed);
    }
    feed->last = revision;
    feed->first = revision + 1;
}

void feed_free(struct feed *feed)
{
    if (feed != NULL) {
        changes_unobserve(table_changes(feed->config.table), &feed->observer);
        restart_after(feed, feed->last);
        free(feed->entries);
        buf_fini(&feed->storage);
        buf_fini(&feed->scratch);
        (void)pthread_mutex_destroy(&feed->lock);
        free(feed);
    }
}

static unsigned max_of_token(const struct feed *feed)
{
    return feed->config.max_streams - feed->config.max_streams / 2;
}

/* Called with the lock held. */
static int check_room(struct feed *feed, int token_app)
{
    if (atomic_load(&feed->n_streams) >= feed->config.max_streams) {
        atomic_fetch_add(&feed->n_refused, 1);
        return FEED_FULL;
    }
    if (token_app != FEED_ANY_APP && feed->n_of_token[token_app] >= max_of_token(feed)) {
        atomic_fetch_add(&feed->n_refused_app, 1);
        return FEED_APP_FULL;
    }
    return 0;
}

/* Called with the lock held. */
static void add_stream(struct feed *feed, int token_app)
{
    if (token_app != FEED_ANY_APP) {
        feed->n_of_token[token_app]++;
    }
    if (atomic_fetch_add(&feed->n_streams, 1) == 0) {
        atomic_store(&feed->is_awaited, false);
        changes_observe(table_changes(feed->config.table), &feed->observer);
    }
    atomic_fetch_add(&feed->n_joined, 1);
}

int feed_join(struct feed *feed, int token_app)
{
    (void)pthread_mutex_lock(&feed->lock);
    int outcome = check_room(feed, token_app);
    if (outcome == 0) {
        add_stream(feed, token_app);
    }
    (void)pthread_mutex_unlock(&feed->lock);
    return outcome;
}

void feed_leave(struct feed *feed, int token_app)
{
    (void)pthread_mutex_lock(&feed->lock);
    if (token_app != FEED_ANY_APP) {
        feed->n_of_token[token_app]--;
    }
    if (atomic_fetch_sub(&feed->n_streams, 1) == 1) {
        changes_unobserve(table_changes(feed->config.table), &feed->observer);
    }
    (void)pthread_mutex_unlock(&feed->lock);
}

void feed_lock(struct feed *feed)
{
    (void)pthread_mutex_lock(&feed->lock);
}

void feed_unlock(struct feed *feed)
{
    (void)pthread_mutex_unlock(&feed->lock);
}

void feed_write_id(const struct feed *feed, uint64_t revision, struct buf *out)
{
    buf_append(out, STR("id: "));
    buf_append_u64(out, feed->config.epoch);
    buf_append_char(out, '.');
    buf_append_u64(out, revision);
    buf_append_char(out, '\n');
}

void feed_write_user(const struct feed *feed, const struct user *user, uint64_t now_ms, struct buf *out)
{
    struct json_writer json = {.out = out};
    buf_append(out, STR("event: presence\ndata: "));
    user_json_write(&json, feed->config.table, user, now_ms);
    buf_append(out, STR("\n\n"));
}

static void write_forgotten(const struct feed *feed, uint16_t app, struct str user, struct buf *out)
{
    struct json_writer json = {.out = out};
    buf_append(out, STR("event: forgotten\ndata: "));
    json_begin_object(&json, NULL);
    json_u64(&json, "app", table_app_id(feed->config.table, app));
    json_str(&json, "user", user);
    json_end_object(&json);
    buf_append(out, STR("\n\n"));
}

/* FNV-1a. The hash only avoids most comparisons of ids. */
static uint32_t hash_of(uint16_t app, struct str user)
{
    uint32_t hash = 2166136261U ^ app;
    for (size_t i = 0; i < user.len; i++) {
        hash = (hash ^ (unsigned char)user.ptr[i]) * 16777619U;
    }
    return hash;
}

/* Evaluates the user at the time of the change, because later changes caused by time are in the log as
 * changes of their own. */
static bool is_online(const struct feed *feed, const struct user *user, uint64_t unix_ms)
{
    struct user_summary summary;
    struct user_view view = table_view(feed->config.table, unix_ms);
    user_summarise(user, &view, &summary);
    return summary.state == USER_ONLINE;
}

static int add_change(struct feed *feed, const struct change *change)
{
    const uint8_t *record = (const uint8_t *)change->record.ptr;
    struct str id = record_id(record);
    struct buf *scratch = &feed->scratch;
    struct entry entry = {
        .unix_ms = change->unix_ms,
        .app = record_app(record),
        .user_len = (uint16_t)id.len,
        .hash = hash_of(record_app(record), id),
        .was_online = change->was_online,
        .is_forgotten = change->kind == CHANGE_FORGOTTEN,
    };
    buf_clear(scratch);
    buf_append(scratch, id);
    feed_write_id(feed, change->revision, scratch);
    entry.id_len = (uint8_t)(scratch->len - id.len);
    if (entry.is_forgotten) {
        write_forgotten(feed, entry.app, id, scratch);
    } else {
        struct user user;
        record_decode(record, &user);
        entry.is_online = is_online(feed, &user, change->unix_ms);
        feed_write_user(feed, &user, change->unix_ms, scratch);
    }
    entry.text_len = (uint32_t)(scratch->len - id.len);
    entry.bytes = scratch->failed ? NULL : malloc(scratch->len);
    if (entry.bytes == NULL) {
        buf_fini(scratch);
        return -ENOMEM;
    }
    memcpy(entry.bytes, scratch->ptr, scratch->len);
    while (feed->first <= feed->last && (feed->last + 1 - feed->first == feed->config.max_events ||
                                         feed->n_bytes + size_of(&entry) > feed->config.max_bytes)) {
        drop_oldest(feed);
    }
    feed->n_bytes += size_of(&entry);
    feed->last = change->revision;
    *entry_of(feed, feed->last) = entry;
    atomic_fetch_add_explicit(&feed->n_written, 1, memory_order_relaxed);
    return 0;
}

/* Adds the next changes from the log to the ring. Returns 0, FEED_NONE or -ENOMEM; or FEED_GONE if the log no
 * longer has the next change, so that the ring continues with the newest. */
static int add_batch(struct feed *feed)
{
    struct changes *changes = table_changes(feed->config.table);
    size_t n = 0;
    if (feed->awaits_after == feed->last && atomic_load(&feed->is_awaited)) {
        return FEED_NONE; /* on_change() has seen no change since; this avoids the log's lock */
    }
    /* Set before the log is read, so that on_change() reports any change that this read misses. */
    atomic_store(&feed->is_awaited, true);
    feed->awaits_after = UINT64_MAX;
    int r = changes_read(changes, feed->last, BATCH_MAX, BATCH_BYTES, &feed->storage, feed->batch, &n);
    if (r == CHANGES_LOST) {
        restart_after(feed, changes_last_revision(changes));
        return FEED_GONE;
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = add_change(feed, &feed->batch[i]);
    }
    if (r < 0) {
        return r;
    }
    if (n == 0) {
        feed->awaits_after = feed->last;
        return FEED_NONE;
    }
    atomic_store(&feed->is_awaited, false); /* streams that get these events ask again anyway */
    return 0;
}

uint64_t feed_newest(struct feed *feed)
{
    uint64_t newest = changes_last_revision(table_changes(feed->config.table));
    if (newest - feed->last > CATCH_UP_MAX) {
        restart_after(feed, newest);
    }
    while (feed->last < newest) {
        if (add_batch(feed) != 0) {
            restart_after(feed, newest);
        }
    }
    return feed->last;
}

static bool parse_id(const struct feed *feed, struct str id, uint64_t *ret_revision)
{
    uint64_t epoch;
    struct str head;
    struct str text = id;
    return str_split(&text, '.', &head) && text.ptr != NULL && str_parse_u64(head, UINT64_MAX, &epoch) &&
           epoch == feed->config.epoch && str_parse_u64(text, UINT64_MAX, ret_revision);
}

int feed_find(struct feed *feed, struct str id, uint64_t *ret_revision)
{
    uint64_t revision;
    if (!parse_id(feed, id, &revision) ||
        revision > changes_last_revision(table_changes(feed->config.table))) {
        return FEED_OTHER_RUN;
    }
    int r = 0;
    while (r == 0 && feed->last < revision) {
        r = add_batch(feed);
    }
    if (r != 0 || revision + 1 < feed->first) {
        return FEED_GONE;
    }
    *ret_revision = revision;
    return 0;
}

int feed_next(struct feed *feed, uint64_t revision, struct feed_event *ret_event)
{
    if (revision == feed->last) {
        int r = add_batch(feed);
        if (r != 0) {
            return r;
        }
    }
    if (revision + 1 < feed->first || revision > feed->last) {
        return FEED_GONE;
    }
    const struct entry *entry = entry_of(feed, revision + 1);
    *ret_event = (struct feed_event){
        .revision = revision + 1,
        .unix_ms = entry->unix_ms,
        .app = entry->app,
        .is_forgotten = entry->is_forgotten,
        .was_online = entry->was_online,
        .is_online = entry->is_online,
        .hash = entry->hash,
        .user = {entry->bytes, entry->user_len},
        .text = {entry->bytes + entry->user_len, entry->text_len},
        .id_len = entry->id_len,
    };
    return 0;
}

void feed_count_reset(struct feed *feed)
{
    atomic_fetch_add(&feed->n_resets, 1);
}

struct table *feed_table(const struct feed *feed)
{
    return feed->config.table;
}

/* The values shown as metrics. */
struct feed_counters {
    uint64_t n_streams;
    uint64_t n_streams_max;
    uint64_t n_of_token_max;
    uint64_t n_joined;
    uint64_t n_refused;
    uint64_t n_refused_app;
    uint64_t n_resets;
    uint64_t n_written;
};

static const struct metric metrics[] = {
    {.name = "presenced_streams",
     .type = METRIC_GAUGE,
     .help = "Streams of events that are open.",
     .key = "open",
     .offset = offsetof(struct feed_counters, n_streams)},
    {.name = "presenced_streams_max",
     .type = METRIC_GAUGE,
     .help = "How many may be open.",
     .key = "open_max",
     .offset = offsetof(struct feed_counters, n_streams_max)},
    {.name = "presenced_streams_max_per_app_token",
     .type = METRIC_GAUGE,
     .help = "How many of them may be open by the token of one app.",
     .key = "open_max_per_app_token",
     .offset = offsetof(struct feed_counters, n_of_token_max)},
    {.name = "presenced_streams_opened_total",
     .type = METRIC_COUNTER,
     .help = "Streams opened.",
     .key = "opened",
     .offset = offsetof(struct feed_counters, n_joined)},
    {.name = "presenced_streams_refused_total",
     .type = METRIC_COUNTER,
     .help = "Streams refused, for as many were open as may be.",
     .key = "refused",
     .offset = offsetof(struct feed_counters, n_refused)},
    {.name = "presenced_streams_refused_app_token_total",
     .type = METRIC_COUNTER,
     .help = "Streams refused, for as many were open by that app's token as may be.",
     .key = "refused_app_token",
     .offset = offsetof(struct feed_counters, n_refused_app)},
    {.name = "presenced_streams_reset_total",
     .type = METRIC_COUNTER,
     .help = "Times that a stream was told that it has missed something.",
     .key = "resets",
     .offset = offsetof(struct feed_counters, n_resets)},
    {.name = "presenced_stream_events_written_total",
     .type = METRIC_COUNTER,
     .help = "Changes written as events, each once for all streams.",
     .key = "events_written",
     .offset = offsetof(struct feed_counters, n_written)},
};

void feed_metrics(void *cls, const struct metric_visitor *visitor)
{
    const struct feed *feed = cls;
    const struct feed_counters counters = {
        .n_streams = atomic_load(&feed->n_streams),
        .n_streams_max = feed->config.max_streams,
        .n_of_token_max = max_of_token(feed),
        .n_joined = atomic_load(&feed->n_joined),
        .n_refused = atomic_load(&feed->n_refused),
        .n_refused_app = atomic_load(&feed->n_refused_app),
        .n_resets = atomic_load(&feed->n_resets),
        .n_written = atomic_load(&feed->n_written),
    };
    metrics_visit(metrics, N_ELEMENTS(metrics), &counters, (struct str){NULL, 0}, visitor);
}
