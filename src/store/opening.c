/* SPDX-License-Identifier: MIT */
/* Opens a store. With a damaged WAL, RocksDB 7.8.3 silently opens with less data than there was; if the first
 * record is damaged, with nothing at all. Because opening also writes, data that could still have been
 * recovered is then lost. So:
 *
 *   1. Lock SYNCED, which has the layout, the state, and what was known to be synced.
 *   2. Open the engine read-only, and check that everything synced is there.
 *   3. Read the journal, if the last run was killed.
 *   4. Load the table from both, with checksums enabled.
 *   5. Only then open the engine for writing, and write what the journal had.
 *
 * An incomplete end of the WAL, after what was synced, is truncated in step 5. Every other problem is found
 * before that. */
#include "opening.h"

#include "batch.h"
#include "commit_log.h"
#include "files.h"
#include "folder.h"
#include "journal.h"
#include "loader.h"
#include "pending.h"

#include "presenced/clock.h"
#include "presenced/event_history.h"
#include "presenced/log.h"
#include "presenced/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

/* The folder of a new store is accessible to its user only; RocksDB creates its files with the mode that
 * umask allows. */
#define FOLDER_MODE 0700

struct opening {
    const struct store_config *config;
    struct folder *folder;
    struct batch *batch;
    struct commit_log *commit_log;
    char *problem;                   /* STORE_PROBLEM_SIZE */
    struct layout_position position; /* position of the last run */
    struct pending pending;          /* what the last run has left in its journal */
    struct opening_result result;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct opening *opening, int r,
                                                      const char *format, ...)
{
    va_list arguments;
    int len = snprintf(opening->problem, STORE_PROBLEM_SIZE, "%s: ", opening->config->path);
    size_t at = (size_t)len < STORE_PROBLEM_SIZE ? (size_t)len : STORE_PROBLEM_SIZE - 1;
    va_start(arguments, format);
    (void)vsnprintf(opening->problem + at, STORE_PROBLEM_SIZE - at, format, arguments);
    va_end(arguments);
    return r;
}

static int fail_damaged(const struct opening *opening, const char *what)
{
    return fail(opening, -EBADMSG,
                "damaged: %s; nothing was changed: restore a copy, or begin with an empty folder", what);
}

static int fail_for(const struct opening *opening, int r, const char *what)
{
    switch (r) {
    case -EBADMSG:
        return fail_damaged(opening, what);
    case -EBUSY:
        return fail(opening, r, "in use by another presenced");
    case -EPROTONOSUPPORT:
        return fail(opening, r, "written by a newer presenced (%s; this one knows up to layout %d)", what,
                    LAYOUT_VERSION);
    case -EROFS:
    case -EACCES:
    case -EPERM:
        return fail(opening, r, "not writable: %s", strerror(-r));
    default:
        return fail(opening, r, "%s%s%s", strerror(-r), what[0] == '\0' ? "" : ": ", what);
    }
}

static int open_folder(const struct opening *opening)
{
    const char *path = opening->config->path;
    bool made = mkdir(path, FOLDER_MODE) == 0;
    if (!made && errno != EEXIST) {
        return fail(opening, -errno, "cannot be made: %s", strerror(errno));
    }
    opening->folder->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opening->folder->fd < 0) {
        return fail(opening, -errno, "cannot be opened: %s", strerror(errno));
    }
    int r = made ? path_sync_parent(path) : 0;
    return r < 0 ? fail_for(opening, r, "") : 0;
}

/* Returns whether a file is one that RocksDB leaves in a folder in which it found nothing to open. Version
 * 0.1 did so whenever its folder was removed while in use. */
static bool is_leftover(struct str name)
{
    static const struct str old_log = STR("LOG.old.");
    uint64_t number;
    return str_equal(name, STR("LOCK")) || str_equal(name, STR("LOG")) ||
           (str_starts_with(name, old_log) &&
            str_parse_u64((struct str){name.ptr + old_log.len, name.len - old_log.len}, UINT64_MAX, &number));
}

/* Returns whether a store may be created in the folder: it has nothing but an empty SYNCED, a history,
 * leftovers of RocksDB, or files of the file system itself. */
static int inspect_folder(const struct opening *opening, bool *ret_is_empty, bool *ret_has_engine)
{
    bool is_empty = true;
    bool has_engine = false;
    const struct dirent *entry;
    DIR *folder = opendir(opening->config->path);
    if (folder == NULL) {
        return fail(opening, -errno, "cannot be opened: %s", strerror(errno));
    }
    while ((entry = readdir(folder)) != NULL) {
        struct str name = str_from(entry->d_name);
        has_engine = has_engine || str_equal(name, STR("CURRENT"));
        is_empty = is_empty && (str_equal(name, STR(".")) || str_equal(name, STR("..")) ||
                                str_equal(name, STR("SYNCED")) || str_equal(name, STR("lost+found")) ||
                                str_equal(name, STR(EVENT_HISTORY_FOLDER)) || is_leftover(name));
    }
    (void)closedir(folder);
    *ret_is_empty = is_empty;
    *ret_has_engine = has_engine;
    return 0;
}

static int open_superblock(const struct opening *opening)
{
    bool is_empty = false;
    bool has_engine = false;
    uint32_t version = 0;
    char words[32];
    int r = inspect_folder(opening, &is_empty, &has_engine);
    if (r < 0) {
        return r;
    }
    r = superblock_open(opening->folder->fd, is_empty, &opening->folder->superblock, &version);
    switch (r) {
    case SUPERBLOCK_NONE:
        return has_engine ? fail_damaged(opening, "its file SYNCED is missing")
                          : fail(opening, -EBADMSG, "holds other files but no store; nothing was changed");
    case SUPERBLOCK_DAMAGED:
        return fail_damaged(opening, "its file SYNCED is not as it was written");
    case SUPERBLOCK_NEWER:
        (void)snprintf(words, sizeof(words), "layout %u", version);
        return fail_for(opening, -EPROTONOSUPPORT, words);
    case SUPERBLOCK_BUSY:
        return fail_for(opening, -EBUSY, "");
    default:
        return r < 0 ? fail_for(opening, r, "") : 0;
    }
}

/* Writes the batch and syncs it. */
static int commit(const struct opening *opening)
{
    struct engine_error error = {""};
    int r = batch_commit(opening->batch, &error);
    /* Written to both places of SYNCED, so that neither describes an older state. */
    for (unsigned place = 0; r == 0 && place < 2; place++) {
        r = folder_sync(opening->folder, opening->batch, SUPERBLOCK_OPEN,
                        engine_last_sequence(batch_engine(opening->batch)));
    }
    return r < 0 ? fail_for(opening, r, error.text) : 0;
}

/* Writes the pending pairs to the engine, after which the journal of the last run is no longer needed. */
static int write_pending(const struct opening *opening)
{
    static const struct layout_position no_journal;
    if (opening->position.run == 0) {
        return 0;
    }
    log_notice("taken from the journal", log_u64("pairs", opening->pending.n));
    batch_begin(opening->batch);
    batch_put_pending(opening->batch, &opening->pending);
    batch_put_position(opening->batch, &no_journal);
    int r = commit(opening);
    if (r < 0) {
        return r;
    }
    journal_remove_all(opening->folder->fd);
    return 0;
}

/* Writes what the engine must have before users are written; after this the store is in use. */
static int begin_run(const struct opening *opening)
{
    int r = commit_log_prepare(opening->commit_log, opening->position.run);
    if (r < 0) {
        return fail_for(opening, r, "its journal");
    }
    const struct layout_position position = commit_log_position(opening->commit_log, 0);
    batch_begin(opening->batch);
    batch_put_meta(opening->batch);
    batch_put_position(opening->batch, &position);
    return commit(opening);
}

static int make_engine(const struct opening *opening)
{
    struct engine *engine;
    struct engine_error error = {""};
    if (fchmod(opening->folder->fd, FOLDER_MODE) != 0 || fsync(opening->folder->fd) != 0) {
        return fail_for(opening, -errno, "");
    }
    int r = engine_create(opening->config->path, opening->config->memory_bytes, &engine, &error);
    if (r < 0) {
        return fail_for(opening, r, error.text);
    }
    batch_set_engine(opening->batch, engine);
    return 0;
}

/* Checks that everything that was synced is there. */
static int check_synced(const struct folder *folder, const struct engine *engine,
                        struct engine_error *ret_error)
{
    const struct superblock_mark *mark = &folder->superblock.mark;
    uint64_t sequence = engine_last_sequence(engine);
    if (sequence < mark->sequence) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text),
                       "%" PRIu64 " of the last changes that were on disk are gone",
                       mark->sequence - sequence);
        return -EBADMSG;
    }
    int r = files_check(folder->fd, &mark->files, engine_min_log(engine));
    if (r == -EBADMSG) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text),
                       "its manifest or log is not the last, or was cut");
    }
    return r;
}

static int load_from(struct opening *opening, struct engine *engine, struct engine_error *ret_error)
{
    const struct loader_source source = {engine, &opening->pending};
    uint64_t before_us = clock_monotonic_us();
    int r = loader_check_cancelled(opening->config);
    if (r < 0) {
        return r;
    }
    r = check_synced(opening->folder, engine, ret_error);
    if (r < 0) {
        return r;
    }
    r = loader_read_position(engine, &opening->position, ret_error);
    if (r < 0) {
        return r;
    }
    r = pending_read(opening->folder->fd, &opening->position, false, &opening->pending, ret_error);
    if (r < 0) {
        return r;
    }
    r = loader_run(opening->config, &source, &opening->result.n_users_loaded, ret_error);
    if (r < 0) {
        return r;
    }
    opening->result.load_ms = (clock_monotonic_us() - before_us) / 1000;
    return loader_check_cancelled(opening->config);
}

/* Loads the engine without modifying it. */
static int load(struct opening *opening, uint64_t *ret_sequence)
{
    struct engine_error error = {""};
    cleanup(engine_closep) struct engine *engine = NULL;
    int r = engine_open_read_only(opening->config->path, opening->config->memory_bytes, &engine, &error);
    if (r < 0) {
        return fail_for(opening, r, error.text);
    }
    r = load_from(opening, engine, &error);
    if (r < 0) {
        return fail_for(opening, r, error.text);
    }
    *ret_sequence = engine_last_sequence(engine);
    return 0;
}

static int open_engine(struct opening *opening)
{
    struct engine_error error = {""};
    struct engine *engine;
    uint64_t sequence = 0;
    int r = load(opening, &sequence);
    if (r < 0) {
        return r;
    }
    r = engine_open(opening->config->path, opening->config->memory_bytes, &engine, &error);
    if (r < 0) {
        return fail_for(opening, r, error.text);
    }
    batch_set_engine(opening->batch, engine);
    if (engine_last_sequence(engine) != sequence) {
        return fail_for(opening, -EBADMSG, "changed while it was being opened");
    }
    batch_set_known(opening->batch, platform_count(table_platform_names(opening->config->table)), 0);
    return write_pending(opening);
}

static int open_steps(struct opening *opening)
{
    int r = open_folder(opening);
    if (r < 0) {
        return r;
    }
    r = open_superblock(opening);
    if (r < 0) {
        return r;
    }
    enum superblock_state state = opening->folder->superblock.state;
    opening->result.was_closed = state == SUPERBLOCK_CLOSED;
    r = state == SUPERBLOCK_CREATING ? make_engine(opening) : open_engine(opening);
    if (r < 0) {
        return r;
    }
    return begin_run(opening);
}

int opening_run(const struct store_config *config, struct folder *folder, struct batch *batch,
                struct commit_log *commit_log, struct opening_result *ret_result,
                char ret_problem[static STORE_PROBLEM_SIZE])
{
    struct opening opening = {
        .config = config,
        .folder = folder,
        .batch = batch,
        .commit_log = commit_log,
        .problem = ret_problem,
    };
    int r = open_steps(&opening);
    pending_fini(&opening.pending);
    if (r < 0) {
        return r;
    }
    *ret_result = opening.result;
    return 0;
}
