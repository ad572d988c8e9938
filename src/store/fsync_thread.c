/* SPDX-License-Identifier: MIT */
/* The thread that makes what was written survive a power cut, so often that a second later it has. It has a
 * thread of its own because an fsync may take long, and a write must not wait for it.
 *
 * Whether it keeps up: at each round it notes the time and the last change. When the engine has that change,
 * and is synced, all that had changed by then is on disk; so what is answered until a second after then is
 * safe. */
#include "store_private.h"

#include "presenced/clock.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

/* When a write fails in the middle, the engine cuts off the half of it when it closes the file. Sizes that
 * were read before are then larger than what the next start finds, which it would take for damage: they count
 * when all writes that had begun by then are done. */
static bool await_writes(const struct store *store)
{
    uint64_t n_begun = atomic_load(&store->n_writes_begun);
    while (atomic_load(&store->n_writes_done) < n_begun && !atomic_load(&store->is_torn)) {
        (void)poll(NULL, 0, 1);
    }
    return !atomic_load(&store->is_torn);
}

int store_sync(struct store *store, enum superblock_state state, uint64_t sequence)
{
    struct superblock_mark mark = {.sequence = sequence};
    int r = files_sync(store->folder_fd, &mark.files);
    if (r < 0) {
        return r;
    }
    return await_writes(store) ? superblock_write(&store->superblock, state, &mark) : STORE_TORN;
}

#define INTERVAL_NS 250000000
#define N_NOTES 8

/* Changes up to the revision had happened by then. */
struct note {
    uint64_t monotonic_ms;
    uint64_t revision;
};

/* The oldest first. */
struct notes {
    struct note notes[N_NOTES];
    unsigned n;
};

/* Where there are too many the last one is as good for what comes. */
static void note_now(const struct store *store, struct notes *notes)
{
    if (notes->n < N_NOTES) {
        struct note *note = &notes->notes[notes->n++];
        note->monotonic_ms = clock_monotonic_ms(); /* first: what changes in between is counted as later */
        note->revision = changes_last_revision(store->changes);
    }
}

/* Lets go of those that are on disk, all up to the revision. Returns the time of the last of them, 0 where
 * there is none. */
static uint64_t take_notes(struct notes *notes, uint64_t synced_revision)
{
    unsigned n = 0;
    while (n < notes->n && notes->notes[n].revision <= synced_revision) {
        n++;
    }
    uint64_t last_ms = n == 0 ? 0 : notes->notes[n - 1].monotonic_ms;
    notes->n -= n;
    memmove(notes->notes, notes->notes + n, notes->n * sizeof(notes->notes[0]));
    return last_ms;
}

/* Those who wait do so because it was too late. */
static void tell_synced(struct store *store, struct notes *notes, uint64_t synced_revision)
{
    uint64_t was_until_ms = atomic_load_explicit(&store->fresh_until_ms, memory_order_relaxed);
    uint64_t noted_ms = take_notes(notes, synced_revision);
    atomic_store_explicit(&store->synced_revision, synced_revision, memory_order_relaxed);
    if (noted_ms != 0) {
        atomic_store(&store->fresh_until_ms, noted_ms + STORE_FRESH_MS);
    }
    bool was_late = store->journal != NULL && was_until_ms <= clock_monotonic_ms();
    if (was_late && store->config.on_durable != NULL) {
        store->config.on_durable(store->config.cls);
    }
}

/* The writer thread closes the engine then. */
static int fail(struct store *store, int r)
{
    if (atomic_exchange(&store->sync_error, r) != r) {
        writer_thread_wake(store);
    }
    return r;
}

static int sync_up_to(struct store *store, uint64_t sequence)
{
    uint64_t before_us = clock_monotonic_us();
    /* Asked though nothing was written: what was stored is gone with the files. */
    if (superblock_is_removed(&store->superblock, store->config.path)) {
        return fail(store, -ENOENT);
    }
    if (sequence == store->superblock.mark.sequence) {
        return 0;
    }
    atomic_store(&store->syncs_since_ms, clock_coarse_ms());
    int r = store_sync(store, SUPERBLOCK_OPEN, sequence);
    atomic_store(&store->syncs_since_ms, 0);
    if (r != 0) {
        return r < 0 ? fail(store, r) : r;
    }
    atomic_fetch_add_explicit(&store->counters.n_syncs, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&store->counters.sync_us_sum, clock_monotonic_us() - before_us,
                              memory_order_relaxed);
    return 0;
}

static void sync_once(struct store *store, struct notes *notes)
{
    note_now(store, notes);
    /* Read before: what is written from here on does not count. The revision first, for it follows. */
    uint64_t revision = store_stored_revision(store);
    uint64_t sequence = atomic_load_explicit(&store->written_sequence, memory_order_acquire);
    if (sync_up_to(store, sequence) == 0) {
        tell_synced(store, notes, revision);
    }
}

/* Waits for the next time. Whether it is to go on. */
static bool wait_for_next(struct store *store)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += INTERVAL_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&store->fsync_lock);
    while (!store->fsync_stops &&
           pthread_cond_timedwait(&store->fsync_wakes, &store->fsync_lock, &until) != ETIMEDOUT) {}
    bool goes_on = !store->fsync_stops;
    (void)pthread_mutex_unlock(&store->fsync_lock);
    return goes_on;
}

void *fsync_thread_run(void *cls)
{
    struct store *store = cls;
    struct notes notes = {.n = 0};
    do {
        sync_once(store, &notes);
    } while (wait_for_next(store));
    return NULL;
}
