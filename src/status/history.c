/* SPDX-License-Identifier: MIT */
#include "presenced/history.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

/* A ring: minute m since 1970 is at m % HISTORY_N_MINUTES; the newest is the last of those it holds. */
struct history {
    pthread_mutex_t lock;
    bool has_any;
    uint64_t newest_minute;
    uint32_t counts[HISTORY_N_MINUTES];
};

static void forget_all(struct history *history)
{
    for (size_t i = 0; i < HISTORY_N_MINUTES; i++) {
        history->counts[i] = HISTORY_MISSING;
    }
}

int history_new(struct history **ret_history)
{
    struct history *history = calloc(1, sizeof(*history));
    if (history == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&history->lock, NULL);
    forget_all(history);
    *ret_history = history;
    return 0;
}

void history_free(struct history *history)
{
    if (history != NULL) {
        (void)pthread_mutex_destroy(&history->lock);
        free(history);
    }
}

/* Makes `minute` the newest. The minutes between it and the newest so far are missing: passed over on the way
 * forward, or dropped on the way back. */
static void move_to(struct history *history, uint64_t minute)
{
    uint64_t from = minute < history->newest_minute ? minute : history->newest_minute;
    uint64_t to = minute < history->newest_minute ? history->newest_minute : minute;
    if (to - from >= HISTORY_N_MINUTES) {
        forget_all(history);
    } else {
        for (uint64_t m = from + 1; m <= to; m++) {
            history->counts[m % HISTORY_N_MINUTES] = HISTORY_MISSING;
        }
    }
    history->newest_minute = minute;
}

void history_record(struct history *history, uint64_t unix_ms, uint64_t n_online)
{
    uint64_t minute = unix_ms / HISTORY_MINUTE_MS;
    (void)pthread_mutex_lock(&history->lock);
    if (history->has_any) {
        move_to(history, minute);
    }
    history->has_any = true;
    history->newest_minute = minute;
    history->counts[minute % HISTORY_N_MINUTES] = n_online < HISTORY_MISSING ? (uint32_t)n_online
                                                                             : HISTORY_MISSING - 1;
    (void)pthread_mutex_unlock(&history->lock);
}

/* How many minutes back from the newest the oldest recorded one is. */
static uint64_t oldest_age(const struct history *history)
{
    uint64_t age = HISTORY_N_MINUTES - 1;
    if (age > history->newest_minute) {
        age = history->newest_minute;
    }
    while (age > 0 &&
           history->counts[(history->newest_minute - age) % HISTORY_N_MINUTES] == HISTORY_MISSING) {
        age--;
    }
    return age;
}

size_t history_read(struct history *history, uint64_t *ret_start_unix_ms,
                    uint32_t ret_counts[static HISTORY_N_MINUTES])
{
    size_t n = 0;
    (void)pthread_mutex_lock(&history->lock);
    if (history->has_any) {
        uint64_t first = history->newest_minute - oldest_age(history);
        for (uint64_t m = first; m <= history->newest_minute; m++) {
            ret_counts[n++] = history->counts[m % HISTORY_N_MINUTES];
        }
        *ret_start_unix_ms = first * HISTORY_MINUTE_MS;
    }
    (void)pthread_mutex_unlock(&history->lock);
    return n;
}
