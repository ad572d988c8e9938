/* SPDX-License-Identifier: MIT */
/* Two ring buffers. The entry of revision r is at index r modulo max_entries. The records of the entries are
 * consecutive in `bytes`, at positions that only grow; a record may wrap around the end. The oldest entries
 * are dropped when either ring needs room. */
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
    /* These fields are written by every append, so they share one cache line. */
    alignas(64) pthread_mutex_t lock; /* protects all fields below */
    _Atomic uint64_t last_revision;   /* written with the lock held, read without it */
    uint64_t first_revision;          /* oldest revision in memory; above last_revision if there is none */
    uint64_t end;                     /* position of the next record */

    alignas(64) size_t max_entries;
    size_t max_bytes;
    struct entry *entries;
    uint8_t *bytes;
    struct changes_observer *observers;
    bool wake_next; /* whether the next change wakes followers; set by changes_read() */
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
    /* The lock is held for less than a microsecond at a time, so spinning is cheaper than sleeping: two
     * threads apply a third more events per second (tests/bench/table.sh). */
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
    size_t first_len = changes->max_bytes - at < record.len ? changes->max_bytes - at : record.len;
    memcpy(changes->bytes + at, record.ptr, first_len);
    memcpy(changes->bytes, record.ptr + first_len, record.len - first_len);
    changes->end += record.len;
}

static void get_bytes(const struct changes *changes, const struct entry *entry, char *to)
{
    size_t at = (size_t)(entry->at % changes->max_bytes);
    size_t first_len = changes->max_bytes - at < entry->len ? changes->max_bytes - at : entry->len;
    memcpy(to, changes->bytes + at, first_len);
    memcpy(to + first_len, changes->bytes, entry->len - first_len);
}

static void wake_followers(struct changes *changes)
{
    if (!changes->wake_next) {
        return;
    }
    changes->wake_next = false;
    for (unsigned i = 0; i < changes->n_followers; i++) {
        /* Fails only if the counter is at its maximum, so the follower is already notified. */
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

/* Returns the link in the list that points to `observer`, or the link at the end. */
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
        changes->wake_next = true;
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

/* Returns how many changes after `after_revision` fit the limits, and their total size. The first always
 * fits. */
static size_t count_fitting(const struct changes *changes, uint64_t after_revision, size_t max_changes,
                            size_t max_bytes, size_t *ret_n_bytes)
{
    uint64_t n_available = last_revision(changes) - after_revision;
    size_t n = 0;
    size_t n_bytes = 0;
    while (n < n_available && n < max_changes) {
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

/* Tries to read with the current storage; NEEDS_STORAGE if it is too small. The lock is held. */
static int read_locked(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                       struct buf *storage, struct change *ret_changes, size_t *ret_n, size_t *ret_n_bytes)
{
    changes->wake_next = true;
    if (after_revision > last_revision(changes) || after_revision + 1 < changes->first_revision) {
        return CHANGES_LOST;
    }
    size_t n = count_fitting(changes, after_revision, max_changes, max_bytes, ret_n_bytes);
    if (*ret_n_bytes > storage->capacity) {
        return NEEDS_STORAGE;
    }
    copy_out(changes, after_revision, n, storage, ret_changes);
    *ret_n = n;
    return 0;
}

static int read_into(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                     struct buf *storage, struct change *ret_changes, size_t *ret_n, size_t *ret_n_bytes)
{
    (void)pthread_mutex_lock(&changes->lock);
    int r = read_locked(changes, after_revision, max_changes, max_bytes, storage, ret_changes, ret_n,
                        ret_n_bytes);
    (void)pthread_mutex_unlock(&changes->lock);
    return r;
}

int changes_read(struct changes *changes, uint64_t after_revision, size_t max_changes, size_t max_bytes,
                 struct buf *storage, struct change *ret_changes, size_t *ret_n)
{
    size_t n_bytes;
    int r;
    buf_clear(storage);
    /* The storage is grown without the lock. More changes may be appended meanwhile, so this may take several
     * rounds. */
    while ((r = read_into(changes, after_revision, max_changes, max_bytes, storage, ret_changes, ret_n,
                          &n_bytes)) == NEEDS_STORAGE) {
        if (buf_reserve(storage, n_bytes) == NULL) {
            return -ENOMEM;
        }
    }
    return r;
}
