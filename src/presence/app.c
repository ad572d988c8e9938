/* SPDX-License-Identifier: MIT */
#include "app.h"

#include <stdatomic.h>

static void add(_Atomic uint64_t *count, uint64_t n)
{
    atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

static void subtract(_Atomic uint64_t *count, uint64_t n)
{
    atomic_fetch_sub_explicit(count, n, memory_order_relaxed);
}

static uint64_t load(const _Atomic uint64_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

/* Counts a row up or down for each platform that is in `these` but not in `those`. */
static void count_rows(struct app *app, const struct platform_set *these, const struct platform_set *those,
                       void (*count)(_Atomic uint64_t *, uint64_t))
{
    for (unsigned word = 0; word < sizeof(these->bits) / sizeof(these->bits[0]); word++) {
        for (uint64_t left = these->bits[word] & ~those->bits[word]; left != 0; left &= left - 1) {
            count(&app->n_online_rows[word * 64 + (unsigned)__builtin_ctzll(left)], 1);
        }
    }
}

void app_count_added(struct app *app, const struct counted *user)
{
    static const struct platform_set none;
    add(&app->n_users[user->state], 1);
    count_rows(app, &user->online, &none, add);
}

void app_count_changed(struct app *app, const struct counted *before, const struct counted *after)
{
    app_count_moved(app, before->state, after->state);
    count_rows(app, &after->online, &before->online, add);
    count_rows(app, &before->online, &after->online, subtract);
}

void app_count_moved(struct app *app, enum user_state before, enum user_state after)
{
    if (before != after) {
        add(&app->n_users[after], 1);
        subtract(&app->n_users[before], 1);
    }
}

void app_count_removed(struct app *app, enum user_state before)
{
    subtract(&app->n_users[before], 1);
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

void app_counts(const struct app *app, struct table_counts *ret_counts)
{
    for (unsigned i = 0; i < USER_N_STATES; i++) {
        ret_counts->n_users[i] = load(&app->n_users[i]);
    }
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        ret_counts->n_online_rows[i] = load(&app->n_online_rows[i]);
    }
    ret_counts->forgotten_before_ms = load(&app->forgotten_before_ms);
    ret_counts->n_dropped_for_room = load(&app->n_dropped_for_room);
    ret_counts->n_dropped_for_age = load(&app->n_dropped_for_age);
}
