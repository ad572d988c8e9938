/* SPDX-License-Identifier: MIT */
#include "../../src/presence/slots.h"
#include "suite.h"

#include <stdio.h>
#include <time.h>

static struct slots slots;

static void set_up(void)
{
    slots_init(&slots);
}

static void tear_down(void)
{
    slots_fini(&slots);
}

static uint32_t take(enum user_state state)
{
    struct entry *held = calloc(1, sizeof(*held));
    ck_assert_ptr_nonnull(held);
    held->state = state & 3U;
    ck_assert_int_eq(slots_reserve(&slots), 0);
    uint32_t slot = slots_take(&slots, held);
    ck_assert_ptr_eq(slots_at(&slots, slot), held);
    return slot;
}

START_TEST(numbers_rise_and_are_reused)
{
    for (uint32_t i = 0; i < 200; i++) {
        ck_assert_uint_eq(take(USER_ONLINE), i);
    }
    free(slots_give_back(&slots, 70));
    free(slots_give_back(&slots, 3));
    ck_assert_uint_eq(slots_next(&slots, SLOTS_ANY_STATE, 3), 4);
    ck_assert_uint_eq(take(USER_OFFLINE), 3);
    ck_assert_uint_eq(take(USER_OFFLINE), 70);
    ck_assert_uint_eq(take(USER_OFFLINE), 200);
}
END_TEST

START_TEST(next_of_states)
{
    ck_assert_uint_eq(slots_next(&slots, SLOTS_ANY_STATE, 0), SLOT_NONE);
    for (unsigned i = 0; i < 150; i++) {
        (void)take(i % 50 == 49 ? USER_UNKNOWN : USER_ONLINE);
    }
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_UNKNOWN, 0), 49);
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_UNKNOWN, 49), 49);
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_UNKNOWN, 50), 99);
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_UNKNOWN | 1U << USER_ONLINE, 50), 50);
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_UNKNOWN, 150), SLOT_NONE);
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_OFFLINE, 0), SLOT_NONE);
    ck_assert_uint_eq(slots_next(&slots, SLOTS_ANY_STATE, UINT32_MAX), SLOT_NONE);
    slots_set_state(&slots, 99, USER_ONLINE);
    ck_assert_uint_eq(slots_next(&slots, 1U << USER_UNKNOWN, 50), 149);
    ck_assert_uint_eq(slots_at(&slots, 99)->state, USER_ONLINE);
}
END_TEST

#define N_USERS 300

/* Which user stands where, and in which state, against a plain list. */
START_TEST(users_stand_where_they_were_put)
{
    bool is_in[N_USERS] = {false};
    unsigned states[N_USERS] = {0};
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    for (unsigned step = 0; step < 5000; step++) {
        uint32_t slot = (uint32_t)rand_r(&seed) % N_USERS;
        enum user_state state = (enum user_state)(rand_r(&seed) % USER_N_STATES);
        if (!is_in[slot]) {
            slot = take(state);
            ck_assert_uint_lt(slot, N_USERS);
            ck_assert(!is_in[slot]);
            is_in[slot] = true;
            states[slot] = state;
        } else if (rand_r(&seed) % 2 == 0) {
            slots_set_state(&slots, slot, state);
            states[slot] = state;
        } else {
            free(slots_give_back(&slots, slot));
            is_in[slot] = false;
        }
    }
    for (unsigned state = 0; state < USER_N_STATES; state++) {
        uint32_t at = 0;
        for (uint32_t slot = 0; slot < N_USERS; slot++) {
            if (is_in[slot] && states[slot] == state) {
                at = slots_next(&slots, 1U << state, at);
                ck_assert_uint_eq(at++, slot);
            }
        }
        ck_assert_uint_eq(slots_next(&slots, 1U << state, at), SLOT_NONE);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("slots");
    TCase *tcase = tcase_create("slots");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, numbers_rise_and_are_reused);
    tcase_add_test(tcase, next_of_states);
    tcase_add_test(tcase, users_stand_where_they_were_put);
    suite_add_tcase(suite, tcase);
    return suite;
}
