/* SPDX-License-Identifier: MIT */
#include "line.h"
#include "output.h"
#include "progress.h"

#include "presenced/snapshot.h"
#include "presenced/transfer.h"

#include <errno.h>
#include <inttypes.h>

/* One export. */
struct export
{
    const char *path;
    struct snapshot *snapshot;
    struct output output;
    struct buf line;
    struct progress progress;
    uint64_t n_users;
};

static int complain(const char *problem)
{
    (void)fprintf(stderr, "presenced: %s\n", problem);
    return 1;
}

static int complain_of_file(const struct export *export, int r)
{
    (void)fprintf(stderr, "presenced: %s: %s\n", export->path, strerror(-r));
    return 1;
}

/* 0, or 1 after it has been said. */
static int write_line(struct export *export)
{
    int r = export->line.failed ? -ENOMEM : output_write(&export->output, buf_str(&export->line));
    buf_clear(&export->line);
    return r < 0 ? complain_of_file(export, r) : 0;
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
    }
    return r < 0 ? complain(problem) : 0;
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
        progress_tell(&export->progress, ++export->n_users);
    }
    progress_end(&export->progress, export->n_users);
    return r < 0 ? complain(problem) : 0;
}

static int write_all(struct export *export)
{
    line_write_header(&export->line);
    if (write_line(export) != 0 || write_apps(export) != 0 || write_users(export) != 0) {
        return 1;
    }
    int r = output_finish(&export->output);
    if (r < 0) {
        return complain_of_file(export, r);
    }
    (void)fprintf(stderr, "presenced: %" PRIu64 " users exported\n", export->n_users);
    return 0;
}

static int write_snapshot(struct export *export)
{
    int r = output_open(export->path, &export->output);
    if (r < 0) {
        return complain_of_file(export, r);
    }
    r = write_all(export);
    output_fini(&export->output);
    return r;
}

int transfer_export(const struct config *config, const char *path)
{
    char problem[STORE_PROBLEM_SIZE];
    cleanup(snapshot_freep) struct snapshot *snapshot = NULL;
    if (snapshot_open(config->store.path, config->store.memory_bytes, &snapshot, problem) < 0) {
        return complain(problem);
    }
    struct export export = {.path = path, .snapshot = snapshot, .progress = progress_begin("exported")};
    int r = write_snapshot(&export);
    buf_fini(&export.line);
    return r;
}
