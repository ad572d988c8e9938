/* SPDX-License-Identifier: MIT */
#include "walk.h"

/* Maximum number of users examined at a time, because few of them may be taken. */
#define N_VISITED_MAX 65536

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
    walk->n_taken = 0;
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
        return n_users; /* including users added in between */
    }
    uint64_t target = (uint64_t)((double)n_users * (double)elapsed_ms / (double)period_ms) + 1;
    return target > walk->n_taken ? target - walk->n_taken : 0;
}

struct taking {
    bool (*take)(void *cls, const struct user *user);
    void *cls;
    size_t n_visited;
    size_t n_taken;
};

static void visit(void *cls, const struct user *user)
{
    struct taking *taking = cls;
    taking->n_visited++;
    taking->n_taken += taking->take(taking->cls, user);
}

bool walk_take(struct walk *walk, struct table *table, size_t limit, uint64_t now_ms,
               bool (*take)(void *cls, const struct user *user), void *cls)
{
    struct taking taking = {take, cls, 0, 0};
    bool is_full = limit == 0; /* or enough users were examined */
    if (walk->is_over) {
        return false;
    }
    while (!is_full && !walk->is_over) {
        size_t n_wanted = limit - taking.n_taken;
        size_t n_before = taking.n_visited;
        walk->is_over = !table_list(table, &walk->filter, n_wanted, N_VISITED_MAX, &walk->cursor, visit,
                                    &taking);
        is_full = taking.n_taken == limit || taking.n_visited - n_before < n_wanted ||
                  taking.n_visited >= N_VISITED_MAX;
    }
    walk->n_taken += taking.n_taken;
    if (walk->is_over) {
        walk->took_ms = now_ms - walk->began_ms;
    }
    return walk->is_over;
}
