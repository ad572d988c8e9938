/* SPDX-License-Identifier: MIT */
#include "../../src/presence/index.h"
#include "suite.h"
#include "must.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct index table;

static void set_up(void)
{
    table = (struct index){0};
}

static void tear_down(void)
{
    index_fini(&table);
}

static void add(uint32_t hash, uint32_t slot)
{
    must(index_reserve(&table) == 0);
    index_insert(&table, hash, slot);
}

/* How often `slot` comes up under `hash`. */
static unsigned count(uint32_t hash, uint32_t slot)
{
    struct index_probe probe = index_probe(hash);
    unsigned n = 0;
    uint32_t found;
    while (index_next(&table, &probe, &found)) {
        n += found == slot;
    }
    return n;
}

START_TEST(an_empty_index_finds_nothing)
{
    ck_assert_uint_eq(count(5, 0), 0);
    ck_assert_int_eq(index_reserve(&table), 0);
    ck_assert_uint_eq(count(5, 0), 0);
}
END_TEST

START_TEST(tells_equal_hashes_apart)
{
    for (uint32_t slot = 0; slot < 10; slot++) {
        add(UINT32_MAX, slot);
    }
    index_remove(&table, UINT32_MAX, 4);
    for (uint32_t slot = 0; slot < 10; slot++) {
        ck_assert_uint_eq(count(UINT32_MAX, slot), slot != 4);
    }
    ck_assert_uint_eq(count(UINT32_MAX - 16, 0), 0);
}
END_TEST

/* Entries that wrap around the end and those at home behind them: a gap closes over the right ones only. */
START_TEST(removal_closes_the_gap)
{
    static const uint32_t hashes[] = {14, 15, 14 + 16, 0, 15 + 16, 1, 3};
    enum { N = sizeof(hashes) / sizeof(hashes[0]) };
    for (uint32_t i = 0; i < N; i++) {
        add(hashes[i], i);
    }
    ck_assert_uint_eq(table.capacity, 16);
    index_remove(&table, hashes[_i], (uint32_t)_i);
    for (uint32_t i = 0; i < N; i++) {
        ck_assert_uint_eq(count(hashes[i], i), (int)i != _i);
    }
    ck_assert_uint_eq(table.n, N - 1);
}
END_TEST

START_TEST(load_stays_below_four_fifths)
{
    for (uint32_t i = 0; i < 10000; i++) {
        add(i * 2654435761U, i);
        must(table.n * UINT64_C(5) <= table.capacity * UINT64_C(4));
    }
    ck_assert_uint_eq(table.capacity, 16384);
    for (uint32_t i = 0; i < 10000; i++) {
        must(count(i * 2654435761U, i) == 1);
    }
}
END_TEST

#define N_SLOTS 300

/* Few different hashes, so that there are long runs of them, against a plain list. */
START_TEST(finds_what_is_there_after_random_changes)
{
    uint32_t hashes[N_SLOTS];
    bool is_in[N_SLOTS] = {false};
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    for (unsigned step = 0; step < 20000; step++) {
        uint32_t slot = (uint32_t)rand_r(&seed) % N_SLOTS;
        if (is_in[slot]) {
            index_remove(&table, hashes[slot], slot);
        } else {
            hashes[slot] = (uint32_t)rand_r(&seed) % 64;
            add(hashes[slot], slot);
        }
        is_in[slot] = !is_in[slot];
    }
    for (uint32_t slot = 0; slot < N_SLOTS; slot++) {
        ck_assert_uint_eq(is_in[slot] ? count(hashes[slot], slot) : 1, 1);
    }
    uint32_t n = 0;
    for (uint32_t i = 0; i < N_SLOTS; i++) {
        n += is_in[i];
    }
    ck_assert_uint_eq(table.n, n);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("index");
    TCase *tcase = tcase_create("index");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_empty_index_finds_nothing);
    tcase_add_test(tcase, tells_equal_hashes_apart);
    tcase_add_loop_test(tcase, removal_closes_the_gap, 0, 7);
    tcase_add_test(tcase, load_stays_below_four_fifths);
    tcase_add_test(tcase, finds_what_is_there_after_random_changes);
    suite_add_tcase(suite, tcase);
    return suite;
}
