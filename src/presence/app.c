/* SPDX-License-Identifier: MIT */
#include "app.h"

#include "presenced/array.h"

#include <stdatomic.h>

/* Returns the calling thread's stripe. */
static struct app_stripe *own_stripe(struct app *app)
{
    static _Atomic unsigned n_threads;
    static _Thread_local unsigned number; /* 0: not assigned yet */
    if (number == 0) {
        number = atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) % APP_N_STRIPES + 1;
    }
    return &app->stripes[number - 1];
}

static void add(_Atomic int64_t *count, int64_t n)
{
    atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* Adds `n` to the row count of each platform that is in `these` but not in `those`. */
static void count_rows(struct app_stripe *stripe, const struct platform_set *these,
                       const struct platform_set *those, int64_t n)
{
    for (unsigned word = 0; word < N_ELEMENTS(these->bits); word++) {
        for (uint64_t left = these->bits[word] & ~those->bits[word]; left != 0; left &= left - 1) {
            add(&stripe->n_online_rows[word * 64 + (unsigned)__builtin_ctzll(left)], n);
        }
    }
}

void app_count_event(struct app *app)
{
    add(&own_stripe(app)->n_events, 1);
}

void app_count_added(struct app *app, const struct counted_user *user)
{
    static const struct platform_set none;
    struct app_stripe *stripe = own_stripe(app);
    add(&stripe->n_users[user->state], 1);
    count_rows(stripe, &user->online, &none, 1);
}

void app_count_changed(struct app *app, const struct counted_user *before, const struct counted_user *after)
{
    struct app_stripe *stripe = own_stripe(app);
    app_count_moved(app, before->state, after->state);
    count_rows(stripe, &after->online, &before->online, 1);
    count_rows(stripe, &before->online, &after->online, -1);
}

void app_count_moved(struct app *app, enum user_state before, enum user_state after)
{
    if (before != after) {
        struct app_stripe *stripe = own_stripe(app);
        add(&stripe->n_users[after], 1);
        add(&stripe->n_users[before], -1);
    }
}

void app_count_removed(struct app *app, enum user_state before)
{
    add(&own_stripe(app)->n_users[before], -1);
}

void app_raise_forgotten(struct app *app, uint64_t stamp_ms)
{
    uint64_t known = load(&app->forgotten_before_ms);
    while (known < stamp_ms &&
           !atomic_compare_exchange_weak_explicit(&app->forgotten_before_ms, &known, stamp_ms,
                                                  memory_order_relaxed, memory_order_relaxed)) {}
}

uint64_t app_forgotten_stamp_ms(const struct app *app, uint64_t now_ms)
{
    uint64_t stamp_ms = load(&app->forgotten_before_ms);
    return stamp_ms <= now_ms ? stamp_ms : 0;
}

/* While the stripes are read, a user may be missed in one and subtracted in another, which makes the sum too
 * low. It must not become negative. */
static uint64_t clamp_count(int64_t sum)
{
    return sum < 0 ? 0 : (uint64_t)sum;
}

void app_counts(const struct app *app, struct table_counts *ret_counts)
{
    int64_t n_users[USER_N_STATES] = {0};
    int64_t n_online_rows[PLATFORM_N_MAX] = {0};
    for (unsigned s = 0; s < APP_N_STRIPES; s++) {
        const struct app_stripe *stripe = &app->stripes[s];
        for (unsigned i = 0; i < USER_N_STATES; i++) {
            n_users[i] += atomic_load_explicit(&stripe->n_users[i], memory_order_relaxed);
        }
        for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
            n_online_rows[i] += atomic_load_explicit(&stripe->n_online_rows[i], memory_order_relaxed);
        }
    }
    for (unsigned i = 0; i < USER_N_STATES; i++) {
        ret_counts->n_users[i] = clamp_count(n_users[i]);
    }
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        ret_counts->n_online_rows[i] = clamp_count(n_online_rows[i]);
    }
    ret_counts->forgotten_before_ms = load(&app->forgotten_before_ms);
    ret_counts->n_dropped_for_room = load(&app->n_dropped_for_room);
    ret_counts->n_dropped_for_age = load(&app->n_dropped_for_age);
}

uint64_t app_n_events(const struct app *app)
{
    int64_t n = 0;
    for (unsigned s = 0; s < APP_N_STRIPES; s++) {
        n += atomic_load_explicit(&app->stripes[s].n_events, memory_order_relaxed);
    }
    return (uint64_t)n;
}
