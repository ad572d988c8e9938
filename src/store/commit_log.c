/* SPDX-License-Identifier: MIT */
/* With STORE_COMMIT a change is put into the journal by the thread that makes it, so its event need not wait
 * for the engine, and the writer thread may gather many changes for each batch. What that needs:
 *
 *   - the journal takes no more when what it holds is not in the engine yet; then events wait for the engine
 *   - the engine's batches say how far they go, so that a start knows what is to be taken from the journal
 *   - a change is on disk a second later: while the fsync thread does not keep up with that, events wait, too
 *
 * One file a run: a run that has ended in order leaves none. One whose file is lost on the way goes on
 * without: events wait for the engine, whose next batch says that there is no journal, until there is one of
 * a new number. */
#include "store_private.h"

#include "presenced/clock.h"
#include "presenced/log.h"

#include <assert.h>
#include <stdio.h>

static_assert(LAYOUT_KEY_MAX <= JOURNAL_KEY_MAX && LAYOUT_VALUE_MAX <= JOURNAL_VALUE_MAX, "all fit");

/* How long an fsync may take before changes are kept out of the mapped file. */
#define STUCK_AFTER_MS 200

/* Between files that are made in the place of lost ones. */
#define MEND_INTERVAL_MS 10000

static void on_change(void *cls, const struct change *change);

int commit_log_prepare(struct store *store)
{
    if (store->config.durability != STORE_COMMIT) {
        store->run = 0;
        return 0;
    }
    store->run++;
    store->n_names_journaled = store->n_names_written;
    store->n_apps_journaled = table_n_apps(store->config.table); /* the first batch has them */
    return journal_create(store->folder_fd, store->run, &store->journal);
}

void commit_log_start(struct store *store)
{
    store->observer = (struct changes_observer){.on_change = on_change, .cls = store};
    changes_observe(store->changes, &store->observer);
}

/* The engine must name the new file before anything is put there that is to count. A thread may be amid
 * putting what is lost: without the observer there is none. */
static int renew(struct store *store, struct engine_error *ret_error)
{
    changes_unobserve(store->changes, &store->observer);
    int r = journal_renew(store->journal, store->folder_fd, store->run + 1);
    if (r < 0) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", strerror(-r));
        return r;
    }
    store->run++;
    batch_begin(store);
    batch_put_position(store, store->run, store->position);
    r = batch_commit(store, ret_error);
    if (r == 0) {
        journal_resume(store->journal);
        commit_log_start(store);
    }
    return r;
}

void commit_log_mend(struct store *store)
{
    struct engine_error error = {""};
    uint64_t now_ms = clock_coarse_ms();
    if (store->journal == NULL || !journal_is_lost(store->journal) || now_ms < store->mends_from_ms ||
        store->rewrite.phase != REWRITE_NONE) {
        return;
    }
    store_set_at_disk(store, true);
    int r = renew(store, &error);
    store_set_at_disk(store, false);
    store->mends_from_ms = now_ms + MEND_INTERVAL_MS;
    if (r == 0) {
        log_error("the journal was cut, or could not be written: there is a new one",
                  log_u64("run", store->run));
    } else if (!store->is_journal_lost) {
        log_error("the journal was cut, or could not be written: events wait for the engine",
                  log_text("problem", error.text));
    }
    store->is_journal_lost = r < 0;
}

bool commit_log_is_whole(const struct store *store)
{
    return store->journal != NULL &&
           journal_revision(store->journal) >= changes_last_revision(store->changes);
}

static bool put(struct store *store, uint64_t revision, const struct layout_pair *pair, bool is_deleted)
{
    const struct journal_pair put = {
        .is_deleted = is_deleted,
        .key = layout_key(pair),
        .value = is_deleted ? STR("") : layout_value(pair),
    };
    return journal_put(store->journal, store_stored_revision(store), revision, &put);
}

static bool put_names(struct store *store, uint64_t revision)
{
    const struct platform_names *names = table_platform_names(store->config.table);
    unsigned n = platform_count(names);
    for (; store->n_names_journaled < n; store->n_names_journaled++) {
        struct layout_pair pair;
        uint8_t platform = (uint8_t)store->n_names_journaled;
        layout_write_platform(platform, platform_name(names, platform), &pair);
        if (!put(store, revision, &pair, false)) {
            return false;
        }
    }
    return true;
}

static bool put_app(struct store *store, uint64_t revision, unsigned app)
{
    struct layout_pair pair;
    batch_app_pair(store, (uint16_t)app, &pair);
    return put(store, revision, &pair, false);
}

/* New ones; and one of whose users one is dropped, for it says what it knew. */
static bool put_apps(struct store *store, const struct change *change, uint16_t app)
{
    unsigned n = table_n_apps(store->config.table);
    for (; store->n_apps_journaled < n; store->n_apps_journaled++) {
        if (!put_app(store, change->revision, store->n_apps_journaled)) {
            return false;
        }
    }
    return change->kind == CHANGE_UPDATED || put_app(store, change->revision, app);
}

static bool put_user(struct store *store, const struct change *change, uint16_t app)
{
    const uint8_t *record = (const uint8_t *)change->record.ptr;
    uint64_t app_id = table_app_id(store->config.table, app);
    struct layout_pair pair;
    if (change->kind == CHANGE_UPDATED) {
        layout_write_user(app_id, record, &pair);
    } else {
        layout_write_user_key(app_id, record_id(record), &pair);
    }
    return put(store, change->revision, &pair, change->kind != CHANGE_UPDATED);
}

/* A store to a mapped page that was written back meanwhile is a page fault, which waits for the file system's
 * own journal: where the disk stands still that blocks the thread after some seconds (ext4), with locks held.
 * The fsync thread is the first to be stuck.
 *
 * A file system that is frozen, for a snapshot, gives no such warning: whoever changes the table then waits
 * for the thaw, as a pwrite() would. To probe the file every millisecond, and keep out of it where the last
 * that got through is older than three, was too slow for 17 of 20 freezes under load. */
static bool is_disk_stuck(const struct store *store)
{
    uint64_t since_ms = atomic_load_explicit(&store->syncs_since_ms, memory_order_relaxed);
    return since_ms != 0 && clock_coarse_ms() > since_ms + STUCK_AFTER_MS;
}

/* One that is missing, for want of room or because the disk is stuck, leaves those after it of no use before
 * the engine has it. */
static void on_change(void *cls, const struct change *change)
{
    struct store *store = cls;
    uint64_t before = change->revision - 1;
    bool has_gap = journal_revision(store->journal) != before && store_stored_revision(store) < before;
    if (has_gap || is_disk_stuck(store)) {
        return;
    }
    uint16_t app = record_app((const uint8_t *)change->record.ptr);
    if (put_names(store, change->revision) && put_apps(store, change, app) && put_user(store, change, app)) {
        journal_complete(store->journal, change->revision);
    }
}
