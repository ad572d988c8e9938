/* SPDX-License-Identifier: MIT */
/* The store is opened with a table, as in the daemon; each line is merged into the table, and the store's
 * thread writes the changes. A file that can be read twice is checked completely first. No users are dropped
 * during the import, whatever max_users is: that is left to the daemon, which then knows all users. */
#include "identity.h"
#include "line.h"
#include "progress.h"

#include "presenced/clock.h"
#include "presenced/store.h"
#include "presenced/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

/* The number of changes that the store may lag behind; this many changes of the largest users fit the change
 * log. */
#define LAG_MAX 4096
#define WAIT_MS 1

/* Counters of what the import did. */
struct merged {
    uint64_t n_users_new;
    uint64_t n_users_changed;
    uint64_t n_users_same;
    uint64_t n_users_forgotten; /* their rows are not counted */
    uint64_t n_rows_new;
    uint64_t n_rows_newer;
    uint64_t n_rows_same;
    uint64_t n_rows_older;
};

/* State of an import. */
struct import {
    const struct config_store *config;
    const char *path;
    FILE *file;
    struct table *table;
    struct store *store;
    uint64_t version; /* version of the file's format */
    uint64_t n_lines;
    uint64_t n_apps;
    uint64_t n_users;
    bool has_end;
    struct merged merged;
    struct progress progress;
    struct line line;
    char text[LINE_SIZE_MAX];
    uint64_t forgotten_before_ms[TABLE_N_APPS_MAX]; /* values in the file, by app index */
};

static int report(const char *problem)
{
    (void)fprintf(stderr, "presenced: %s\n", problem);
    return 1;
}

static int report_line(struct import *import, const char *problem)
{
    progress_end(&import->progress, import->n_users);
    (void)fprintf(stderr, "presenced: %s:%" PRIu64 ": %s\n", import->path, import->n_lines, problem);
    return 1;
}

static int report_file(struct import *import, const char *problem)
{
    progress_end(&import->progress, import->n_users);
    (void)fprintf(stderr, "presenced: %s: %s\n", import->path, problem);
    return 1;
}

#define END_OF_FILE 1
#define LINE_TOO_LONG 2

/* Reads the next line into `text`, which is left unchanged at the end of the file. */
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
    if (c == EOF && len == 0) {
        return END_OF_FILE;
    }
    *ret_len = len;
    return 0;
}

static int parse_text(struct import *import, size_t len, char ret_problem[static LINE_PROBLEM_SIZE])
{
    return line_parse((struct str){import->text, len}, table_platform_names(import->table), &import->line,
                      ret_problem);
}

/* Returns what is wrong with a line at its position, or NULL. */
static const char *misplaced(const struct import *import)
{
    bool is_header = import->line.kind == LINE_HEADER;
    if ((import->n_lines == 1) != is_header) {
        return is_header ? "names the format again" : "the first line does not name the format";
    }
    return import->has_end ? "goes on behind the line that counts it" : NULL;
}

/* Reads and parses the next line. Returns 0, END_OF_FILE, or a value below 0 after reporting the error. */
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
        (void)report_line(import,
                          r == LINE_TOO_LONG ? "longer than any line of an export" : "cannot be read");
        return -EIO;
    }
    r = parse_text(import, len, problem);
    if (r != 0) {
        (void)report_line(import, r < 0 ? strerror(-r) : problem);
        return -EINVAL;
    }
    const char *wrong = misplaced(import);
    if (wrong != NULL) {
        (void)report_line(import, wrong);
        return -EINVAL;
    }
    return 0;
}

/* Reads up to the end; `text` then contains the last line. Returns as read_line(). */
static int skip_lines(struct import *import, uint64_t *n_lines, size_t *last_len)
{
    struct progress progress = progress_begin("checked");
    int r;
    while ((r = read_line(import, last_len)) == 0) {
        progress_update(&progress, ++*n_lines);
    }
    progress_end(&progress, *n_lines);
    return r;
}

/* Checks that the last line is there and has the right number of lines before it, if the format has such a
 * line. Invalid lines are left for next_line() to report. */
static int check_whole(struct import *import)
{
    char problem[LINE_PROBLEM_SIZE];
    uint64_t n_lines = 1;
    size_t len = 0;
    if (read_line(import, &len) != 0 || parse_text(import, len, problem) != 0 ||
        import->line.kind != LINE_HEADER || import->line.version == LINE_FORMAT_VERSION_UNCOUNTED ||
        skip_lines(import, &n_lines, &len) != END_OF_FILE) {
        return 0;
    }
    if (parse_text(import, len, problem) == 0 && import->line.kind == LINE_END &&
        import->line.n_apps + import->line.n_users + 2 == n_lines) {
        return 0;
    }
    return report_file(import, "was cut or is not whole: it does not end in the count of its lines; nothing "
                               "of it was imported");
}

/* Checks only files that can be read twice. */
static int check_file(struct import *import)
{
    struct stat status;
    off_t begin = ftello(import->file);
    if (begin < 0 || fstat(fileno(import->file), &status) != 0 || !S_ISREG(status.st_mode)) {
        return 0;
    }
    int r = check_whole(import);
    if (r == 0 && fseeko(import->file, begin, SEEK_SET) != 0) {
        r = report_file(import, strerror(errno));
    }
    return r;
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
        return report_line(import, r == -ENOSPC ? "one app too many" : strerror(-r));
    }
    return 0;
}

/* Waits until the store is at most `max` changes behind. */
static int wait_for_store(struct import *import, uint64_t max)
{
    struct store_stats stats;
    for (;;) {
        const char *problem = store_problem(import->store);
        if (problem != NULL) {
            progress_end(&import->progress, import->n_users);
            (void)fprintf(stderr, "presenced: %s: %s; not all lines up to %" PRIu64 " are stored\n",
                          import->config->path, problem, import->n_lines);
            return 1;
        }
        store_stats(import->store, &stats);
        if (stats.lag <= max) {
            return 0;
        }
        (void)poll(NULL, 0, WAIT_MS);
    }
}

/* Compares the rows of a user with those in the table; `known` is NULL if it is not there. */
static void count_rows(const struct user *user, const struct user *known, struct merged *merged)
{
    for (unsigned i = 0; i < user->n_rows; i++) {
        const struct row *there = known == NULL ? NULL : user_row(known, user->rows[i].platform);
        int order = there == NULL ? 0 : row_compare(&user->rows[i], there);
        merged->n_rows_new += there == NULL;
        merged->n_rows_newer += order > 0;
        merged->n_rows_same += there != NULL && order == 0;
        merged->n_rows_older += order < 0;
    }
}

static int merge_user(struct import *import, uint16_t app)
{
    struct table_applied applied;
    struct user known;
    const struct user *user = &import->line.user;
    import->line.user.app = app;
    bool is_known = table_get(import->table, app, user_id(user), &known) == 0;
    int r = table_merge_user(import->table, user, CHANGE_BY_IMPORT, clock_unix_ms(), &applied);
    if (r < 0) {
        return report_line(import, strerror(-r));
    }
    if (r == TABLE_FORGOTTEN) {
        import->merged.n_users_forgotten++;
    } else {
        count_rows(user, is_known ? &known : NULL, &import->merged);
        import->merged.n_users_new += !is_known;
        import->merged.n_users_changed += is_known && r == TABLE_CHANGED;
        import->merged.n_users_same += r == TABLE_UNCHANGED;
    }
    progress_update(&import->progress, ++import->n_users);
    return r == TABLE_CHANGED ? wait_for_store(import, LAG_MAX) : 0;
}

static int merge_line(struct import *import)
{
    uint16_t app;
    if (import->line.kind == LINE_HEADER) {
        import->version = import->line.version;
        return 0;
    }
    if (import->line.kind == LINE_END) {
        import->has_end = true;
        bool is_whole = import->line.n_apps == import->n_apps && import->line.n_users == import->n_users;
        return is_whole ? 0 : report_line(import, "not whole: lines are missing, or come twice");
    }
    if (find_app(import, &app) != 0) {
        return 1;
    }
    if (import->line.kind == LINE_USER) {
        return merge_user(import, app);
    }
    import->n_apps++;
    if (import->forgotten_before_ms[app] < import->line.forgotten_before_ms) {
        import->forgotten_before_ms[app] = import->line.forgotten_before_ms;
    }
    return 0;
}

/* Applied last, because forgotten_before must not exclude users in the file itself, also when an interrupted
 * import is repeated. */
static void merge_forgotten(struct import *import)
{
    for (unsigned app = 0; app < table_n_apps(import->table); app++) {
        table_raise_forgotten(import->table, (uint16_t)app, import->forgotten_before_ms[app],
                              clock_unix_ms());
    }
    store_write_apps(import->store);
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
    if (import->version != LINE_FORMAT_VERSION_UNCOUNTED && !import->has_end) {
        return report_file(import, "was cut: it does not end in the count of its lines");
    }
    merge_forgotten(import);
    return wait_for_store(import, 0);
}

static void report_merged(struct import *import, bool is_whole)
{
    const struct merged *merged = &import->merged;
    progress_end(&import->progress, import->n_users);
    (void)fprintf(stderr,
                  "presenced: %" PRIu64 " users imported%s: %" PRIu64 " new, %" PRIu64 " changed, %" PRIu64
                  " the same, %" PRIu64 " forgotten since; their rows: %" PRIu64 " new, %" PRIu64
                  " newer, %" PRIu64 " the same, %" PRIu64 " older than here\n",
                  import->n_users, is_whole ? "" : " all the same", merged->n_users_new,
                  merged->n_users_changed, merged->n_users_same, merged->n_users_forgotten,
                  merged->n_rows_new, merged->n_rows_newer, merged->n_rows_same, merged->n_rows_older);
}

/* Exports of this version are existing backups that cannot be restored otherwise, so they are accepted with a
 * warning. */
static void warn_about_version(const struct import *import)
{
    if (import->line.version == LINE_FORMAT_VERSION_UNCOUNTED) {
        (void)fprintf(
            stderr,
            "presenced: %s: of an older presenced, whose exports do not end in a count: whether it is "
            "whole cannot be known\n",
            import->path);
    }
}

static int make_table(struct import *import)
{
    /* Without windows; otherwise their ends would be written as changes. */
    const struct table_config table_config = {.push_online_window_ms = 0};
    int r = table_new(&table_config, &import->table);
    return r < 0 ? report(strerror(-r)) : 0;
}

static void report_loaded(void *cls, uint64_t n_users)
{
    progress_update_now(cls, n_users);
}

static int open_store(struct import *import)
{
    char problem[STORE_PROBLEM_SIZE];
    struct progress progress = progress_begin("loaded");
    const struct store_config config = {
        .path = import->config->path,
        .durability = STORE_COMMIT,
        .memory_bytes = import->config->memory_bytes,
        .table = import->table,
        .on_progress = report_loaded,
        .cls = &progress,
    };
    int r = store_open(&config, &import->store, problem);
    struct store_stats stats = {0};
    if (r == 0) {
        store_stats(import->store, &stats);
    }
    progress_end(&progress, stats.n_users_loaded);
    return r < 0 ? report(problem) : 0;
}

/* The file is checked before the store is opened, so that a wrong or truncated file has no effect. */
static int import_file(struct import *import)
{
    if (make_table(import) != 0 || check_file(import) != 0) {
        return 1;
    }
    int r = next_line(import);
    if (r != 0) {
        import->n_lines = 1;
        return r == END_OF_FILE ? report_line(import, "nothing is there") : 1;
    }
    warn_about_version(import);
    if (open_store(import) != 0) {
        return 1;
    }
    r = merge_lines(import);
    if (store_problem(import->store) == NULL) {
        report_merged(import, r == 0);
    }
    return r;
}

/* Runs as the store's owner. */
static int run(void *cls)
{
    struct import *import = cls;
    int r = import_file(import);
    store_close(import->store);
    table_free(import->table);
    return r;
}

static FILE *open_file(const char *path)
{
    return strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
}

int transfer_import(const struct config_store *config, const char *path)
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
    int r = identity_run(config->path, run, import);
    (void)fclose(file);
    return r;
}
