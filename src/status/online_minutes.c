/* SPDX-License-Identifier: MIT */
#include "presenced/online_minutes.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

/* A ring: minute m since 1970 is at m % ONLINE_N_MINUTES. It ends with the newest minute. */
struct online_minutes {
    pthread_mutex_t lock;
    bool has_any;
    uint64_t newest_minute;
    uint32_t counts[ONLINE_N_MINUTES];
};

static void forget_all(struct online_minutes *minutes)
{
    for (size_t i = 0; i < ONLINE_N_MINUTES; i++) {
        minutes->counts[i] = ONLINE_MISSING;
    }
}

int online_minutes_new(struct online_minutes **ret_minutes)
{
    struct online_minutes *minutes = calloc(1, sizeof(*minutes));
    if (minutes == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&minutes->lock, NULL);
    forget_all(minutes);
    *ret_minutes = minutes;
    return 0;
}

void online_minutes_free(struct online_minutes *minutes)
{
    if (minutes != NULL) {
        (void)pthread_mutex_destroy(&minutes->lock);
        free(minutes);
    }
}

/* Makes `minute` the newest. The minutes between it and the previous newest become missing: they were
 * skipped, or are dropped because the clock was set back. */
static void move_to(struct online_minutes *minutes, uint64_t minute)
{
    uint64_t from = minute < minutes->newest_minute ? minute : minutes->newest_minute;
    uint64_t to = minute < minutes->newest_minute ? minutes->newest_minute : minute;
    if (to - from >= ONLINE_N_MINUTES) {
        forget_all(minutes);
    } else {
        for (uint64_t m = from + 1; m <= to; m++) {
            minutes->counts[m % ONLINE_N_MINUTES] = ONLINE_MISSING;
        }
    }
    minutes->newest_minute = minute;
}

void online_minutes_record(struct online_minutes *minutes, uint64_t unix_ms, uint64_t n_online)
{
    uint64_t minute = unix_ms / ONLINE_MINUTE_MS;
    (void)pthread_mutex_lock(&minutes->lock);
    if (minutes->has_any) {
        move_to(minutes, minute);
    }
    minutes->has_any = true;
    minutes->newest_minute = minute;
    minutes->counts[minute % ONLINE_N_MINUTES] = n_online < ONLINE_MISSING ? (uint32_t)n_online
                                                                           : ONLINE_MISSING - 1;
    (void)pthread_mutex_unlock(&minutes->lock);
}

/* Returns how many minutes before the newest the oldest recorded minute is. */
static uint64_t oldest_age(const struct online_minutes *minutes)
{
    uint64_t age = ONLINE_N_MINUTES - 1;
    if (age > minutes->newest_minute) {
        age = minutes->newest_minute;
    }
    while (age > 0 && minutes->counts[(minutes->newest_minute - age) % ONLINE_N_MINUTES] == ONLINE_MISSING) {
        age--;
    }
    return age;
}

size_t online_minutes_read(struct online_minutes *minutes, uint64_t *ret_start_unix_ms,
                           uint32_t ret_counts[static ONLINE_N_MINUTES])
{
    size_t n = 0;
    (void)pthread_mutex_lock(&minutes->lock);
    if (minutes->has_any) {
        uint64_t first = minutes->newest_minute - oldest_age(minutes);
        for (uint64_t m = first; m <= minutes->newest_minute; m++) {
            ret_counts[n++] = minutes->counts[m % ONLINE_N_MINUTES];
        }
        *ret_start_unix_ms = first * ONLINE_MINUTE_MS;
    }
    (void)pthread_mutex_unlock(&minutes->lock);
    return n;
}
