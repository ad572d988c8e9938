/* SPDX-License-Identifier: MIT */
/* What time does to users, and who is dropped when there is no room. */
#include "presenced/record.h"
#include "suite.h"
#include "table_fixture.h"

#include <stdio.h>

#define WINDOW_MS UINT64_C(60000)
#define N_CHANGES_MAX 16

static struct buf storage;
static struct change changes[N_CHANGES_MAX];

static void tear_down(void)
{
    table_fixture_close();
    buf_fini(&storage);
}

static void open_with(uint64_t window_ms, uint64_t max_users, uint64_t forget_after_ms)
{
    table_fixture_open((struct table_config){
        .push_online_window_ms = window_ms, .max_users = max_users, .forget_after_ms = forget_after_ms});
}

static void check_change(const struct change *change, enum change_kind kind, const char *user)
{
    ck_assert_int_eq(change->kind, kind);
    ck_assert_uint_eq(change->unix_ms, fixture.now_ms);
    ck_assert(str_equal(record_id((const uint8_t *)change->record.ptr), str_from(user)));
}

static uint64_t tick(void)
{
    return table_tick(fixture.table, fixture.now_ms);
}

START_TEST(end_of_a_window_is_a_change)
{
    open_with(WINDOW_MS, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    check_counts(0, 1, 0, 0);
    fixture.now_ms = NOW_MS + WINDOW_MS - 1;
    ck_assert_uint_eq(tick(), NOW_MS + WINDOW_MS);
    check_counts(0, 1, 0, 0);
    ck_assert_uint_eq(last_revision(), 1);
    fixture.now_ms = NOW_MS + WINDOW_MS;
    ck_assert_uint_eq(tick(), NOW_MS + WINDOW_MS + 1000);
    check_counts(0, 0, 1, 0);
    ck_assert_uint_eq(changes_after(1, &storage, changes, N_CHANGES_MAX), 1);
    check_change(&changes[0], CHANGE_UPDATED, "alice");
    ck_assert_uint_eq(tick(), NOW_MS + WINDOW_MS + 1000);
    ck_assert_uint_eq(last_revision(), 2);
}
END_TEST

START_TEST(no_window_no_push_online)
{
    open_with(0, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    check_counts(0, 0, 1, 0);
    ck_assert_uint_eq(table_view(fixture.table, NOW_MS).push_online_window_ms, 0);
}
END_TEST

START_TEST(window_moves_with_its_row)
{
    open_with(WINDOW_MS, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    (void)apply(disconnect("alice", PLATFORM_IPAD, NOW_MS + 500));
    (void)apply(disconnect("bob", PLATFORM_ANDROID, NOW_MS + 100));
    (void)apply(login("bob", PLATFORM_ANDROID, NOW_MS + 200));
    fixture.now_ms = NOW_MS + WINDOW_MS + 400;
    ck_assert_uint_eq(tick(), NOW_MS + WINDOW_MS + 500);
    check_counts(1, 1, 0, 0);
    fixture.now_ms = NOW_MS + WINDOW_MS + 500;
    (void)tick();
    check_counts(1, 0, 1, 0);
}
END_TEST

/* An event finds its user as time has left it, whatever the event does. */
START_TEST(event_settles_what_has_ended)
{
    open_with(WINDOW_MS, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    fixture.now_ms = NOW_MS + WINDOW_MS;
    ck_assert_int_eq(apply(disconnect("alice", PLATFORM_IOS, NOW_MS)), TABLE_UNCHANGED);
    check_counts(0, 0, 1, 0);
    ck_assert_uint_eq(changes_after(1, &storage, changes, N_CHANGES_MAX), 1);
    check_change(&changes[0], CHANGE_UPDATED, "alice");
}
END_TEST

START_TEST(settling_comes_before_the_event)
{
    open_with(WINDOW_MS, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    fixture.now_ms = NOW_MS + WINDOW_MS;
    ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, NOW_MS + 1)), TABLE_CHANGED);
    ck_assert_uint_eq(fixture.applied.revision, 3);
    ck_assert_uint_eq(last_revision(), 3);
    check_counts(1, 0, 0, 0);
}
END_TEST

/* More than one step settles at once, and an event among them settles its share only. */
START_TEST(many_windows_settle_in_steps)
{
    const unsigned n_users = 3000;
    open_with(WINDOW_MS, 0, 0);
    for (unsigned i = 0; i < n_users; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        (void)apply(disconnect(user, PLATFORM_IOS, NOW_MS + i % 7));
    }
    check_counts(0, n_users, 0, 0);
    fixture.now_ms = NOW_MS + WINDOW_MS + 7;
    (void)tick();
    check_counts(0, 0, n_users, 0);
    ck_assert_uint_eq(last_revision(), 2 * (uint64_t)n_users);
}
END_TEST

START_TEST(forgets_the_offline_after_forget_after)
{
    open_with(WINDOW_MS, 0, 1000);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(custom_status("bob", "busy", NOW_MS + 10));
    (void)apply(login("carol", PLATFORM_WEB, NOW_MS));
    fixture.now_ms = NOW_MS + 999;
    ck_assert_uint_eq(tick(), NOW_MS + 1000);
    check_counts(1, 0, 1, 1);
    fixture.now_ms = NOW_MS + 1000;
    ck_assert_uint_eq(tick(), NOW_MS + 1010);
    ck_assert(!is_held("alice"));
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS);
    check_counts(1, 0, 0, 1);
    fixture.now_ms = NOW_MS + 1010;
    (void)tick();
    ck_assert(!is_held("bob"));
    ck_assert(is_held("carol"));
    check_counts(1, 0, 0, 0);
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS + 10);
    ck_assert_uint_eq(counts().n_dropped_for_age, 2);
    ck_assert_uint_eq(counts().n_dropped_for_room, 0);
    ck_assert_uint_eq(changes_after(4, &storage, changes, N_CHANGES_MAX), 1);
    check_change(&changes[0], CHANGE_FORGOTTEN, "bob");
}
END_TEST

/* Offline begins with the end of the window. */
START_TEST(forget_after_a_window)
{
    open_with(WINDOW_MS, 0, 1000);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    fixture.now_ms = NOW_MS + WINDOW_MS;
    ck_assert_uint_eq(tick(), NOW_MS + WINDOW_MS + 1000);
    ck_assert(is_held("alice"));
    fixture.now_ms = NOW_MS + WINDOW_MS + 1000;
    (void)tick();
    ck_assert(!is_held("alice"));
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS);
}
END_TEST

/* One tick may do both. */
START_TEST(window_and_age_at_once)
{
    open_with(WINDOW_MS, 0, 1000);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    fixture.now_ms = NOW_MS + 10 * WINDOW_MS;
    (void)tick();
    ck_assert(!is_held("alice"));
    ck_assert_uint_eq(changes_after(1, &storage, changes, N_CHANGES_MAX), 2);
    check_change(&changes[0], CHANGE_UPDATED, "alice");
    check_change(&changes[1], CHANGE_FORGOTTEN, "alice");
}
END_TEST

START_TEST(forget_after_longer_than_time)
{
    open_with(0, 0, UINT64_MAX);
    (void)apply(logout("alice", PLATFORM_WEB, 0));
    ck_assert_uint_eq(tick(), NOW_MS + 1000);
    ck_assert(is_held("alice"));
}
END_TEST

/* A user dropped with last stamp NOW_MS: which events bring it, or anyone of its app, back. */
static const struct {
    bool has_stamp;
    int outcome;
    int64_t later_ms;
    int64_t stamp_later_ms; /* of the row then */
} comebacks[] = {
    {true, TABLE_FORGOTTEN, -1, 0},
    {true, TABLE_FORGOTTEN, 0, 0},
    {true, TABLE_CHANGED, 1, 1},
    {false, TABLE_CHANGED, 0, 5},
    {true, TABLE_CHANGED, 5 + (int64_t)TABLE_MAX_AHEAD_MS + 1, 5},
};

#define N_COMEBACKS ((int)(sizeof(comebacks) / sizeof(comebacks[0])))

START_TEST(events_of_the_forgotten)
{
    static const char *const users[] = {"alice", "bob"};
    open_with(0, 0, 5);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    fixture.now_ms = NOW_MS + 5;
    (void)tick();
    for (unsigned i = 0; i < 2; i++) {
        struct table_event event = login(users[i], PLATFORM_WEB, NOW_MS + (uint64_t)comebacks[_i].later_ms);
        uint64_t before = last_revision();
        event.has_event_time = comebacks[_i].has_stamp;
        ck_assert_int_eq(apply(event), comebacks[_i].outcome);
        bool comes = comebacks[_i].outcome == TABLE_CHANGED;
        ck_assert_int_eq(is_held(users[i]), comes);
        ck_assert_uint_eq(last_revision() - before, comes);
        ck_assert_uint_eq(fixture.applied.revision, comes ? last_revision() : 0);
        if (comes) {
            check_row(users[i], PLATFORM_WEB, ROW_LOGIN, NOW_MS + (uint64_t)comebacks[_i].stamp_later_ms);
        }
    }
}
END_TEST

/* A user was dropped in this very millisecond: an event without a stamp is still newer. */
START_TEST(restamped_is_newer_than_the_forgotten)
{
    open_with(0, 1, 0);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(logout("bob", PLATFORM_WEB, NOW_MS - 1));
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS);
    ck_assert_int_eq(apply(unstamped(login("carol", PLATFORM_WEB, 0))), TABLE_CHANGED);
    check_row("carol", PLATFORM_WEB, ROW_LOGIN, NOW_MS + 1);
}
END_TEST

/* A user with a stamp ahead of the clock is received, and dropped `later_ms` after: what it leaves. */
static const struct {
    bool is_custom_status;
    int64_t stamp_later_ms; /* than its receipt */
    int64_t dropped_later_ms;
    int64_t forgotten_later_ms;
} stamps_ahead[] = {
    {false, -5, 1000, -5},
    {false, 0, 1000, 0},
    {false, 1, 1000, 0},
    {false, TABLE_MAX_AHEAD_MS, 1000, 0},
    /* The clock was set back meanwhile. */
    {false, 0, -1000, -1000},
    {false, 240000, -1000, -1000},
    {false, -3000, -1000, -3000},
    /* Of a custom status nothing says when it was received. */
    {true, -5, 1000, -5},
    {true, 240000, 1000, 1000},
};

#define N_STAMPS_AHEAD ((int)(sizeof(stamps_ahead) / sizeof(stamps_ahead[0])))

START_TEST(stamp_ahead_counts_as_received)
{
    int64_t stamp_later_ms = stamps_ahead[_i].stamp_later_ms;
    int64_t dropped_later_ms = stamps_ahead[_i].dropped_later_ms;
    uint64_t stamp_ms = NOW_MS + (uint64_t)stamp_later_ms;
    open_with(0, 1, 0);
    (void)apply(stamps_ahead[_i].is_custom_status ? custom_status("alice", "away", stamp_ms)
                                                  : logout("alice", PLATFORM_WEB, stamp_ms));
    fixture.now_ms = NOW_MS + (uint64_t)dropped_later_ms;
    (void)apply(login("bob", PLATFORM_WEB, fixture.now_ms));
    ck_assert(!is_held("alice"));
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS + (uint64_t)stamps_ahead[_i].forgotten_later_ms);
}
END_TEST

/* Whoever comes after a drop is newer, though the dropped user's stamp is not reached yet. */
START_TEST(stamp_ahead_swallows_nobody)
{
    open_with(0, 2, 0);
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(login("ahead", PLATFORM_WEB, NOW_MS + 240000));
    (void)apply(logout("ahead", PLATFORM_WEB, NOW_MS + 240001));
    fixture.now_ms = NOW_MS + 1000;
    ck_assert_int_eq(apply(login("bob", PLATFORM_WEB, fixture.now_ms)), TABLE_CHANGED);
    ck_assert(!is_held("ahead"));
    (void)apply(logout("alice", PLATFORM_WEB, fixture.now_ms));
    fixture.now_ms = NOW_MS + 2000;
    ck_assert_int_eq(apply(login("carol", PLATFORM_WEB, fixture.now_ms)), TABLE_CHANGED);
    ck_assert(is_held("carol"));
}
END_TEST

/* One that is ahead of the clock all the same (an older store's, or the clock was set back) does not count
 * until the clock has reached it. */
START_TEST(forgotten_ahead_of_the_clock)
{
    open_with(0, 0, 0);
    table_restore_dropped(fixture.table, fixture.app, NOW_MS + 240000, 1, 0);
    ck_assert_int_eq(apply(login("alice", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert_int_eq(apply(unstamped(login("bob", PLATFORM_WEB, 0))), TABLE_CHANGED);
    check_row("bob", PLATFORM_WEB, ROW_LOGIN, NOW_MS);
    struct user merged = {.app = fixture.app, .id_len = 1, .id = "c", .n_rows = 1};
    merged.rows[0] = (struct row){.event_time_ms = NOW_MS, .action = ROW_LOGIN, .platform = PLATFORM_WEB};
    ck_assert_int_eq(
        table_merge_user(fixture.table, &merged, CHANGE_BY_IMPORT, fixture.now_ms, &fixture.applied),
        TABLE_CHANGED);
    fixture.now_ms = NOW_MS + 240000;
    ck_assert_int_eq(apply(login("dave", PLATFORM_WEB, NOW_MS + 240000)), TABLE_FORGOTTEN);
    ck_assert_int_eq(apply(login("dave", PLATFORM_WEB, NOW_MS + 240001)), TABLE_CHANGED);
}
END_TEST

static enum change_origin origin_of(uint64_t revision)
{
    ck_assert_uint_eq(changes_after(revision - 1, &storage, changes, 1), 1);
    return changes[0].origin;
}

/* For those who pass changes on, and must not send one back. */
START_TEST(changes_say_where_they_come_from)
{
    const uint64_t hour_ms = 3600000;
    open_with(0, 0, hour_ms);
    ck_assert_int_eq(apply(logout("alice", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert_int_eq(origin_of(last_revision()), CHANGE_BY_CALLBACK);
    struct table_event event = logout("bob", PLATFORM_WEB, NOW_MS);
    event.origin = CHANGE_BY_REPLICA;
    ck_assert_int_eq(apply(event), TABLE_CHANGED);
    ck_assert_int_eq(origin_of(last_revision()), CHANGE_BY_REPLICA);
    struct user merged = {.app = fixture.app, .id_len = 1, .id = "c", .n_rows = 1};
    merged.rows[0] = (struct row){.event_time_ms = NOW_MS, .action = ROW_LOGIN, .platform = PLATFORM_WEB};
    ck_assert_int_eq(
        table_merge_user(fixture.table, &merged, CHANGE_BY_IMPORT, fixture.now_ms, &fixture.applied),
        TABLE_CHANGED);
    ck_assert_int_eq(origin_of(last_revision()), CHANGE_BY_IMPORT);
    uint64_t before = last_revision();
    (void)table_tick(fixture.table, NOW_MS + hour_ms + 1);
    ck_assert_uint_eq(last_revision(), before + 2);
    ck_assert_int_eq(origin_of(last_revision()), CHANGE_BY_CLOCK);
}
END_TEST

/* Known elsewhere, it comes to more than the clock nowhere. */
START_TEST(raised_to_the_clock_at_most)
{
    open_with(0, 0, 0);
    table_raise_forgotten(fixture.table, fixture.app, NOW_MS + 240000, NOW_MS);
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS);
    table_raise_forgotten(fixture.table, fixture.app, NOW_MS - 1, NOW_MS);
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS);
}
END_TEST

START_TEST(forgotten_is_of_one_app)
{
    struct table_event event = login("alice", PLATFORM_WEB, NOW_MS - 1);
    open_with(0, 0, 5);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    fixture.now_ms = NOW_MS + 5;
    (void)tick();
    event.app = fixture.other_app;
    ck_assert_int_eq(apply(event), TABLE_CHANGED);
}
END_TEST

START_TEST(known_users_take_old_events)
{
    open_with(0, 0, 1000);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(login("bob", PLATFORM_WEB, NOW_MS - 9));
    fixture.now_ms = NOW_MS + 1000;
    (void)tick();
    ck_assert_int_eq(apply(login("bob", PLATFORM_MAC, NOW_MS - 5)), TABLE_CHANGED);
}
END_TEST

/* Who goes first: offline or unknown by how long, then push_online by the end of the window; never online. */
START_TEST(order_of_eviction)
{
    static const char *const order[] = {"old", "status", "window ended", "young", "push one", "push two"};
    open_with(WINDOW_MS, 7, 0);
    (void)apply(disconnect("push two", PLATFORM_IOS, NOW_MS - 10));
    (void)apply(disconnect("push one", PLATFORM_IPAD, NOW_MS - 20));
    (void)apply(disconnect("window ended", PLATFORM_IOS, NOW_MS - WINDOW_MS - 300));
    (void)apply(logout("young", PLATFORM_WEB, NOW_MS - 200));
    (void)apply(custom_status("status", "busy", NOW_MS - 400));
    (void)apply(logout("old", PLATFORM_WEB, NOW_MS - 500));
    (void)apply(login("online", PLATFORM_WEB, NOW_MS - 9999));
    for (unsigned i = 0; i < 6; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "new%u", i);
        uint64_t before = last_revision();
        ck_assert_int_eq(apply(login(user, PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
        ck_assert_uint_eq(changes_after(before, &storage, changes, N_CHANGES_MAX), 2);
        check_change(&changes[0], CHANGE_FORGOTTEN, order[i]);
        check_change(&changes[1], CHANGE_UPDATED, user);
        ck_assert(!is_held(order[i]));
        ck_assert_uint_eq(counts().n_dropped_for_room, i + 1);
    }
    check_counts(7, 0, 0, 0);
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS - 10);
    ck_assert_int_eq(apply(login("newest", PLATFORM_WEB, NOW_MS)), TABLE_FULL);
    ck_assert(!is_held("newest"));
    ck_assert_uint_eq(fixture.applied.revision, 0);
    check_counts(7, 0, 0, 0);
    ck_assert_int_eq(apply(logout("online", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert_int_eq(apply(login("newest", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert(!is_held("online"));
}
END_TEST

/* A window that has ended unnoticed makes its user one of the offline, in the shard of whomever. */
START_TEST(eviction_settles_first)
{
    open_with(WINDOW_MS, 2, 0);
    (void)apply(disconnect("ended", PLATFORM_IOS, NOW_MS));
    (void)apply(logout("offline", PLATFORM_WEB, NOW_MS + WINDOW_MS + 5));
    fixture.now_ms = NOW_MS + WINDOW_MS + 10;
    ck_assert_int_eq(apply(login("new", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert_uint_eq(changes_after(2, &storage, changes, N_CHANGES_MAX), 3);
    check_change(&changes[0], CHANGE_UPDATED, "ended");
    check_change(&changes[1], CHANGE_FORGOTTEN, "ended");
    check_change(&changes[2], CHANGE_UPDATED, "new");
}
END_TEST

/* The user who was offline before that end goes first all the same. */
START_TEST(eviction_leaves_a_later_window)
{
    open_with(WINDOW_MS, 2, 0);
    (void)apply(disconnect("ended", PLATFORM_IOS, NOW_MS));
    (void)apply(logout("offline", PLATFORM_WEB, NOW_MS + 5));
    fixture.now_ms = NOW_MS + WINDOW_MS + 10;
    ck_assert_int_eq(apply(login("new", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert(!is_held("offline"));
    ck_assert(is_held("ended"));
}
END_TEST

START_TEST(eviction_crosses_apps)
{
    struct table_event event = login("bob", PLATFORM_WEB, NOW_MS);
    open_with(0, 1, 0);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS - 10));
    event.app = fixture.other_app;
    ck_assert_int_eq(apply(event), TABLE_CHANGED);
    ck_assert_uint_eq(counts().n_dropped_for_room, 1);
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS - 10);
    struct table_counts other;
    table_counts(fixture.table, fixture.other_app, &other);
    ck_assert_uint_eq(other.n_users[USER_ONLINE], 1);
    ck_assert_uint_eq(other.forgotten_before_ms, 0);
}
END_TEST

/* A known user needs no room, and what is forgotten frees some. */
START_TEST(drops_the_oldest_for_room)
{
    open_with(0, 2, 10);
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(logout("bob", PLATFORM_WEB, NOW_MS - 100));
    ck_assert_int_eq(apply(login("alice", PLATFORM_IOS, NOW_MS)), TABLE_CHANGED);
    ck_assert(is_held("bob"));
    (void)tick();
    ck_assert(!is_held("bob"));
    ck_assert_int_eq(apply(login("carol", PLATFORM_WEB, NOW_MS)), TABLE_CHANGED);
    ck_assert_uint_eq(counts().n_dropped_for_room, 0);
    ck_assert_int_eq(apply(login("dave", PLATFORM_WEB, NOW_MS)), TABLE_FULL);
    ck_assert_uint_eq(counts().n_dropped_for_age, 1);
}
END_TEST

/* An event too old for its app drops nobody. */
START_TEST(forgotten_before_full)
{
    open_with(0, 1, 0);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    (void)apply(logout("bob", PLATFORM_WEB, NOW_MS + 1));
    ck_assert_int_eq(apply(login("carol", PLATFORM_WEB, NOW_MS)), TABLE_FORGOTTEN);
    ck_assert(is_held("bob"));
    ck_assert_int_eq(apply(login("carol", PLATFORM_WEB, NOW_MS + 1)), TABLE_CHANGED);
    ck_assert(!is_held("bob"));
}
END_TEST

/* What counts for a new user is what was forgotten before it came, not who has to go for it: also where both
 * are of one shard, as in so many rounds some are. */
START_TEST(a_new_user_may_be_older_than_the_dropped)
{
    open_with(0, 1, 0);
    fixture.now_ms = NOW_MS + 6 * UINT64_C(3000) + 10;
    for (unsigned i = 0; i < 3000; i++) {
        char user[16];
        uint64_t stamp = NOW_MS + 6 * (uint64_t)i;
        (void)snprintf(user, sizeof(user), "user%u", i);
        ck_assert_int_eq(apply(logout(user, PLATFORM_WEB, stamp)), TABLE_CHANGED);
        ck_assert_int_eq(apply(logout(user, PLATFORM_WEB, stamp + 10)), TABLE_CHANGED);
    }
    check_counts(0, 0, 1, 0);
}
END_TEST

/* Clocks that are set back. */

/* What a look-up of the user would say now. */
static enum user_state state_of(const char *user)
{
    struct user copy = get(user);
    struct user_summary summary;
    struct user_view view = table_view(fixture.table, fixture.now_ms);
    user_summarise(&copy, &view, &summary);
    return summary.state;
}

static void add_listed(void *cls, const struct user *user)
{
    unsigned *n = cls;
    (void)user;
    (*n)++;
}

static unsigned n_listed(enum user_state state)
{
    const struct table_filter filter = {.app = fixture.app, .state = (int)state, .platform = -1};
    struct table_cursor cursor = {0};
    unsigned n = 0;
    while (table_list(fixture.table, &filter, 100, 100, &cursor, add_listed, &n)) {}
    return n;
}

/* What look-up, list and counts say of alice and of one who is plainly offline. */
static void check_all_say(enum user_state state)
{
    bool is_open = state == USER_PUSH_ONLINE;
    ck_assert_int_eq(state_of("alice"), state);
    check_counts(0, is_open, 2 - is_open, 0);
    ck_assert_uint_eq(n_listed(USER_PUSH_ONLINE), is_open);
    ck_assert_uint_eq(n_listed(USER_OFFLINE), 2 - is_open);
}

START_TEST(clock_ahead_and_back)
{
    open_with(WINDOW_MS, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    (void)apply(logout("bob", PLATFORM_WEB, NOW_MS + 100000));
    check_all_say(USER_PUSH_ONLINE);
    for (unsigned i = 0; i < 3; i++) {
        fixture.now_ms = NOW_MS + 10 * WINDOW_MS;
        (void)tick();
        check_all_say(USER_OFFLINE);
        uint64_t before = last_revision();
        fixture.now_ms = NOW_MS + 1000;
        ck_assert_uint_eq(tick(), fixture.now_ms + 1000);
        check_all_say(USER_PUSH_ONLINE);
        ck_assert_uint_eq(changes_after(before, &storage, changes, N_CHANGES_MAX), 1);
        check_change(&changes[0], CHANGE_UPDATED, "alice");
        (void)tick();
        ck_assert_uint_eq(last_revision(), before + 1);
    }
    fixture.now_ms = NOW_MS + WINDOW_MS;
    (void)tick();
    check_all_say(USER_OFFLINE);
}
END_TEST

/* The clock was ahead when the user was stored, loaded, or heard of: no window was ever open here. */
START_TEST(window_ended_before_it_began)
{
    uint8_t record[RECORD_SIZE_MAX];
    open_with(WINDOW_MS, 0, 0);
    fixture.now_ms = NOW_MS + 10 * WINDOW_MS;
    if (_i == 0) {
        (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    } else {
        struct user user = {.app = fixture.app, .id_len = 5, .id = "alice", .n_rows = 1};
        user.rows[0] = (struct row){
            .event_time_ms = NOW_MS, .action = ROW_DISCONNECT, .platform = PLATFORM_IOS};
        (void)record_encode(&user, record);
        ck_assert_int_eq(table_restore_user(fixture.table, record, fixture.now_ms), 0);
    }
    (void)apply(logout("bob", PLATFORM_WEB, NOW_MS));
    check_all_say(USER_OFFLINE);
    fixture.now_ms = NOW_MS;
    (void)tick();
    check_all_say(USER_PUSH_ONLINE);
}
END_TEST

/* A window that would end within a second is not worth the moves; the end of all agrees again. */
START_TEST(clock_back_a_little)
{
    open_with(WINDOW_MS, 0, 0);
    (void)apply(disconnect("alice", PLATFORM_IOS, NOW_MS));
    fixture.now_ms = NOW_MS + WINDOW_MS;
    (void)tick();
    fixture.now_ms = NOW_MS + WINDOW_MS - 1000;
    (void)tick();
    check_counts(0, 0, 1, 0);
    /* But it is not forgotten over others that are looked at. */
    fixture.now_ms = NOW_MS + WINDOW_MS - 1001;
    (void)tick();
    check_counts(0, 1, 0, 0);
}
END_TEST

/* More users than one hold of a lock looks at, of whom the clock reopens some only. */
START_TEST(many_windows_reopen)
{
    const unsigned n_users = 300000;
    const uint64_t middle_ms = NOW_MS + 5 * WINDOW_MS;
    open_with(WINDOW_MS, 0, 0);
    fixture.now_ms = NOW_MS + 20 * WINDOW_MS;
    for (unsigned i = 0; i < n_users; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        (void)apply(disconnect(user, PLATFORM_IOS, i % 2 == 0 ? NOW_MS : middle_ms));
    }
    check_counts(0, 0, n_users, 0);
    fixture.now_ms = NOW_MS + 3 * WINDOW_MS;
    unsigned n_ticks = 1;
    while (tick() == fixture.now_ms + 1) {
        n_ticks++;
    }
    check_counts(0, n_users / 2, n_users / 2, 0);
    ck_assert_uint_gt(n_ticks, 1);
    fixture.now_ms = NOW_MS;
    while (tick() == fixture.now_ms + 1) {}
    check_counts(0, n_users, 0, 0);
    fixture.now_ms = NOW_MS + 20 * WINDOW_MS;
    while (tick() == fixture.now_ms + 1) {}
    check_counts(0, 0, n_users, 0);
}
END_TEST

static int forget(struct user as_known)
{
    return table_forget_user(fixture.table, &as_known, fixture.now_ms);
}

START_TEST(forgotten_elsewhere_is_forgotten)
{
    open_with(WINDOW_MS, 1, 0);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS - 10));
    struct user known = get("alice");
    uint64_t revision = last_revision();
    ck_assert_int_eq(forget(known), 0);
    ck_assert(!is_held("alice"));
    check_counts(0, 0, 0, 0);
    ck_assert_uint_eq(changes_after(revision, &storage, changes, N_CHANGES_MAX), 1);
    check_change(&changes[0], CHANGE_FORGOTTEN, "alice");
    ck_assert_int_eq(changes[0].origin, CHANGE_BY_REPLICA);
    ck_assert_uint_eq(counts().forgotten_before_ms, NOW_MS - 10);
    ck_assert_uint_eq(counts().n_dropped_for_room + counts().n_dropped_for_age, 0);
    ck_assert_int_eq(forget(known), TABLE_ABSENT);
    /* Its room is free. */
    (void)apply(login("bob", PLATFORM_WEB, NOW_MS));
    ck_assert_int_eq(apply(login("carol", PLATFORM_WEB, NOW_MS)), TABLE_FULL);
}
END_TEST

START_TEST(who_has_more_here_is_not_forgotten)
{
    open_with(0, 0, 0);
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS - 10));
    struct user known = get("alice");
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS - 9));
    ck_assert_int_eq(forget(known), TABLE_KEPT);
    known = get("alice");
    (void)apply(logout("alice", PLATFORM_MAC, NOW_MS - 20));
    ck_assert_int_eq(forget(known), TABLE_KEPT);
    known = get("alice");
    (void)apply(custom_status("alice", "busy", NOW_MS - 20));
    ck_assert_int_eq(forget(known), TABLE_KEPT);
    ck_assert_int_eq(forget(get("alice")), 0);
}
END_TEST

START_TEST(who_is_online_is_not_forgotten)
{
    open_with(0, 0, 0);
    (void)apply(login("alice", PLATFORM_WEB, NOW_MS));
    ck_assert_int_eq(forget(get("alice")), TABLE_KEPT);
    ck_assert(is_held("alice"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("aging");
    TCase *tcase = tcase_create("aging");
    tcase_set_timeout(tcase, 30);
    tcase_add_checked_fixture(tcase, NULL, tear_down);
    tcase_add_test(tcase, end_of_a_window_is_a_change);
    tcase_add_test(tcase, no_window_no_push_online);
    tcase_add_test(tcase, window_moves_with_its_row);
    tcase_add_test(tcase, event_settles_what_has_ended);
    tcase_add_test(tcase, settling_comes_before_the_event);
    tcase_add_test(tcase, many_windows_settle_in_steps);
    tcase_add_test(tcase, forgets_the_offline_after_forget_after);
    tcase_add_test(tcase, forget_after_a_window);
    tcase_add_test(tcase, window_and_age_at_once);
    tcase_add_test(tcase, forget_after_longer_than_time);
    tcase_add_loop_test(tcase, events_of_the_forgotten, 0, N_COMEBACKS);
    tcase_add_test(tcase, restamped_is_newer_than_the_forgotten);
    tcase_add_loop_test(tcase, stamp_ahead_counts_as_received, 0, N_STAMPS_AHEAD);
    tcase_add_test(tcase, stamp_ahead_swallows_nobody);
    tcase_add_test(tcase, forgotten_ahead_of_the_clock);
    tcase_add_test(tcase, changes_say_where_they_come_from);
    tcase_add_test(tcase, raised_to_the_clock_at_most);
    tcase_add_test(tcase, forgotten_is_of_one_app);
    tcase_add_test(tcase, known_users_take_old_events);
    tcase_add_test(tcase, order_of_eviction);
    tcase_add_test(tcase, eviction_settles_first);
    tcase_add_test(tcase, eviction_leaves_a_later_window);
    tcase_add_test(tcase, eviction_crosses_apps);
    tcase_add_test(tcase, drops_the_oldest_for_room);
    tcase_add_test(tcase, forgotten_before_full);
    tcase_add_test(tcase, a_new_user_may_be_older_than_the_dropped);
    tcase_add_test(tcase, clock_ahead_and_back);
    tcase_add_loop_test(tcase, window_ended_before_it_began, 0, 2);
    tcase_add_test(tcase, clock_back_a_little);
    tcase_add_test(tcase, many_windows_reopen);
    tcase_add_test(tcase, forgotten_elsewhere_is_forgotten);
    tcase_add_test(tcase, who_has_more_here_is_not_forgotten);
    tcase_add_test(tcase, who_is_online_is_not_forgotten);
    suite_add_tcase(suite, tcase);
    return suite;
}
