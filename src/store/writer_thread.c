/* SPDX-License-Identifier: MIT */
/* The thread that writes what changed, as soon as it changed. When that fails it says so, closes the engine,
 * and every second opens it anew and tries again from where it was: after an error RocksDB takes no more
 * writes, and its log may end in half of one, which only opening it cuts off. */
#include "store_private.h"

#include "presenced/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#define RETRY_INTERVAL_MS 1000
#define GATHER_MS 20 /* where nobody waits for the engine */

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

/* Tells the log and those who wait, once a problem. */
static void set_problem(struct store *store, const char *problem)
{
    atomic_store_explicit(&store->problem, problem, memory_order_release);
    if (store->config.on_durable != NULL) {
        store->config.on_durable(store->config.cls);
    }
}

static void note_failure(struct store *store, int r, const struct engine_error *error)
{
    const char *problem = problem_of(r);
    atomic_fetch_add_explicit(&store->counters.n_failures, 1, memory_order_relaxed);
    if (store_private_problem(store) != problem) {
        log_error("store cannot write: trying again every second", log_text("problem", problem),
                  log_text("engine", error->text));
        set_problem(store, problem);
        if (store->journal != NULL) {
            (void)journal_sync(store->journal); /* it has what was answered before this was known */
        }
    }
}

static void note_success(struct store *store)
{
    if (store_private_problem(store) != NULL) {
        log_notice("store writes again", log_u64("revision", store_stored_revision(store)));
        set_problem(store, NULL);
    }
}

static int reopen_engine(struct store *store, struct engine_error *ret_error)
{
    struct engine *engine;
    /* An engine makes the folder and files in it before it finds that it has none to open. */
    if (superblock_is_removed(&store->superblock, store->config.path)) {
        *ret_error = (struct engine_error){"its files were removed: restart to begin anew"};
        return -ENOENT;
    }
    int r = engine_open(store->config.path, store->config.memory_bytes, &engine, ret_error);
    if (r < 0) {
        return r;
    }
    if (engine_last_sequence(engine) < atomic_load_explicit(&store->written_sequence, memory_order_relaxed)) {
        /* It has lost what it had said was written; the table has it still. */
        store->n_names_written = PLATFORM_N_KNOWN;
        store->n_apps_stored = 0;
        rewrite_begin(store);
    }
    atomic_store(&store->sync_error, 0);
    atomic_store(&store->n_writes_done, atomic_load(&store->n_writes_begun));
    atomic_store(&store->is_torn, false);
    store->engine = engine;
    return 0;
}

static void note_round(struct store *store)
{
    atomic_fetch_add_explicit(&store->n_rounds, 1, memory_order_relaxed);
}

static int write_all(struct store *store, struct engine_error *ret_error)
{
    int r = 0;
    note_round(store);
    if (store->engine == NULL) {
        store_set_at_disk(store, true);
        r = reopen_engine(store, ret_error);
        store_set_at_disk(store, false);
    }
    while (r == 0) {
        note_round(store);
        r = atomic_load(&store->sync_error);
        if (r < 0) {
            (void)snprintf(ret_error->text, sizeof(ret_error->text), "not synced: %s", strerror(-r));
            break;
        }
        r = change_writer_step(store, ret_error);
    }
    return r;
}

/* Writes all there is. Whether it could. */
static bool work(struct store *store)
{
    struct engine_error error = {""};
    int r = write_all(store, &error);
    if (r < 0) {
        note_failure(store, r, &error);
        store_set_at_disk(store, true);
        engine_close(take_pointer(store->engine));
        store_set_at_disk(store, false);
        return false;
    }
    note_success(store);
    commit_log_mend(store);
    return true;
}

static void clear(int fd)
{
    uint64_t n;
    (void)!read(fd, &n, sizeof(n));
}

/* Until there is something to do; for `timeout_ms` (-1: as long as it takes) if it is not the changes that
 * are waited for. */
static void wait_for_control(struct store *store, int timeout_ms)
{
    struct pollfd fd = {.fd = store->control_fd, .events = POLLIN};
    (void)poll(&fd, 1, timeout_ms);
}

static bool may_gather(const struct store *store)
{
    return store->config.durability == STORE_RELAXED || commit_log_is_whole(store);
}

static void wait_for_work(struct store *store)
{
    struct pollfd fds[] = {
        {.fd = store->changes_fd, .events = POLLIN},
        {.fd = store->control_fd, .events = POLLIN},
    };
    (void)poll(fds, 2, -1);
    if (fds[1].revents == 0 && may_gather(store)) {
        wait_for_control(store, GATHER_MS);
    }
    clear(store->changes_fd);
    clear(store->control_fd);
}

void writer_thread_wake(struct store *store)
{
    const uint64_t one = 1;
    (void)!write(store->control_fd, &one, sizeof(one));
}

void *writer_thread_run(void *cls)
{
    struct store *store = cls;
    bool stopping = false;
    while (!stopping) {
        /* Looked at before the work, so that all that came before it is done. */
        stopping = atomic_load(&store->stopping);
        if (work(store)) {
            if (!stopping) {
                wait_for_work(store);
            }
        } else if (!stopping) {
            wait_for_control(store, RETRY_INTERVAL_MS);
            clear(store->control_fd);
        } else {
            (void)work(store);
        }
    }
    return NULL;
}
