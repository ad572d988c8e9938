/* SPDX-License-Identifier: MIT */
/* The store is opened with its table as the daemon opens it; each line is merged into the table, and the
 * store's thread writes what changed. Nothing is dropped meanwhile, whatever max_users says: that is for the
 * daemon, which knows all users by then. */
#include "line.h"
#include "progress.h"

#include "presenced/clock.h"
#include "presenced/store.h"
#include "presenced/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>

/* Changes that the store may be behind: so many of the largest users fit the change log. */
#define LAG_MAX 4096
#define WAIT_MS 1

/* One import. */
struct import {
    const struct config *config;
    const char *path;
    FILE *file;
    struct table *table;
    struct store *store;
    uint64_t n_lines;
    uint64_t n_users;
    uint64_t n_changed;
    uint64_t n_forgotten;
    struct progress progress;
    struct line line;
    char text[LINE_SIZE_MAX];
    uint64_t forgotten_before_ms[TABLE_N_APPS_MAX]; /* of the file, by the table's apps */
};

static int complain(const char *problem)
{
    (void)fprintf(stderr, "presenced: %s\n", problem);
    return 1;
}

static int complain_of_line(struct import *import, const char *problem)
{
    progress_end(&import->progress, import->n_users);
    (void)fprintf(stderr, "presenced: %s:%" PRIu64 ": %s\n", import->path, import->n_lines, problem);
    return 1;
}

#define END_OF_FILE 1
#define LINE_TOO_LONG 2

/* The next line, in `text`. */
static int read_line(struct import *import, size_t *ret_len)
{
    size_t len = 0;
    int c;
    while ((c = getc_unlocked(import->file)) != EOF && c != '\n') {
        if (len == sizeof(import->text)) {
            return LINE_TOO_LONG;
        }
        import->text[len++] = (char)c;
    }
    if (c == EOF && ferror(import->file) != 0) {
        return -EIO;
    }
    *ret_len = len;
    return c == EOF && len == 0 ? END_OF_FILE : 0;
}

/* Reads and parses. 0, END_OF_FILE, or below 0 after it has been said. */
static int next_line(struct import *import)
{
    char problem[LINE_PROBLEM_SIZE];
    size_t len = 0;
    int r = read_line(import, &len);
    if (r == END_OF_FILE) {
        return END_OF_FILE;
    }
    import->n_lines++;
    if (r != 0) {
        (void)complain_of_line(import,
                               r == LINE_TOO_LONG ? "longer than any line of an export" : "cannot be read");
        return -EIO;
    }
    r = line_parse((struct str){import->text, len}, table_platform_names(import->table), &import->line,
                   problem);
    if (r != 0) {
        (void)complain_of_line(import, r < 0 ? strerror(-r) : problem);
        return -EINVAL;
    }
    if ((import->n_lines == 1) != (import->line.kind == LINE_HEADER)) {
        (void)complain_of_line(import, import->n_lines == 1 ? "the first line does not name the format"
                                                            : "names the format again");
        return -EINVAL;
    }
    return 0;
}

static int find_app(struct import *import, uint16_t *ret_app)
{
    int found = table_find_app(import->table, import->line.app_id);
    if (found >= 0) {
        *ret_app = (uint16_t)found;
        return 0;
    }
    int r = table_add_app(import->table, import->line.app_id, ret_app);
    if (r < 0) {
        return complain_of_line(import, r == -ENOSPC ? "one app too many" : strerror(-r));
    }
    return 0;
}

/* Until the store is no further behind than that. */
static int await_lag(struct import *import, uint64_t max)
{
    struct store_stats stats;
    for (;;) {
        const char *problem = store_problem(import->store);
        if (problem != NULL) {
            progress_end(&import->progress, import->n_users);
            (void)fprintf(stderr, "presenced: %s: %s; not all lines up to %" PRIu64 " are stored\n",
                          import->config->store.path, problem, import->n_lines);
            return 1;
        }
        store_stats(import->store, &stats);
        if (stats.lag <= max) {
            return 0;
        }
        (void)poll(NULL, 0, WAIT_MS);
    }
}

static int merge_user(struct import *import, uint16_t app)
{
    struct table_applied applied;
    import->line.user.app = app;
    int r = table_merge_user(import->table, &import->line.user, clock_unix_ms(), &applied);
    if (r < 0) {
        return complain_of_line(import, strerror(-r));
    }
    import->n_changed += r == TABLE_CHANGED;
    import->n_forgotten += r == TABLE_FORGOTTEN;
    progress_tell(&import->progress, ++import->n_users);
    return r == TABLE_CHANGED ? await_lag(import, LAG_MAX) : 0;
}

static int merge_line(struct import *import)
{
    uint16_t app;
    if (import->line.kind == LINE_HEADER) {
        return 0;
    }
    if (find_app(import, &app) != 0) {
        return 1;
    }
    if (import->line.kind == LINE_USER) {
        return merge_user(import, app);
    }
    if (import->forgotten_before_ms[app] < import->line.forgotten_before_ms) {
        import->forgotten_before_ms[app] = import->line.forgotten_before_ms;
    }
    return 0;
}

/* Last of all: the file's own users are not those that it has forgotten, and when an import that ended early
 * is begun again, none of them must count as such. */
static void merge_forgotten(struct import *import)
{
    for (unsigned app = 0; app < table_n_apps(import->table); app++) {
        table_raise_forgotten(import->table, (uint16_t)app, import->forgotten_before_ms[app],
                              clock_unix_ms());
    }
    store_note_apps(import->store);
}

static int merge_lines(struct import *import)
{
    int r;
    do {
        if (merge_line(import) != 0) {
            return 1;
        }
        r = next_line(import);
    } while (r == 0);
    if (r < 0) {
        return 1;
    }
    merge_forgotten(import);
    if (await_lag(import, 0) != 0) {
        return 1;
    }
    progress_end(&import->progress, import->n_users);
    (void)fprintf(stderr,
                  "presenced: %" PRIu64 " users imported: %" PRIu64 " were new or changed, %" PRIu64
                  " had been forgotten since\n",
                  import->n_users, import->n_changed, import->n_forgotten);
    return 0;
}

static int make_table(struct import *import)
{
    uint16_t app;
    const struct table_config table_config = {
        .push_online_window_ms = import->config->presence.push_online_window_ms,
    };
    int r = table_new(&table_config, &import->table);
    for (size_t i = 0; r == 0 && i < import->config->n_apps; i++) {
        r = table_add_app(import->table, import->config->apps[i].id, &app);
    }
    return r < 0 ? complain(strerror(-r)) : 0;
}

static int open_store(struct import *import)
{
    char problem[STORE_PROBLEM_SIZE];
    const struct store_config config = {
        .path = import->config->store.path,
        .durability = STORE_COMMIT,
        .memory_bytes = import->config->store.memory_bytes,
        .table = import->table,
    };
    return store_open(&config, &import->store, problem) < 0 ? complain(problem) : 0;
}

/* The first line is read before the store is touched: a file of another kind leaves no trace. */
static int import_file(struct import *import)
{
    if (make_table(import) != 0) {
        return 1;
    }
    int r = next_line(import);
    if (r != 0) {
        import->n_lines = 1;
        return r == END_OF_FILE ? complain_of_line(import, "nothing is there") : 1;
    }
    return open_store(import) != 0 ? 1 : merge_lines(import);
}

static FILE *open_file(const char *path)
{
    return strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
}

int transfer_import(const struct config *config, const char *path)
{
    cleanup(cleanup_freep) struct import *import = calloc(1, sizeof(*import));
    FILE *file = import == NULL ? NULL : open_file(path);
    if (file == NULL) {
        (void)fprintf(stderr, "presenced: %s: %s\n", path, strerror(errno));
        return 1;
    }
    import->config = config;
    import->path = path;
    import->file = file;
    import->progress = progress_begin("imported");
    int r = import_file(import);
    store_close(import->store);
    table_free(import->table);
    (void)fclose(file);
    return r;
}
