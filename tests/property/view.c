/* SPDX-License-Identifier: MIT */
#include "view.h"

#include "model.h"

#include "presenced/record.h"

#include <inttypes.h>

bool rows_equal(const struct row *a, const struct row *b)
{
    return a->platform == b->platform && a->action == b->action && a->reason == b->reason &&
           a->event_time_ms == b->event_time_ms && a->received_unix_ms == b->received_unix_ms &&
           a->client.len == b->client.len && memcmp(a->client.bytes, b->client.bytes, a->client.len) == 0;
}

static bool custom_statuses_equal(const struct user *a, const struct user *b)
{
    if (a->has_custom_status != b->has_custom_status) {
        return false;
    }
    return !a->has_custom_status || (a->custom_status_time_ms == b->custom_status_time_ms &&
                                     str_equal(user_custom_status(a), user_custom_status(b)));
}

bool users_equal(const struct user *a, const struct user *b)
{
    if (a->app != b->app || !str_equal(user_id(a), user_id(b)) || a->n_rows != b->n_rows ||
        !custom_statuses_equal(a, b)) {
        return false;
    }
    for (unsigned i = 0; i < a->n_rows; i++) {
        const struct row *other = model_user_row(b, a->rows[i].platform);
        if (other == NULL || !rows_equal(&a->rows[i], other)) {
            return false;
        }
    }
    return true;
}

bool counts_equal(const struct table_counts *a, const struct table_counts *b)
{
    return memcmp(a->n_users, b->n_users, sizeof(a->n_users)) == 0 &&
           memcmp(a->n_online_rows, b->n_online_rows, sizeof(a->n_online_rows)) == 0 &&
           a->forgotten_before_ms == b->forgotten_before_ms &&
           a->n_dropped_for_room == b->n_dropped_for_room && a->n_dropped_for_age == b->n_dropped_for_age;
}

bool summaries_equal(const struct user_summary *a, const struct user_summary *b)
{
    return a->state == b->state && a->has_since == b->has_since &&
           (!a->has_since || a->since_ms == b->since_ms) && a->window_end_ms == b->window_end_ms;
}

const char *describe_user(const struct user *user, struct buf *text)
{
    buf_appendf(text, "app %u %.*s:", user->app, STR_FMT(short_id(user_id(user))));
    for (unsigned i = 0; i < user->n_rows; i++) {
        const struct row *row = &user->rows[i];
        buf_appendf(text,
                    " [platform %u action %u reason %u at %" PRIu64 " received %" PRIu64 " client %u/%u]",
                    row->platform, row->action, row->reason, row->event_time_ms, row->received_unix_ms,
                    row->client.len, row->client.bytes[3]);
    }
    if (user->has_custom_status) {
        buf_appendf(text, " status '%.*s' at %" PRIu64, (int)user->custom_status_len, user->custom_status,
                    user->custom_status_time_ms);
    }
    buf_append_char(text, '\0');
    return text->ptr;
}

void describe_counts(const struct table_counts *counts, struct buf *text)
{
    for (unsigned i = 0; i < USER_N_STATES; i++) {
        buf_appendf(text, " %.*s %" PRIu64, STR_FMT(user_state_name((enum user_state)i)), counts->n_users[i]);
    }
    for (unsigned i = 0; i < PLATFORM_N_MAX; i++) {
        if (counts->n_online_rows[i] != 0) {
            buf_appendf(text, " on %u: %" PRIu64, i, counts->n_online_rows[i]);
        }
    }
    buf_appendf(text, " forgotten before %" PRIu64 " dropped %" PRIu64 "+%" PRIu64,
                counts->forgotten_before_ms, counts->n_dropped_for_room, counts->n_dropped_for_age);
}

void users_fini(struct users *users)
{
    free(users->users);
}

struct user *users_find(const struct users *users, const struct user *user)
{
    for (size_t i = 0; i < users->n; i++) {
        if (users->users[i].app == user->app && str_equal(user_id(&users->users[i]), user_id(user))) {
            return &users->users[i];
        }
    }
    return NULL;
}

static void users_add(struct users *users, const struct user *user)
{
    if (users->n == users->capacity) {
        users->capacity = 2 * users->capacity + 16;
        users->users = reallocarray(users->users, users->capacity, sizeof(*users->users));
        if (users->users == NULL) {
            abort();
        }
    }
    users->users[users->n++] = *user;
}

void replica_fini(struct replica *replica)
{
    users_fini(&replica->users);
}

/* NULL, or what is wrong with the change. */
static const char *replica_take(struct replica *replica, const struct change *change)
{
    struct user user;
    record_decode((const uint8_t *)change->record.ptr, &user);
    struct user *known = users_find(&replica->users, &user);

    if (change->revision != ++replica->revision) {
        return "a revision is missing";
    }
    if (change->kind == CHANGE_UPDATED) {
        if (known == NULL) {
            users_add(&replica->users, &user);
        } else {
            *known = user;
        }
        return NULL;
    }
    if (change->kind != CHANGE_FORGOTTEN || known == NULL || !users_equal(known, &user)) {
        return "the record of a dropped user is not the last that was known";
    }
    uint64_t stamp_ms = model_forgotten_stamp_ms(&user, change->unix_ms);
    if (stamp_ms > replica->forgotten_before_ms[user.app]) {
        replica->forgotten_before_ms[user.app] = stamp_ms;
    }
    *known = replica->users.users[--replica->users.n];
    return NULL;
}

const char *replica_follow(struct replica *replica, struct changes *log, size_t max_changes)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change changes[REPLICA_PAGE_MAX];
    size_t n = 1;

    while (n > 0) {
        if (changes_read(log, replica->revision, max_changes, 1500, &storage, changes, &n) != 0) {
            return "the log can't be read";
        }
        if (n > max_changes) {
            return "the log gave more than was asked for";
        }
        for (size_t i = 0; i < n; i++) {
            const char *wrong = replica_take(replica, &changes[i]);
            if (wrong != NULL) {
                return wrong;
            }
        }
    }
    return replica->revision == changes_last_revision(log) ? NULL : "the log ends before its last revision";
}

static void listed_add(void *cls, const struct user *user)
{
    struct listed *listed = cls;

    listed->n_in_page++;
    if (users_find(&listed->users, user) != NULL) {
        listed->repeats = true;
    } else {
        users_add(&listed->users, user);
    }
}

const char *listed_read(struct listed *listed, struct table *table, const struct table_filter *filter,
                        size_t limit, size_t max_visited)
{
    struct table_cursor cursor = {0};
    bool more = true;

    listed->users.n = 0;
    listed->repeats = false;
    for (unsigned n_pages = 0; more; n_pages++) {
        listed->n_in_page = 0;
        more = table_list(table, filter, limit, max_visited, &cursor, listed_add, listed);
        if (listed->n_in_page > limit || listed->n_in_page > max_visited) {
            return "a page is too long";
        }
        if (listed->repeats) {
            return "a user comes twice";
        }
        if (n_pages > 2000000) {
            return "the pages do not end";
        }
    }
    return NULL;
}
