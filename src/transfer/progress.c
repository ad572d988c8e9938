/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include "presenced/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_MS 500
#define CHECK_INTERVAL 1024 /* users between two checks of the clock */

struct progress progress_begin(const char *verb)
{
    return (struct progress){
        .verb = verb,
        .is_shown = isatty(STDERR_FILENO) == 1,
        .next_ms = clock_monotonic_ms() + INTERVAL_MS,
    };
}

static void show(struct progress *progress, uint64_t n_users)
{
    (void)fprintf(stderr, "\r%" PRIu64 " users %s", n_users, progress->verb);
    progress->has_line = true;
}

void progress_update(struct progress *progress, uint64_t n_users)
{
    if (!progress->is_shown || n_users % CHECK_INTERVAL != 0 || clock_monotonic_ms() < progress->next_ms) {
        return;
    }
    show(progress, n_users);
    progress->next_ms = clock_monotonic_ms() + INTERVAL_MS;
}

void progress_update_now(struct progress *progress, uint64_t n_users)
{
    if (progress->is_shown) {
        show(progress, n_users);
    }
}

void progress_end(struct progress *progress, uint64_t n_users)
{
    if (progress->has_line) {
        show(progress, n_users);
        (void)fputc('\n', stderr);
        progress->has_line = false;
    }
}
