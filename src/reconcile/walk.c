/* SPDX-License-Identifier: MIT */
#include "walk.h"

/* Users that are looked at in search of the app's: others may have many more. */
#define N_LOOKS_MAX 65536

void walk_init(struct walk *walk, uint16_t app, bool only_online, uint64_t now_ms)
{
    *walk = (struct walk){.filter = {.app = app, .state = only_online ? USER_ONLINE : -1, .platform = -1}};
    walk_begin(walk, now_ms);
}

void walk_begin(struct walk *walk, uint64_t now_ms)
{
    walk->cursor = (struct table_cursor){0};
    walk->is_over = false;
    walk->began_ms = now_ms;
    walk->n_walked = 0;
}

uint64_t walk_due(struct walk *walk, uint64_t n_users, uint64_t period_ms, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - walk->began_ms;
    if (walk->is_over && elapsed_ms >= period_ms) {
        walk_begin(walk, now_ms);
        elapsed_ms = 0;
    }
    if (walk->is_over || n_users == 0) {
        return 0;
    }
    if (elapsed_ms >= period_ms) {
        return n_users; /* whatever has come meanwhile too */
    }
    uint64_t target = (uint64_t)((double)n_users * (double)elapsed_ms / (double)period_ms) + 1;
    return target > walk->n_walked ? target - walk->n_walked : 0;
}

struct counting {
    void (*visit)(void *cls, const struct user *user);
    void *cls;
    uint64_t n;
};

static void count(void *cls, const struct user *user)
{
    struct counting *counting = cls;
    counting->n++;
    counting->visit(counting->cls, user);
}

bool walk_take(struct walk *walk, struct table *table, size_t limit, uint64_t now_ms,
               void (*visit)(void *cls, const struct user *user), void *cls)
{
    struct counting counting = {visit, cls, 0};
    if (walk->is_over) {
        return false;
    }
    walk->is_over = !table_list(table, &walk->filter, limit, N_LOOKS_MAX, &walk->cursor, count, &counting);
    walk->n_walked += counting.n;
    if (walk->is_over) {
        walk->took_ms = now_ms - walk->began_ms;
    }
    return walk->is_over;
}
