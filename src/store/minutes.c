/* SPDX-License-Identifier: MIT */
#include "minutes.h"

#define MINUTE_MS 60000

void minutes_init(struct minutes *minutes)
{
    (void)pthread_mutex_init(&minutes->lock, NULL);
}

void minutes_fini(struct minutes *minutes)
{
    (void)pthread_mutex_destroy(&minutes->lock);
}

bool minutes_record(struct minutes *minutes, uint64_t unix_ms, uint64_t n_online)
{
    uint64_t minute_ms = unix_ms / MINUTE_MS * MINUTE_MS;
    (void)pthread_mutex_lock(&minutes->lock);
    bool has_ended = minutes->current.unix_ms != 0 && minutes->current.unix_ms != minute_ms;
    if (has_ended) {
        minutes->pending = minutes->current;
    }
    minutes->current = (struct layout_minute){minute_ms, n_online};
    (void)pthread_mutex_unlock(&minutes->lock);
    return has_ended;
}

static bool read_minute(struct minutes *minutes, const struct layout_minute *minute,
                        struct layout_minute *ret_minute)
{
    (void)pthread_mutex_lock(&minutes->lock);
    struct layout_minute copy = *minute;
    (void)pthread_mutex_unlock(&minutes->lock);
    if (copy.unix_ms == 0) {
        return false;
    }
    *ret_minute = copy;
    return true;
}

bool minutes_current(struct minutes *minutes, struct layout_minute *ret_minute)
{
    return read_minute(minutes, &minutes->current, ret_minute);
}

bool minutes_pending(struct minutes *minutes, struct layout_minute *ret_minute)
{
    return read_minute(minutes, &minutes->pending, ret_minute);
}

void minutes_written(struct minutes *minutes, const struct layout_minute *minute)
{
    (void)pthread_mutex_lock(&minutes->lock);
    if (minutes->pending.unix_ms == minute->unix_ms) {
        minutes->pending = (struct layout_minute){0};
    }
    (void)pthread_mutex_unlock(&minutes->lock);
}
