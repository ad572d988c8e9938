/* SPDX-License-Identifier: MIT */
#include "../../src/presence/table_private.h"
#include "suite.h"
#include "table_fixture.h"

#include <stdio.h>

#define N_USERS 400
#define ANY (-1)

/* How often each of "user0", "user1", … was visited, and how many of others. */
static struct {
    unsigned n_of[N_USERS];
    unsigned n_others;
    unsigned n;
} seen;

static void set_up(void)
{
    memset(&seen, 0, sizeof(seen));
    table_fixture_open((struct table_config){.push_online_window_ms = 1000});
}

static void see(void *cls, const struct user *user)
{
    uint64_t number;
    struct str id = user_id(user);
    struct str digits = {id.ptr + 4, id.len - 4};
    ck_assert_ptr_eq(cls, &seen);
    if (str_starts_with(id, STR("user")) && str_parse_u64(str_trim(digits), N_USERS - 1, &number)) {
        seen.n_of[number]++;
    } else {
        seen.n_others++;
    }
    seen.n++;
}

static bool list_page(const struct table_filter *filter, size_t limit, size_t max_visited,
                      struct table_cursor *cursor)
{
    unsigned before = seen.n;
    bool more = table_list(fixture.table, filter, limit, max_visited, cursor, see, &seen);
    ck_assert_uint_le(seen.n - before, limit);
    ck_assert_uint_le(seen.n - before, max_visited);
    return more;
}

/* Visits all; returns the number of pages. */
static unsigned list_all(const struct table_filter *filter, size_t limit, size_t max_visited)
{
    struct table_cursor cursor = {0};
    unsigned n_pages = 1;
    memset(&seen, 0, sizeof(seen));
    while (list_page(filter, limit, max_visited, &cursor)) {
        n_pages++;
    }
    ck_assert(!list_page(filter, limit, max_visited, &cursor));
    return n_pages;
}

static const char *name_of(unsigned number, char text[static 16])
{
    (void)snprintf(text, 16, "user%u", number);
    return text;
}

/* Users 0, 4, 8, … are online, 1, 5, … push_online, 2, 6, … offline, the others unknown. */
static void add_users(unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char text[16];
        const char *user = name_of(i, text);
        struct table_event events[USER_N_STATES] = {
            [USER_ONLINE] = login(user, PLATFORM_IOS, NOW_MS),
            [USER_PUSH_ONLINE] = disconnect(user, PLATFORM_IOS, NOW_MS),
            [USER_OFFLINE] = logout(user, PLATFORM_WEB, NOW_MS),
            [USER_UNKNOWN] = custom_status(user, "busy", NOW_MS),
        };
        ck_assert_int_eq(apply(events[i % USER_N_STATES]), TABLE_CHANGED);
    }
}

START_TEST(an_empty_table_has_no_page)
{
    struct table_cursor cursor = {0};
    ck_assert(!list_page(&(struct table_filter){ANY, ANY, ANY}, 10, 10, &cursor));
    ck_assert_uint_eq(seen.n, 0);
}
END_TEST

static const struct {
    size_t limit;
    size_t max_visited;
    unsigned n_pages; /* of N_USERS */
} pages[] = {
    {N_USERS, N_USERS, 1}, {N_USERS + 1, 10000, 1}, {N_USERS - 1, 10000, 2}, {10000, N_USERS - 1, 2},
    {1, 10000, N_USERS},   {7, 10000, 58},          {10000, 7, 58},          {100, 1, N_USERS},
};

#define N_PAGES ((int)(sizeof(pages) / sizeof(pages[0])))

START_TEST(each_user_once)
{
    add_users(N_USERS);
    ck_assert_uint_eq(list_all(&(struct table_filter){ANY, ANY, ANY}, pages[_i].limit, pages[_i].max_visited),
                      pages[_i].n_pages);
    for (unsigned i = 0; i < N_USERS; i++) {
        ck_assert_uint_eq(seen.n_of[i], 1);
    }
}
END_TEST

START_TEST(of_a_state)
{
    add_users(N_USERS);
    ck_assert_uint_eq(list_all(&(struct table_filter){ANY, _i, ANY}, N_USERS / 8, 10000), 2);
    ck_assert_uint_eq(seen.n, N_USERS / 4);
    for (unsigned i = 0; i < N_USERS; i++) {
        ck_assert_uint_eq(seen.n_of[i], (int)(i % USER_N_STATES) == _i);
    }
}
END_TEST

START_TEST(of_an_app)
{
    add_users(20);
    struct table_event event = login("other", PLATFORM_IOS, NOW_MS);
    event.app = fixture.other_app;
    (void)apply(event);
    (void)list_all(&(struct table_filter){fixture.app, ANY, ANY}, 1, 1);
    ck_assert_uint_eq(seen.n, 20);
    ck_assert_uint_eq(seen.n_others, 0);
    (void)list_all(&(struct table_filter){fixture.other_app, ANY, ANY}, 1, 1);
    ck_assert_uint_eq(seen.n, 1);
    ck_assert_uint_eq(seen.n_others, 1);
}
END_TEST

/* "both" is online on the web only. */
static const struct {
    int state;
    int platform;
    unsigned n_users;
    bool sees_both;
} platforms[] = {
    {ANY, PLATFORM_IOS, 11, true},          {ANY, PLATFORM_WEB, 6, true},
    {USER_ONLINE, PLATFORM_IOS, 5, false},  {USER_ONLINE, PLATFORM_WEB, 1, true},
    {USER_OFFLINE, PLATFORM_WEB, 5, false}, {USER_OFFLINE, PLATFORM_IOS, 0, false},
    {ANY, PLATFORM_N_MAX, 0, false},        {ANY, 1000, 0, false},
};

#define N_PLATFORMS ((int)(sizeof(platforms) / sizeof(platforms[0])))

START_TEST(of_a_platform)
{
    add_users(20);
    (void)apply(kicking(login("both", PLATFORM_WEB, NOW_MS), PLATFORM_IOS));
    (void)list_all(&(struct table_filter){ANY, platforms[_i].state, platforms[_i].platform}, 100, 3);
    ck_assert_uint_eq(seen.n, platforms[_i].n_users);
    ck_assert_uint_eq(seen.n_others, platforms[_i].sees_both);
}
END_TEST

/* Users who come, go and change between the pages disturb nobody else's place. */
START_TEST(pages_under_change)
{
    struct table_cursor cursor = {0};
    unsigned n_pages = 0;
    char text[32];
    add_users(N_USERS);
    while (list_page(&(struct table_filter){ANY, ANY, ANY}, 5, 9, &cursor)) {
        (void)snprintf(text, sizeof(text), "new%u", n_pages);
        (void)apply(login(text, PLATFORM_IOS, NOW_MS));
        (void)apply(login(name_of(n_pages % 100, text), PLATFORM_WEB, NOW_MS + n_pages));
        n_pages++;
    }
    for (unsigned i = 100; i < N_USERS; i++) {
        ck_assert_uint_eq(seen.n_of[i], 1);
    }
}
END_TEST

/* Those who are dropped meanwhile leave their places to others. */
START_TEST(pages_while_users_are_dropped)
{
    struct table_cursor cursor = {0};
    unsigned n_pages = 0;
    table_fixture_close();
    table_fixture_open((struct table_config){.max_users = N_USERS});
    for (unsigned i = 0; i < N_USERS; i++) {
        char text[16];
        (void)name_of(i, text);
        (void)apply(i < 200 ? logout(text, PLATFORM_WEB, NOW_MS - 1000 + i)
                            : login(text, PLATFORM_WEB, NOW_MS));
    }
    while (list_page(&(struct table_filter){ANY, ANY, ANY}, 5, 9, &cursor)) {
        char text[32];
        (void)snprintf(text, sizeof(text), "new%u", n_pages++);
        (void)apply(login(text, PLATFORM_IOS, NOW_MS));
    }
    ck_assert_uint_eq(counts().n_dropped_for_room, n_pages);
    for (unsigned i = 200; i < N_USERS; i++) {
        ck_assert_uint_eq(seen.n_of[i], 1);
    }
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_uint_le(seen.n_of[i], 1);
    }
}
END_TEST

#define N_LARGE 40

static struct {
    char ids[N_LARGE][USER_ID_MAX + 1];
    unsigned n_visits[N_LARGE];
    unsigned n_changed; /* visits that show what the first visit did */
} large;

/* Ids of the greatest length, all of one shard. */
static void choose_large_users(void)
{
    struct shard *shard = NULL;
    memset(&large, 0, sizeof(large));
    for (unsigned i = 0, number = 0; i < N_LARGE; number++) {
        char *id = large.ids[i];
        (void)snprintf(id, USER_ID_MAX + 1, "%0*u", USER_ID_MAX, number);
        struct place place = table_place(fixture.table, fixture.app, str_from(id));
        if (shard == NULL || shard == place.shard) {
            shard = place.shard;
            i++;
        }
    }
}

static void add_large_users(void)
{
    for (unsigned i = 0; i < N_LARGE; i++) {
        struct table_event event = login(large.ids[i], 0, NOW_MS);
        for (unsigned platform = 1; platform < PLATFORM_N_MAX; platform++) {
            event = kicking(event, (uint8_t)platform);
        }
        event.client = (struct address){16, {0x20, 0x01, 0x0d, 0xb8}};
        ck_assert_int_eq(apply(event), TABLE_CHANGED);
    }
}

static void see_and_change(void *cls, const struct user *user)
{
    unsigned *n = cls;
    for (unsigned i = 0; i < N_LARGE; i++) {
        if (*n == 0) {
            (void)apply(custom_status(large.ids[i], "busy", NOW_MS));
        }
        large.n_visits[i] += str_equal(user_id(user), str_from(large.ids[i]));
    }
    ck_assert_uint_eq(user->n_rows, PLATFORM_N_MAX);
    large.n_changed += user->has_custom_status;
    ++*n;
}

/* So large that a step holds few of them: the cursor stays at the one that it has no room for. Who comes in a
 * later step shows what was done to all of them while the first was handed out. */
START_TEST(a_step_holds_few_large_users)
{
    struct table_cursor cursor = {0};
    unsigned n = 0;
    choose_large_users();
    add_large_users();
    ck_assert(!table_list(fixture.table, &(struct table_filter){ANY, ANY, ANY}, 1000, 1000, &cursor,
                          see_and_change, &n));
    ck_assert_uint_eq(n, N_LARGE);
    for (unsigned i = 0; i < N_LARGE; i++) {
        ck_assert_uint_eq(large.n_visits[i], 1);
    }
    ck_assert_uint_ge(large.n_changed, N_LARGE / 2);
    ck_assert_uint_lt(large.n_changed, N_LARGE);
}
END_TEST

static const uint64_t positions[] = {
    UINT64_MAX,
    (uint64_t)TABLE_N_SHARDS << 32,
    ((uint64_t)TABLE_N_SHARDS << 32) - 1,
    UINT64_C(1) << 63,
};

#define N_POSITIONS ((int)(sizeof(positions) / sizeof(positions[0])))

/* Cursors come back from outside. */
START_TEST(made_up_cursor)
{
    struct table_cursor cursor = {positions[_i]};
    add_users(N_USERS);
    ck_assert(!list_page(&(struct table_filter){ANY, ANY, ANY}, 5, 9, &cursor));
    ck_assert_uint_eq(seen.n, 0);
    cursor.position = UINT32_MAX;
    while (list_page(&(struct table_filter){ANY, ANY, ANY}, 5, 9, &cursor)) {}
    ck_assert_uint_le(seen.n, N_USERS);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("list");
    TCase *tcase = tcase_create("list");
    tcase_add_checked_fixture(tcase, set_up, table_fixture_close);
    tcase_add_test(tcase, an_empty_table_has_no_page);
    tcase_add_loop_test(tcase, each_user_once, 0, N_PAGES);
    tcase_add_loop_test(tcase, of_a_state, 0, USER_N_STATES);
    tcase_add_test(tcase, of_an_app);
    tcase_add_loop_test(tcase, of_a_platform, 0, N_PLATFORMS);
    tcase_add_test(tcase, pages_under_change);
    tcase_add_test(tcase, pages_while_users_are_dropped);
    tcase_add_test(tcase, a_step_holds_few_large_users);
    tcase_add_loop_test(tcase, made_up_cursor, 0, N_POSITIONS);
    suite_add_tcase(suite, tcase);
    return suite;
}
