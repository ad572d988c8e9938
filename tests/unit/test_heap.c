/* SPDX-License-Identifier: MIT */
#include "../../src/presence/heap.h"
#include "suite.h"
#include "must.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define N_SLOTS 200

/* What the heaps should hold, and where they said that it stands. */
static struct {
    uint64_t key;
    enum heap_name name; /* HEAP_N: in none */
    uint32_t at;
} slots[N_SLOTS];

static struct heaps heaps;

static void note_moved(void *cls, uint32_t slot, uint32_t at)
{
    must(cls == slots);
    slots[slot].at = at;
}

static void set_up(void)
{
    heaps_init(&heaps, note_moved, slots);
    for (unsigned i = 0; i < N_SLOTS; i++) {
        slots[i].name = HEAP_N;
    }
}

static void tear_down(void)
{
    heaps_fini(&heaps);
}

static void add(enum heap_name name, uint64_t key, uint32_t slot)
{
    must(heaps_reserve(&heaps) == 0);
    slots[slot].name = name;
    slots[slot].key = key;
    heap_add(&heaps, name, key, slot);
}

static void drop(uint32_t slot)
{
    heap_remove(&heaps, slots[slot].name, slots[slot].at);
    slots[slot].name = HEAP_N;
}

static void change(uint32_t slot, uint64_t key)
{
    slots[slot].key = key;
    heap_change(&heaps, slots[slot].name, slots[slot].at, key);
}

static uint64_t lowest_key(enum heap_name name)
{
    uint64_t lowest = HEAP_NO_KEY;
    for (unsigned i = 0; i < N_SLOTS; i++) {
        if (slots[i].name == name && slots[i].key < lowest) {
            lowest = slots[i].key;
        }
    }
    return lowest;
}

START_TEST(an_empty_heap_has_no_top)
{
    ck_assert_uint_eq(heap_top_key(&heaps, HEAP_WINDOWS), HEAP_NO_KEY);
    ck_assert_uint_eq(heap_top_key(&heaps, HEAP_IDLE), HEAP_NO_KEY);
}
END_TEST

START_TEST(the_lowest_comes_first)
{
    static const uint64_t keys[] = {5, 3, 9, 1, 7, 3, 0, 8, 2, 6, 4};
    static const uint64_t sorted[] = {0, 1, 2, 3, 3, 4, 5, 6, 7, 8, 9};
    for (uint32_t i = 0; i < 11; i++) {
        add((enum heap_name)_i, keys[i], i);
    }
    for (uint32_t i = 0; i < 11; i++) {
        ck_assert_uint_eq(heap_top_key(&heaps, (enum heap_name)_i), sorted[i]);
        drop(heap_top_slot(&heaps, (enum heap_name)_i));
    }
    ck_assert_uint_eq(heap_top_key(&heaps, (enum heap_name)_i), HEAP_NO_KEY);
}
END_TEST

/* All of the one move to the other without another reservation. */
START_TEST(moves_need_no_room)
{
    for (uint32_t i = 0; i < 100; i++) {
        add(HEAP_WINDOWS, i, i);
    }
    uint32_t capacity = heaps.capacity;
    for (uint32_t i = 0; i < 100; i++) {
        drop(i);
        slots[i].name = HEAP_IDLE;
        heap_add(&heaps, HEAP_IDLE, i, i);
        ck_assert_uint_eq(heap_top_key(&heaps, HEAP_IDLE), 0);
        ck_assert_uint_eq(heap_top_key(&heaps, HEAP_WINDOWS), i < 99 ? i + 1 : HEAP_NO_KEY);
    }
    ck_assert_uint_eq(heaps.capacity, capacity);
    ck_assert_uint_eq(heaps.n[HEAP_IDLE], 100);
    ck_assert_uint_eq(heaps.n[HEAP_WINDOWS], 0);
}
END_TEST

START_TEST(keeps_its_order_under_random_changes)
{
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    for (unsigned step = 0; step < 20000; step++) {
        uint32_t slot = (uint32_t)rand_r(&seed) % N_SLOTS;
        uint64_t key = (uint64_t)rand_r(&seed) % 1000;
        if (slots[slot].name == HEAP_N) {
            add(rand_r(&seed) % 2 == 0 ? HEAP_WINDOWS : HEAP_IDLE, key, slot);
        } else if (rand_r(&seed) % 2 == 0) {
            change(slot, key);
        } else {
            drop(slot);
        }
        for (unsigned name = 0; name < HEAP_N; name++) {
            must(heap_top_key(&heaps, (enum heap_name)name) == lowest_key((enum heap_name)name));
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("heap");
    TCase *tcase = tcase_create("heap");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_empty_heap_has_no_top);
    tcase_add_loop_test(tcase, the_lowest_comes_first, 0, HEAP_N);
    tcase_add_test(tcase, moves_need_no_room);
    tcase_add_test(tcase, keeps_its_order_under_random_changes);
    suite_add_tcase(suite, tcase);
    return suite;
}
