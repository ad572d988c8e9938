/* SPDX-License-Identifier: MIT */
/* Memory that is gone at any moment leaves the table as it was. */
#include "scarce_memory.h"
#include "suite.h"
#include "table_fixture.h"

#include <errno.h>
#include <stdio.h>

/* From now on `n` allocations succeed. */
static void leave(unsigned n)
{
    memory_end((struct scarcity){.n_before = n, .n_failing = UINT32_MAX});
}

static void set_up(void)
{
    table_fixture_open((struct table_config){.push_online_window_ms = 1000, .max_users = 9000});
}

static void tear_down(void)
{
    (void)memory_restore();
    table_fixture_close();
}

static uint64_t n_held(void)
{
    struct table_counts now = counts();
    uint64_t n = 0;
    for (unsigned i = 0; i < USER_N_STATES; i++) {
        n += now.n_users[i];
    }
    return n;
}

/* Applies the event with the first allocation failing, then the second, and so on, until it goes through.
 * Returns how many times it did not. */
static unsigned apply_against_odds(struct table_event event)
{
    unsigned n_failed = 0;
    char id[USER_ID_MAX + 1];
    struct user before;
    (void)snprintf(id, sizeof(id), "%.*s", STR_FMT(event.user_id));
    int was_absent = table_get(fixture.table, fixture.app, event.user_id, &before);
    struct table_counts counts_before = counts();
    uint64_t revision = last_revision();
    for (int r = -ENOMEM; r != TABLE_CHANGED; n_failed++) {
        leave(n_failed);
        r = apply(event);
        (void)memory_restore();
        if (r == TABLE_CHANGED) {
            break;
        }
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_uint_eq(last_revision(), revision);
        ck_assert_int_eq(is_held(id), was_absent != TABLE_ABSENT);
        struct table_counts counts_now = counts();
        ck_assert_mem_eq(&counts_now, &counts_before, sizeof(counts_now));
        if (was_absent != TABLE_ABSENT) {
            struct user now = get(id);
            check_users_equal(&now, &before);
        }
    }
    return n_failed;
}

/* Enough users that everything in every shard grows, in both directions between the states. */
START_TEST(an_event_without_memory_changes_nothing)
{
    const unsigned n_users = 6000;
    unsigned n_failed = 0;
    for (unsigned i = 0; i < n_users; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        n_failed += apply_against_odds(login(user, PLATFORM_IOS, NOW_MS));
        if (i % 2 == 0) {
            n_failed += apply_against_odds(disconnect(user, PLATFORM_IOS, NOW_MS + 1));
        }
        if (i % 4 == 0) {
            n_failed += apply_against_odds(kicking(login(user, PLATFORM_WEB, NOW_MS + 2), PLATFORM_IPAD));
        }
    }
    ck_assert_uint_eq(n_held(), n_users);
    check_counts(n_users / 4 * (uint64_t)3, n_users / 4, 0, 0);
    /* Each user needs at least its own memory. */
    ck_assert_uint_ge(n_failed, MEMORY_CAN_END ? n_users : 0);
}
END_TEST

/* No memory is needed to let time go by. */
START_TEST(time_goes_by_without_memory)
{
    for (unsigned i = 0; i < 3000; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "user%u", i);
        (void)apply(disconnect(user, PLATFORM_IOS, NOW_MS));
    }
    leave(0);
    (void)table_tick(fixture.table, NOW_MS + 1000);
    (void)memory_restore();
    check_counts(0, 0, 3000, 0);
}
END_TEST

/* Nobody is dropped for a user who then can't be held. */
START_TEST(drops_nobody_for_one_who_cannot_be_held)
{
    table_fixture_close();
    table_fixture_open((struct table_config){.max_users = 1});
    (void)apply(logout("alice", PLATFORM_WEB, NOW_MS));
    (void)apply_against_odds(login("bob", PLATFORM_WEB, NOW_MS + 1));
    ck_assert(!is_held("alice"));
    ck_assert_uint_eq(counts().n_dropped_for_room, 1);
    ck_assert_int_eq(apply(login("carol", PLATFORM_WEB, NOW_MS + 1)), TABLE_FULL);
}
END_TEST

/* Everything that a table is made of. */
START_TEST(a_table_without_memory_is_none)
{
    const struct table_config config = {.max_users = 5};
    struct table *table = NULL;
    uint16_t app = 77;
    unsigned n_failed = 0;
    for (int r = -ENOMEM; r < 0; n_failed++) {
        leave(n_failed);
        r = table_new(&config, &table);
        (void)memory_restore();
        ck_assert(r == 0 || (r == -ENOMEM && table == NULL));
    }
    ck_assert_uint_ge(n_failed, MEMORY_CAN_END ? 5 : 1);
    if (MEMORY_CAN_END) {
        leave(0);
        int r = table_add_app(table, 1400000000, &app);
        (void)memory_restore();
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_uint_eq(app, 77);
    }
    ck_assert_int_eq(table_add_app(table, 1400000000, &app), 0);
    ck_assert_uint_eq(app, 0);
    table_free(table);
}
END_TEST

START_TEST(read_of_changes)
{
    struct buf storage cleanup(buf_fini) = {0};
    struct change changes[4];
    size_t n = 77;
    (void)apply(login("alice", PLATFORM_IOS, NOW_MS));
    if (MEMORY_CAN_END) {
        leave(0);
        int r = changes_read(table_changes(fixture.table), 0, 4, 1000, &storage, changes, &n);
        (void)memory_restore();
        ck_assert_int_eq(r, -ENOMEM);
        ck_assert_uint_eq(n, 77);
    }
    ck_assert_int_eq(changes_read(table_changes(fixture.table), 0, 4, 1000, &storage, changes, &n), 0);
    ck_assert_uint_eq(n, 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("table_memory");
    TCase *tcase = tcase_create("table_memory");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, an_event_without_memory_changes_nothing);
    tcase_add_test(tcase, time_goes_by_without_memory);
    tcase_add_test(tcase, drops_nobody_for_one_who_cannot_be_held);
    tcase_add_test(tcase, a_table_without_memory_is_none);
    tcase_add_test(tcase, read_of_changes);
    suite_add_tcase(suite, tcase);
    return suite;
}
