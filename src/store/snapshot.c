/* SPDX-License-Identifier: MIT */
/* RocksDB can open a database for reading while another process writes it, without its lock: it reads the
 * manifest, tables and WAL files one after another. If the writer deletes a WAL file in between, the library
 * (7.8.3) does not notice, and its content would silently be missing. But before the writer deletes a file it
 * writes a manifest without that file. So if the manifest has not changed by the time everything is open, the
 * view is complete, as of some moment in between. Otherwise it is opened again. */
#include "layout.h"
#include "loader.h"
#include "superblock.h"

#include "presenced/clock.h"
#include "presenced/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#define TRIES_MS 30000

struct snapshot {
    const char *path; /* owned copy */
    int folder_fd;
    struct engine *engine;
    struct pending pending; /* what a killed run has left in its journal */
    struct platform_names *names;
    unsigned n_platforms;
    struct pending_cursor *apps;
    struct pending_cursor *users;
};

static int fail(const char *path, int r, const char *what, char ret_problem[static STORE_PROBLEM_SIZE])
{
    const char *kind = strerror(-r);
    switch (r) {
    case -EBADMSG:
        kind = "damaged";
        break;
    case -EPROTONOSUPPORT:
        kind = "written by a newer presenced";
        break;
    case -EAGAIN:
        kind = "written too fast to be read meanwhile";
        break;
    case -ENOENT:
        kind = what[0] == '\0' ? kind : "there is no store";
        break;
    default:
        break;
    }
    (void)snprintf(ret_problem, STORE_PROBLEM_SIZE, "%s: %s%s%s", path, kind, what[0] == '\0' ? "" : ": ",
                   what);
    return r;
}

static int read_mark(const struct snapshot *snapshot, struct superblock_mark *ret_mark,
                     struct engine_error *ret_error)
{
    enum superblock_state state = SUPERBLOCK_CREATING;
    uint32_t version = 0;
    int r = superblock_read(snapshot->folder_fd, &state, ret_mark, &version);
    switch (r) {
    case 0:
        break;
    case SUPERBLOCK_NEWER:
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "layout %u", version);
        return -EPROTONOSUPPORT;
    case SUPERBLOCK_DAMAGED:
        *ret_error = (struct engine_error){"its file SYNCED is not as it was written"};
        return -EBADMSG;
    case SUPERBLOCK_NONE:
        *ret_error = (struct engine_error){"the folder holds none"};
        return -ENOENT;
    default:
        return r;
    }
    if (state == SUPERBLOCK_CREATING) {
        *ret_error = (struct engine_error){"nothing was stored yet"};
        return -ENOENT;
    }
    return 0;
}

/* Checks that everything that was synced is there. */
static int check_mark(const struct snapshot *snapshot, const struct superblock_mark *mark,
                      struct engine_error *ret_error)
{
    int r = files_check(snapshot->folder_fd, &mark->files, engine_min_log(snapshot->engine));
    if (r == 0 && engine_last_sequence(snapshot->engine) < mark->sequence) {
        r = -EBADMSG;
    }
    if (r == -EBADMSG) {
        *ret_error = (struct engine_error){"some of what was on disk is gone"};
    }
    return r;
}

static int read_pending(struct snapshot *snapshot, struct engine_error *ret_error)
{
    struct layout_position position;
    bool is_in_use = superblock_is_in_use(snapshot->folder_fd);
    int r = loader_read_position(snapshot->engine, &position, ret_error);
    if (r < 0) {
        return r;
    }
    return pending_read(snapshot->folder_fd, &position, is_in_use, &snapshot->pending, ret_error);
}

static int open_engine(struct snapshot *snapshot, uint64_t memory_bytes, struct engine_error *ret_error)
{
    struct superblock_mark mark;
    int r = read_mark(snapshot, &mark, ret_error);
    if (r < 0) {
        return r;
    }
    r = engine_open_beside(snapshot->path, memory_bytes, &snapshot->engine, ret_error);
    if (r < 0) {
        return r;
    }
    r = check_mark(snapshot, &mark, ret_error);
    if (r < 0) {
        return r;
    }
    return read_pending(snapshot, ret_error);
}

/* Retries if the manifest has changed, or if a daemon has just started, because it removes the journal of the
 * previous run. */
static int open_consistent(struct snapshot *snapshot, uint64_t memory_bytes, struct engine_error *ret_error)
{
    uint64_t end_ms = clock_monotonic_ms() + TRIES_MS;
    int r;
    do {
        struct file_mark before = {0};
        struct file_mark after = {0};
        *ret_error = (struct engine_error){""};
        int r_before = files_manifest(snapshot->folder_fd, &before);
        r = open_engine(snapshot, memory_bytes, ret_error);
        int r_after = files_manifest(snapshot->folder_fd, &after);
        bool at_rest = r_before == r_after && before.number == after.number &&
                       before.size_bytes == after.size_bytes;
        if (at_rest && (r != -EBADMSG || !superblock_is_in_use(snapshot->folder_fd))) {
            return r;
        }
        pending_fini(&snapshot->pending);
        engine_close(take_pointer(snapshot->engine));
    } while (clock_monotonic_ms() < end_ms);
    return r < 0 ? r : -EAGAIN;
}

static struct pending_cursor *open_cursor(const struct snapshot *snapshot, enum layout_kind kind)
{
    const uint8_t from = (uint8_t)kind;
    const uint8_t to = (uint8_t)(kind + 1);
    return pending_cursor_new(&snapshot->pending, snapshot->engine, (struct str){(const char *)&from, 1},
                              (struct str){(const char *)&to, 1});
}

static int open_parts(struct snapshot *snapshot, uint64_t memory_bytes, struct engine_error *ret_error)
{
    snapshot->folder_fd = open(snapshot->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (snapshot->folder_fd < 0) {
        return -errno;
    }
    int r = open_consistent(snapshot, memory_bytes, ret_error);
    if (r < 0) {
        return r;
    }
    r = platform_names_new(&snapshot->names);
    if (r < 0) {
        return r;
    }
    const struct loader_source source = {snapshot->engine, &snapshot->pending};
    r = loader_read_names(&source, snapshot->names, ret_error);
    if (r < 0) {
        return r;
    }
    snapshot->n_platforms = platform_count(snapshot->names);
    snapshot->apps = open_cursor(snapshot, LAYOUT_APP);
    snapshot->users = open_cursor(snapshot, LAYOUT_USER);
    return snapshot->apps == NULL || snapshot->users == NULL ? -ENOMEM : 0;
}

int snapshot_open(const char *path, uint64_t memory_bytes, struct snapshot **ret_snapshot,
                  char ret_problem[static STORE_PROBLEM_SIZE])
{
    struct engine_error error = {""};
    cleanup(snapshot_freep) struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL) {
        return fail(path, -ENOMEM, "", ret_problem);
    }
    snapshot->folder_fd = -1;
    snapshot->path = strdup(path);
    int r = snapshot->path == NULL ? -ENOMEM : open_parts(snapshot, memory_bytes, &error);
    if (r < 0) {
        return fail(path, r, error.text, ret_problem);
    }
    *ret_snapshot = take_pointer(snapshot);
    return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL) {
        return;
    }
    pending_cursor_free(snapshot->apps);
    pending_cursor_free(snapshot->users);
    pending_fini(&snapshot->pending);
    engine_close(snapshot->engine);
    platform_names_free(snapshot->names);
    cleanup_closep(&snapshot->folder_fd);
    free((char *)snapshot->path);
    free(snapshot);
}

const struct platform_names *snapshot_platform_names(const struct snapshot *snapshot)
{
    return snapshot->names;
}

int snapshot_next_app(struct snapshot *snapshot, struct snapshot_app *ret_app,
                      char ret_problem[static STORE_PROBLEM_SIZE])
{
    struct engine_error error = {""};
    struct str key;
    struct str value;
    struct layout_app app;
    int r = pending_cursor_next(snapshot->apps, &key, &value, &error);
    if (r != 0) {
        return r < 0 ? fail(snapshot->path, r, error.text, ret_problem) : SNAPSHOT_END;
    }
    if (layout_read_app(key, value, &app) < 0) {
        return fail(snapshot->path, -EBADMSG, "a stored app is not as it was written", ret_problem);
    }
    *ret_app = (struct snapshot_app){app.id, app.forgotten_before_ms};
    return 0;
}

int snapshot_next_user(struct snapshot *snapshot, uint64_t *ret_app_id, struct user *ret_user,
                       char ret_problem[static STORE_PROBLEM_SIZE])
{
    struct engine_error error = {""};
    struct str key;
    struct str value;
    uint64_t app_id;
    struct str id;
    uint8_t record[RECORD_SIZE_MAX];
    int r = pending_cursor_next(snapshot->users, &key, &value, &error);
    if (r != 0) {
        return r < 0 ? fail(snapshot->path, r, error.text, ret_problem) : SNAPSHOT_END;
    }
    if (layout_read_user_key(key, &app_id, &id) < 0 ||
        layout_read_user(key, value, 0, snapshot->n_platforms, record) < 0) {
        return fail(snapshot->path, -EBADMSG, "a stored user is not as it was written", ret_problem);
    }
    *ret_app_id = app_id;
    record_decode(record, ret_user);
    return 0;
}
