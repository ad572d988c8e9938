/* SPDX-License-Identifier: MIT */
/* Two rings. Entries are found by revision: entry r stands at r modulo max_entries. Their records lie one
 * after another in the bytes, at positions that count on for ever, and may wrap around the end. What is
 * oldest goes when either ring needs its room. */
#include "presenced/changes.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#define N_FOLLOWERS_MAX 16

struct entry {
    uint64_t at; /* position of the record's first byte */
    uint64_t unix_ms;
    uint32_t len;
    uint8_t kind;   /* enum change_kind */
    uint8_t origin; /* enum change_origin */
    bool was_online;
};

struct changes {
    /* What each append writes, in one cache line. */
    alignas(64) pthread_mutex_t lock; /* of all below */
    _Atomic uint64_t last_revision;   /* written under the lock, read without */
    uint64_t first_revision;          /* the oldest held; above the last when none is */
    uint64_t end;                     /* where the next record goes */

    alignas(64) size_t max_entries;
    size_t max_bytes;
    struct entry *entries;
    uint8_t *bytes;
    struct changes_observer *observers;
    bool wakes; /* whether the next change is told: not again before somebody has read */
    unsigned n_followers;
    int followers[N_FOLLOWERS_MAX];
};

int changes_new(size_t max_entries, size_t max_bytes, struct changes **ret_changes)
{
    assert(max_bytes > 0 && max_entries > 0 && (max_entries & (max_entries - 1)) == 0);
    struct changes *changes = aligned_alloc(alignof(struct changes), sizeof(*changes));
    if (changes == NULL) {
        return -ENOMEM;
    }
    memset(changes, 0, sizeof(*changes));
    pthread_mutexattr_t attributes;
    /* It is held for less than a microsecond at a time, so to spin is cheaper than to sleep: two threads
     * apply a third more events a second (tests/bench/table.sh). */
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(&changes->lock, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    changes->first_revision = 1;
    changes->max_entries = max_entries;
    changes->max_bytes = max_bytes;
    changes->entries = calloc(max_entries, sizeof(*changes->entries));
    changes->bytes = malloc(max_bytes);
    if (changes->entries == NULL || changes->bytes == NULL) {
        changes_free(changes);
        return -ENOMEM;
    }
    *ret_changes = changes;
    return 0;
}

void changes_free(struct changes *changes)
{
    if (changes != NULL) {
        free(changes->entries);
        free(changes->bytes);
        (void)pthread_mutex_destroy(&changes->lock);
        free(changes);
    }
}

static uint64_t last_revision(const struct changes *changes)
{
    return atomic_load_explicit(&changes->last_revision, memory_order_relaxed);
}

static struct entry *entry_of(const struct changes *changes, uint64_t revision)
{
    return &changes->entries[revision & (changes->max_entries - 1)];
}

static struct changes_size measure(const struct changes *changes)
{
    uint64_t n_entries = last_revision(changes) + 1 - changes->first_revision;
    return (struct changes_size){
        .last_revision = last_revision(changes),
        .n_entries = n_entries,
        .n_bytes = n_entries == 0 ? 0 : changes->end - entry_of(changes, changes->first_revision)->at,
    };
}

static bool has_room(const struct changes *changes, size_t len)
{
    struct changes_size size = measure(changes);
    return size.n_entries < changes->max_entries && changes->max_bytes - size.n_bytes >= len;
}

static void put_bytes(struct changes *changes, struct str record)
{
    size_t at = (size_t)(changes->end % changes->max_bytes);
    size_t straight = changes->max_bytes - at < record.len ? changes->max_bytes - at : record.len;
    memcpy(changes->bytes + at, record.ptr, straight);
    memcpy(changes->bytes, record.ptr + straight, record.len - straight);
    changes->end += record.len;
}

static void get_bytes(const struct changes *changes, const struct entry *entry, char *to)
{
    size_t at = (size_t)(entry->at % changes->max_bytes);
    size_t straight = changes->max_bytes - at < entry->len ? changes->max_bytes - at : entry->len;
    memcpy(to, changes->bytes + at, straight);
    memcpy(to + straight, changes->bytes, entry->len - straight);
}

static void wake_followers(struct changes *changes)
{
    if (!changes->wakes) {
        return;
    }
    changes->wakes = false;
    for (unsigned i = 0; i < changes->n_followers; i++) {
        /* Fails only where the counter is full, so the follower knows already. */
        const uint64_t one = 1;
        (void)!write(changes->followers[i], &one, sizeof(one));
    }
}

uint64_t changes_append(struct changes *changes, enum change_kind kind, enum change_origin origin,
                        bool was_online, uint64_t unix_ms, struct str record)
{
    (void)pthread_mutex_lock(&changes->lock);
    uint64_t revision = last_revision(changes) + 1;
    while (changes->first_revision < revision && !has_room(changes, record.len)) {
        changes->first_revision++;
    }
    if (record.len <= changes->max_bytes) {
        *entry_of(changes, revision) = (struct entry){.at = changes->end,
                                                      .unix_ms = unix_ms,
                                                      .len = (uint32_t)record.len,
                                                      .kind = (uint8_t)kind,
                                                      .origin = (uint8_t)origin,
                                                      .was_online = was_online};
        put_bytes(changes, record);
    } else {
        changes->first_revision = revision + 1;
    }
    const struct change change = {revision, unix_ms, kind, origin, was_online, record};
    for (const struct changes_observer *each = changes->observers; each != NULL; each = each->next) {
        each->on_change(each->cls, &change);
    }
    atomic_store_explicit(&changes->last_revision, revision, memory_order_release);
    wake_followers(changes);
    (void)pthread_mutex_unlock(&changes->lock);
    return revision;
}

/* The pointer in the list to `observer`, or to its end. */
static struct changes_observer **find_observer(struct changes *changes,
                                               const struct changes_observer *observer)
{
    struct changes_observer **link = &changes->observers;
    while (*link != NULL && *link != observer) {
        link = &(*link)->next;
    }
    return link;
}

void changes_observe(struct changes *changes, struct changes_observer *observer)
{
    (void)pthread_mutex_lock(&changes->lock);
    observer->next = NULL;
    *find_observer(changes, NULL) = observer;
    (void)pthread_mutex_unlock(&changes->lock);
}

void changes_unobserve(struct changes *changes, struct changes_observer *observer)
{
    (void)pthread_mutex_lock(&changes->lock);
    struct changes_observer **link = find_observer(changes, observer);
    if (*link != NULL) {
        *link = observer->next;
    }
    (void)pthread_mutex_unlock(&changes->lock);
}

uint64_t changes_last_revision(const struct changes *changes)
{
    return atomic_load_explicit(&changes->last_revision, memory_order_acquire);
}

void changes_size(struct changes *changes, struct changes_size *ret_size)
{
    (void)pthread_mutex_lock(&changes->lock);
    *ret_size = measure(changes);
    (void)pthread_mutex_unlock(&changes->lock);
}

int changes_follow(struct changes *changes, int eventfd)
{
    int r = -ENOSPC;
    (void)pthread_mutex_lock(&changes->lock);
    if (changes->n_followers < N_FOLLOWERS_MAX) {
        changes->followers[changes->n_followers++] = eventfd;
        changes->wakes = true;
        r = 0;
    }
    (void)pthread_mutex_unlock(&changes->lock);
    return r;
}

void changes_unfollow(struct changes *changes, int eventfd)
{
    (void)pthread_mutex_lock(&changes->lock);
    for (unsigned i = 0; i < changes->n_followers; i++) {
        if (changes->followers[i] == eventfd) {
            changes->followers[i] = changes->followers[--changes->n_followers];
            break;
        }
    }
    (void)pthread_mutex_unlock(&changes->lock);
}

/* How many changes after `after_revision` fit the bounds, and their bytes. The first fits always. */
static size_t plan(const struct changes *changes, uint64_t after_revision, size_t max_changes,
                   size_t max_bytes, size_t *ret_n_bytes)
{
    uint64_t n_there = last_revision(changes) - after_revision;
    size_t n = 0;
    size_t n_bytes = 0;
    while (n < n_there && n < max_changes) {
        size_t len = entry_of(changes, after_revision + 1 + n)->len;
        if (n > 0 && (n_bytes > max_bytes || len > max_bytes - n_bytes)) {
            break;
        }
        n_bytes += len;
        n++;
    }
    *ret_n_bytes = n_bytes;
    return n;
}

static void copy_out(const struct changes *changes, uint64_t after_revision, size_t n, struct buf *storage,
                     struct change *ret_changes)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t revision = after_revision + 1 + i;
        const struct entry *entry = entry_of(changes, revision);
        char *to = storage->ptr + storage->len;
        get_bytes(changes, entry, to);
        storage->len += entry->len;
        ret_changes[i] = (struct change){.revision = revision,
                                         .unix_ms = entry->unix_ms,
                                         .kind = entry->kind,
                                         .origin = entry->origin,
                                         .was_online = entry->was_online,
                                         .record = {to, entry->len}};
    }
}

#define NEEDS_STORAGE 2

/* One try with the storage as large as it is; NEEDS_STORAGE where that is not enough. */
static int read_into(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                     struct buf *storage, struct change *ret_changes, size_t *ret_n, size_t *ret_n_bytes)
{
    int r = 0;
    (void)pthread_mutex_lock(&changes->lock);
    changes->wakes = true;
    if (after_revision > last_revision(changes) || after_revision + 1 < changes->first_revision) {
        r = CHANGES_LOST;
    } else {
        size_t n = plan(changes, after_revision, max_changes, max_bytes, ret_n_bytes);
        if (*ret_n_bytes > storage->capacity) {
            r = NEEDS_STORAGE;
        } else {
            copy_out(changes, after_revision, n, storage, ret_changes);
            *ret_n = n;
        }
    }
    (void)pthread_mutex_unlock(&changes->lock);
    return r;
}

int changes_read(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                 struct buf *storage, struct change *ret_changes, size_t *ret_n)
{
    size_t n_bytes;
    int r;
    buf_clear(storage);
    /* Storage grows without the lock; meanwhile there may be more to read, so this may need another round. */
    while ((r = read_into(changes, after_revision, max_changes, max_bytes, storage, ret_changes, ret_n,
                          &n_bytes)) == NEEDS_STORAGE) {
        if (buf_reserve(storage, n_bytes) == NULL) {
            return -ENOMEM;
        }
    }
    return r;
}
