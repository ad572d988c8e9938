/* SPDX-License-Identifier: MIT */
#include "identity.h"
#include "line.h"
#include "output.h"
#include "progress.h"

#include "presenced/snapshot.h"
#include "presenced/transfer.h"

#include <errno.h>
#include <inttypes.h>

/* State of an export. The output is opened and renamed by the user that runs the program; the store is read
 * as its owner, which for root happens in another process. */
struct export
{
    const struct config_store *config;
    const char *path;
    struct snapshot *snapshot;
    struct output output;
    struct buf line;
    struct progress progress;
    uint64_t n_apps;
    uint64_t n_users;
};

static int report(const char *problem)
{
    (void)fprintf(stderr, "presenced: %s\n", problem);
    return 1;
}

static int report_file(const struct export *export, int r)
{
    (void)fprintf(stderr, "presenced: %s: %s%s\n", export->path, strerror(-r),
                  r == -EFBIG ? " (for the limit on the size of files, ulimit -f)" : "");
    return 1;
}

/* Returns 0, or 1 after reporting the error. */
static int write_line(struct export *export)
{
    int r = export->line.failed ? -ENOMEM : output_write(&export->output, buf_str(&export->line));
    buf_clear(&export->line);
    if (r < 0) {
        progress_end(&export->progress, export->n_users);
        return report_file(export, r);
    }
    return 0;
}

static int write_apps(struct export *export)
{
    char problem[STORE_PROBLEM_SIZE];
    struct snapshot_app app;
    int r;
    while ((r = snapshot_next_app(export->snapshot, &app, problem)) == 0) {
        if (app.forgotten_before_ms == 0) {
            continue;
        }
        line_write_app(&export->line, app.id, app.forgotten_before_ms);
        if (write_line(export) != 0) {
            return 1;
        }
        export->n_apps++;
    }
    return r < 0 ? report(problem) : 0;
}

static int write_users(struct export *export)
{
    char problem[STORE_PROBLEM_SIZE];
    const struct platform_names *names = snapshot_platform_names(export->snapshot);
    struct user user;
    uint64_t app_id;
    int r;
    while ((r = snapshot_next_user(export->snapshot, &app_id, &user, problem)) == 0) {
        line_write_user(&export->line, app_id, names, &user);
        if (write_line(export) != 0) {
            return 1;
        }
        progress_update(&export->progress, ++export->n_users);
    }
    progress_end(&export->progress, export->n_users);
    return r < 0 ? report(problem) : 0;
}

static int write_end(struct export *export)
{
    line_write_end(&export->line, export->n_apps, export->n_users);
    if (write_line(export) != 0) {
        return 1;
    }
    int r = output_flush(&export->output);
    if (r < 0) {
        return report_file(export, r);
    }
    (void)fprintf(stderr, "presenced: %" PRIu64 " users exported\n", export->n_users);
    return 0;
}

static int write_snapshot(struct export *export)
{
    line_write_header(&export->line);
    if (write_line(export) != 0 || write_apps(export) != 0 || write_users(export) != 0) {
        return 1;
    }
    return write_end(export);
}

/* Runs as the store's owner. */
static int write_all(void *cls)
{
    struct export *export = cls;
    char problem[STORE_PROBLEM_SIZE];
    int r = snapshot_open(export->config->path, export->config->memory_bytes, &export->snapshot, problem);
    r = r < 0 ? report(problem) : write_snapshot(export);
    snapshot_free(export->snapshot);
    buf_fini(&export->line);
    return r;
}

int transfer_export(const struct config_store *config, const char *path)
{
    struct export export = {.config = config, .path = path, .progress = progress_begin("exported")};
    int r = output_open(path, &export.output);
    if (r < 0) {
        return report_file(&export, r);
    }
    r = identity_run(config->path, write_all, &export);
    if (r == 0) {
        r = output_finish(&export.output);
        r = r < 0 ? report_file(&export, r) : 0;
    }
    output_fini(&export.output);
    return r;
}
