/* SPDX-License-Identifier: MIT */
/* Calls fsync so often that everything is on disk within a second. It is a separate thread because an fsync
 * may take long, and writes must not wait for it.
 *
 * To find out whether it keeps up, each round samples the time and the last revision. When the engine has
 * that revision and was synced, everything that had changed by that time is on disk; so what is answered
 * until a second after that time is safe. */
#include "fsync_thread.h"

#include "batch.h"
#include "counter.h"
#include "folder.h"
#include "stored_revision.h"

#include "presenced/changes.h"

#include <errno.h>
#include <sys/eventfd.h>

#define INTERVAL_MS 250
#define N_SAMPLES_MAX 8

/* Changes up to `revision` were made before this time. */
struct sample {
    uint64_t monotonic_ms;
    uint64_t revision;
};

/* Samples whose changes are not on disk yet, oldest first. */
struct samples {
    struct sample samples[N_SAMPLES_MAX];
    unsigned n;
};

/* Takes a sample. None is taken when the array is full; then durable_until_ms advances in larger steps. */
static void take_sample(const struct fsync_thread *fsync_thread, struct samples *samples)
{
    if (samples->n < N_SAMPLES_MAX) {
        struct sample *sample = &samples->samples[samples->n++];
        /* Read first, so that changes made in between count as later. */
        sample->monotonic_ms = clock_monotonic_ms();
        sample->revision = changes_last_revision(fsync_thread->changes);
    }
}

/* Removes samples whose changes are on disk, which are those up to `synced_revision`. Returns the time of the
 * last of them, 0 if there are none. */
static uint64_t remove_synced(struct samples *samples, uint64_t synced_revision)
{
    unsigned n = 0;
    while (n < samples->n && samples->samples[n].revision <= synced_revision) {
        n++;
    }
    uint64_t last_ms = n == 0 ? 0 : samples->samples[n - 1].monotonic_ms;
    samples->n -= n;
    memmove(samples->samples, samples->samples + n, samples->n * sizeof(samples->samples[0]));
    return last_ms;
}

/* Publishes the progress. Callers wait only if the thread was late. */
static void publish(struct fsync_thread *fsync_thread, struct samples *samples, uint64_t synced_revision)
{
    uint64_t until_ms = atomic_load_explicit(&fsync_thread->durable_until_ms, memory_order_relaxed);
    uint64_t sampled_ms = remove_synced(samples, synced_revision);
    atomic_store_explicit(&fsync_thread->synced_revision, synced_revision, memory_order_relaxed);
    if (sampled_ms != 0) {
        atomic_store(&fsync_thread->durable_until_ms, sampled_ms + FSYNC_DEADLINE_MS);
    }
    if (fsync_thread->has_journal && until_ms <= clock_monotonic_ms()) {
        fsync_thread->config->on_durable(fsync_thread->config->cls);
    }
}

/* Records the error and wakes the writer thread, which then closes the engine. */
static int fail(struct fsync_thread *fsync_thread, int r)
{
    if (atomic_exchange(&fsync_thread->error, r) != r) {
        (void)eventfd_write(fsync_thread->error_fd, 1);
    }
    return r;
}

static int sync_up_to(struct fsync_thread *fsync_thread, uint64_t sequence)
{
    uint64_t before_us = clock_monotonic_us();
    /* Checked even if nothing was written, because the stored data is gone with the files. */
    if (folder_is_removed(fsync_thread->folder)) {
        return fail(fsync_thread, -ENOENT);
    }
    if (sequence == folder_synced_sequence(fsync_thread->folder)) {
        return 0;
    }
    atomic_store(&fsync_thread->fsync_begun_ms, clock_coarse_ms());
    int r = folder_sync(fsync_thread->folder, fsync_thread->batch, SUPERBLOCK_OPEN, sequence);
    atomic_store(&fsync_thread->fsync_begun_ms, 0);
    if (r != 0) {
        return r < 0 ? fail(fsync_thread, r) : r;
    }
    counter_add(&fsync_thread->n_syncs, 1);
    counter_add(&fsync_thread->sync_us_sum, clock_monotonic_us() - before_us);
    return 0;
}

/* Waits for the next round. Returns false if the thread must stop. */
static bool wait_for_next(struct fsync_thread *fsync_thread)
{
    uint64_t until_ms = clock_monotonic_ms() + INTERVAL_MS;
    (void)pthread_mutex_lock(&fsync_thread->lock);
    while (!fsync_thread->stops && clock_wait_until(&fsync_thread->wake, &fsync_thread->lock, until_ms)) {}
    bool goes_on = !fsync_thread->stops;
    (void)pthread_mutex_unlock(&fsync_thread->lock);
    return goes_on;
}

static void *run(void *cls)
{
    struct fsync_thread *fsync_thread = cls;
    struct samples samples = {.n = 0};
    do {
        take_sample(fsync_thread, &samples);
        /* Read before syncing, because later writes may not be covered. The revision is read first, because
         * it is set after the sequence number. */
        uint64_t revision = stored_revision_get(fsync_thread->stored);
        uint64_t sequence = batch_sequence(fsync_thread->batch);
        if (sync_up_to(fsync_thread, sequence) == 0) {
            publish(fsync_thread, &samples, revision);
        }
    } while (wait_for_next(fsync_thread));
    return NULL;
}

void fsync_thread_init(struct fsync_thread *fsync_thread)
{
    fsync_thread->changes = table_changes(fsync_thread->config->table);
    (void)pthread_mutex_init(&fsync_thread->lock, NULL);
    clock_init_condition(&fsync_thread->wake);
}

void fsync_thread_fini(struct fsync_thread *fsync_thread)
{
    (void)pthread_cond_destroy(&fsync_thread->wake);
    (void)pthread_mutex_destroy(&fsync_thread->lock);
}

int fsync_thread_start(struct fsync_thread *fsync_thread, bool has_journal, int error_fd)
{
    fsync_thread->has_journal = has_journal;
    fsync_thread->error_fd = error_fd;
    atomic_store(&fsync_thread->durable_until_ms, clock_monotonic_ms() + FSYNC_DEADLINE_MS);
    int r = -pthread_create(&fsync_thread->thread, NULL, run, fsync_thread);
    if (r < 0) {
        return r;
    }
    (void)pthread_setname_np(fsync_thread->thread, "store-fsync");
    return 0;
}

void fsync_thread_stop(struct fsync_thread *fsync_thread)
{
    (void)pthread_mutex_lock(&fsync_thread->lock);
    fsync_thread->stops = true;
    (void)pthread_cond_signal(&fsync_thread->wake);
    (void)pthread_mutex_unlock(&fsync_thread->lock);
    (void)pthread_join(fsync_thread->thread, NULL);
}

void fsync_thread_add_stats(const struct fsync_thread *fsync_thread, struct store_stats *stats)
{
    stats->synced_revision = fsync_thread_synced_revision(fsync_thread);
    stats->n_syncs = counter_get(&fsync_thread->n_syncs);
    stats->sync_us_sum = counter_get(&fsync_thread->sync_us_sum);
}
