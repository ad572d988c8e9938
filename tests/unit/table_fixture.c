/* SPDX-License-Identifier: MIT */
#include "table_fixture.h"

#include "must.h"

struct table_fixture fixture;

void table_fixture_open(struct table_config config)
{
    fixture = (struct table_fixture){.now_ms = NOW_MS};
    ck_assert_int_eq(table_new(&config, &fixture.table), 0);
    ck_assert_int_eq(table_add_app(fixture.table, 1400000000, &fixture.app), 0);
    ck_assert_int_eq(table_add_app(fixture.table, 1400000001, &fixture.other_app), 0);
}

void table_fixture_close(void)
{
    table_free(fixture.table);
    fixture.table = NULL;
}

static struct table_event event_of(enum table_event_kind kind, enum row_reason reason, const char *user,
                                   uint8_t platform, uint64_t event_time_ms)
{
    return (struct table_event){
        .kind = kind,
        .reason = (uint8_t)reason,
        .platform = platform,
        .app = fixture.app,
        .user_id = str_from(user),
        .client = {4, {192, 0, 2, 4}},
        .has_event_time = true,
        .event_time_ms = event_time_ms,
    };
}

struct table_event login(const char *user, uint8_t platform, uint64_t event_time_ms)
{
    return event_of(TABLE_LOGIN, ROW_REASON_REGISTER, user, platform, event_time_ms);
}

struct table_event logout(const char *user, uint8_t platform, uint64_t event_time_ms)
{
    return event_of(TABLE_LOGOUT, ROW_REASON_UNREGISTER, user, platform, event_time_ms);
}

struct table_event disconnect(const char *user, uint8_t platform, uint64_t event_time_ms)
{
    return event_of(TABLE_DISCONNECT, ROW_REASON_LINK_CLOSE, user, platform, event_time_ms);
}

struct table_event custom_status(const char *user, const char *text, uint64_t event_time_ms)
{
    struct table_event event = event_of(TABLE_CUSTOM_STATUS, ROW_REASON_OTHER, user, PLATFORM_RESTAPI,
                                        event_time_ms);
    event.custom_status = str_from(text);
    return event;
}

struct table_event kicking(struct table_event event, uint8_t platform)
{
    platform_set_add(&event.kicked, platform);
    return event;
}

struct table_event unstamped(struct table_event event)
{
    event.has_event_time = false;
    event.event_time_ms = 0;
    return event;
}

int apply(struct table_event event)
{
    return table_apply(fixture.table, &event, fixture.now_ms, &fixture.applied);
}

bool is_held(const char *user)
{
    struct user unused;
    int r = table_get(fixture.table, fixture.app, str_from(user), &unused);
    ck_assert(r == 0 || r == TABLE_ABSENT);
    return r == 0;
}

struct user get(const char *user)
{
    struct user copy;
    must(table_get(fixture.table, fixture.app, str_from(user), &copy) == 0);
    return copy;
}

void check_row(const char *user, uint8_t platform, enum row_action action, uint64_t event_time_ms)
{
    struct user copy = get(user);
    const struct row *row = user_row(&copy, platform);
    must(row != NULL);
    must(row->action == action);
    must(row->event_time_ms == event_time_ms);
}

struct table_counts counts(void)
{
    struct table_counts counts;
    table_counts(fixture.table, fixture.app, &counts);
    return counts;
}

void check_counts(uint64_t n_online, uint64_t n_push_online, uint64_t n_offline, uint64_t n_unknown)
{
    struct table_counts now = counts();
    ck_assert_uint_eq(now.n_users[USER_ONLINE], n_online);
    ck_assert_uint_eq(now.n_users[USER_PUSH_ONLINE], n_push_online);
    ck_assert_uint_eq(now.n_users[USER_OFFLINE], n_offline);
    ck_assert_uint_eq(now.n_users[USER_UNKNOWN], n_unknown);
}

size_t changes_after(uint64_t revision, struct buf *storage, struct change *ret_changes, size_t max)
{
    size_t n = 0;
    ck_assert_int_eq(
        changes_read(table_changes(fixture.table), revision, max, SIZE_MAX, storage, ret_changes, &n), 0);
    return n;
}

uint64_t last_revision(void)
{
    return changes_last_revision(table_changes(fixture.table));
}

static void check_rows_equal(const struct row *a, const struct row *b)
{
    ck_assert_int_eq(row_compare(a, b), 0);
    ck_assert_uint_eq(a->received_unix_ms, b->received_unix_ms);
}

void check_users_equal(const struct user *a, const struct user *b)
{
    ck_assert_uint_eq(a->app, b->app);
    ck_assert(str_equal(user_id(a), user_id(b)));
    ck_assert_uint_eq(a->n_rows, b->n_rows);
    for (unsigned i = 0; i < a->n_rows; i++) {
        const struct row *other = user_row(b, a->rows[i].platform);
        ck_assert_ptr_nonnull(other);
        check_rows_equal(&a->rows[i], other);
    }
    ck_assert_int_eq(a->has_custom_status, b->has_custom_status);
    ck_assert_uint_eq(a->custom_status_time_ms, b->custom_status_time_ms);
    ck_assert(str_equal(user_custom_status(a), user_custom_status(b)));
}
