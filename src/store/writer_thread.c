/* SPDX-License-Identifier: MIT */
/* Writes changes as soon as they are made. If that fails, it reports the problem, closes the engine, and
 * every second reopens it and tries again from the same position: after an error RocksDB accepts no more
 * writes, and its WAL may end in an incomplete record, which only reopening truncates. */
#include "writer_thread.h"

#include "batch.h"
#include "change_writer.h"
#include "commit_log.h"
#include "counter.h"
#include "folder.h"
#include "fsync_thread.h"
#include "liveness.h"
#include "stored_revision.h"

#include "presenced/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>

#define RETRY_INTERVAL_MS 1000
#define COLLECT_MS 20 /* time to collect changes if nobody waits for the engine */

static const char *problem_of(int error)
{
    switch (error) {
    case -ENOSPC:
    case -EDQUOT:
    case -EFBIG:
        return "disk full";
    case -EBADMSG:
        return "damaged";
    case -ENOENT:
        return "removed";
    case -EROFS:
    case -EACCES:
        return "not writable";
    case -ENOMEM:
        return "out of memory";
    default:
        return "I/O error";
    }
}

static void set_problem(struct writer_thread *writer_thread, const char *problem)
{
    atomic_store_explicit(&writer_thread->problem, problem, memory_order_release);
    writer_thread->config->on_durable(writer_thread->config->cls);
}

/* Counts a failure and logs a new problem. */
static void report_failure(struct writer_thread *writer_thread, int r, const struct engine_error *error)
{
    const char *problem = problem_of(r);
    counter_add(&writer_thread->n_failures, 1);
    if (writer_thread_problem(writer_thread) != problem) {
        log_error("store cannot write: trying again every second", log_text("problem", problem),
                  log_text("engine", error->text));
        set_problem(writer_thread, problem);
        /* The journal has changes that were answered OK before the problem was known. */
        commit_log_sync(writer_thread->commit_log);
    }
}

static void report_success(struct writer_thread *writer_thread)
{
    if (writer_thread_problem(writer_thread) != NULL) {
        log_notice("store writes again", log_u64("revision", stored_revision_get(writer_thread->stored)));
        set_problem(writer_thread, NULL);
    }
}

static int reopen_engine(struct writer_thread *writer_thread, struct engine_error *ret_error)
{
    const struct store_config *config = writer_thread->config;
    struct engine *engine;
    /* An engine would create the folder and files in it before it notices that there is nothing to open. */
    if (folder_is_removed(writer_thread->folder)) {
        *ret_error = (struct engine_error){"its files were removed: restart to begin anew"};
        return -ENOENT;
    }
    int r = engine_open(config->path, config->memory_bytes, &engine, ret_error);
    if (r < 0) {
        return r;
    }
    if (engine_last_sequence(engine) < batch_sequence(writer_thread->batch)) {
        /* The engine has lost data it had reported as written; the table still has it. */
        batch_set_known(writer_thread->batch, PLATFORM_N_KNOWN, 0);
        change_writer_rewrite(writer_thread->change_writer);
    }
    fsync_thread_clear_error(writer_thread->fsync_thread);
    batch_set_engine(writer_thread->batch, engine);
    return 0;
}

/* Returns CHANGE_WRITER_IDLE or an error. */
static int write_all(struct writer_thread *writer_thread, struct engine_error *ret_error)
{
    int r = 0;
    liveness_count_round(writer_thread->liveness);
    if (batch_engine(writer_thread->batch) == NULL) {
        liveness_set_at_disk(writer_thread->liveness, true);
        r = reopen_engine(writer_thread, ret_error);
        liveness_set_at_disk(writer_thread->liveness, false);
    }
    while (r == 0) {
        liveness_count_round(writer_thread->liveness);
        r = fsync_thread_error(writer_thread->fsync_thread);
        if (r < 0) {
            (void)snprintf(ret_error->text, sizeof(ret_error->text), "not synced: %s", strerror(-r));
            break;
        }
        r = change_writer_step(writer_thread->change_writer, ret_error);
    }
    return r;
}

/* Writes everything there is. Returns whether that succeeded. */
static bool work(struct writer_thread *writer_thread)
{
    struct engine_error error = {""};
    int r = write_all(writer_thread, &error);
    if (r < 0) {
        report_failure(writer_thread, r, &error);
        liveness_set_at_disk(writer_thread->liveness, true);
        batch_close_engine(writer_thread->batch);
        liveness_set_at_disk(writer_thread->liveness, false);
        return false;
    }
    report_success(writer_thread);
    commit_log_renew(writer_thread->commit_log);
    return true;
}

static void clear(int fd)
{
    eventfd_t unused;
    (void)eventfd_read(fd, &unused);
}

/* Waits until there is work other than changes, or the timeout. */
static void wait_for_wake(const struct writer_thread *writer_thread, int timeout_ms)
{
    struct pollfd fd = {.fd = writer_thread->wake_fd, .events = POLLIN};
    (void)poll(&fd, 1, timeout_ms);
}

/* Returns whether nobody waits for the engine, so that the next batch may collect more changes. */
static bool may_collect(const struct writer_thread *writer_thread)
{
    return writer_thread->config->durability == STORE_RELAXED ||
           (commit_log_is_used(writer_thread->commit_log) &&
            commit_log_revision(writer_thread->commit_log) >= changes_last_revision(writer_thread->changes));
}

static void wait_for_work(struct writer_thread *writer_thread)
{
    struct pollfd fds[] = {
        {.fd = writer_thread->changes_fd, .events = POLLIN},
        {.fd = writer_thread->wake_fd, .events = POLLIN},
    };
    (void)poll(fds, 2, -1);
    if (fds[1].revents == 0 && may_collect(writer_thread)) {
        wait_for_wake(writer_thread, COLLECT_MS);
    }
    clear(writer_thread->changes_fd);
    clear(writer_thread->wake_fd);
}

static void *run(void *cls)
{
    struct writer_thread *writer_thread = cls;
    bool stops = false;
    while (!stops) {
        /* Read before the work, so that everything requested before it is done. */
        stops = atomic_load(&writer_thread->stops);
        if (work(writer_thread)) {
            if (!stops) {
                wait_for_work(writer_thread);
            }
        } else if (!stops) {
            wait_for_wake(writer_thread, RETRY_INTERVAL_MS);
            clear(writer_thread->wake_fd);
        } else {
            (void)work(writer_thread);
        }
    }
    return NULL;
}

int writer_thread_init(struct writer_thread *writer_thread)
{
    writer_thread->changes = table_changes(writer_thread->config->table);
    writer_thread->wake_fd = -1;
    writer_thread->changes_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (writer_thread->changes_fd < 0) {
        return -errno;
    }
    writer_thread->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return writer_thread->wake_fd < 0 ? -errno : 0;
}

void writer_thread_fini(struct writer_thread *writer_thread)
{
    cleanup_closep(&writer_thread->changes_fd);
    cleanup_closep(&writer_thread->wake_fd);
}

int writer_thread_start(struct writer_thread *writer_thread)
{
    int r = changes_follow(writer_thread->changes, writer_thread->changes_fd);
    if (r < 0) {
        return r;
    }
    r = -pthread_create(&writer_thread->thread, NULL, run, writer_thread);
    if (r < 0) {
        changes_unfollow(writer_thread->changes, writer_thread->changes_fd);
        return r;
    }
    (void)pthread_setname_np(writer_thread->thread, "store-writer");
    return 0;
}

void writer_thread_stop(struct writer_thread *writer_thread)
{
    atomic_store(&writer_thread->stops, true);
    writer_thread_wake(writer_thread);
    (void)pthread_join(writer_thread->thread, NULL);
    changes_unfollow(writer_thread->changes, writer_thread->changes_fd);
}

void writer_thread_wake(struct writer_thread *writer_thread)
{
    (void)eventfd_write(writer_thread->wake_fd, 1);
}

void writer_thread_add_stats(const struct writer_thread *writer_thread, struct store_stats *stats)
{
    stats->n_failures = counter_get(&writer_thread->n_failures);
}
