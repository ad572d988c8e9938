/* SPDX-License-Identifier: MIT */
#include "../../src/transport/address_bound.h"
#include "suite.h"

#include <stdio.h>

static struct address_bound *bound;

static void set_up(void)
{
    ck_assert_int_eq(address_bound_new(2, 100, &bound), 0);
}

static void tear_down(void)
{
    address_bound_free(bound);
}

static struct address parse(const char *text)
{
    struct address address;
    ck_assert(address_parse(str_from(text), &address));
    return address;
}

START_TEST(each_has_its_share)
{
    struct address a = parse("192.0.2.1");
    struct address b = parse("192.0.2.2");
    ck_assert(address_bound_add(bound, &a));
    ck_assert(address_bound_add(bound, &a));
    ck_assert(!address_bound_add(bound, &a));
    ck_assert(address_bound_add(bound, &b));
    address_bound_remove(bound, &a);
    ck_assert(address_bound_add(bound, &a));
    ck_assert(!address_bound_add(bound, &a));
}
END_TEST

START_TEST(ipv6_by_network)
{
    struct address a = parse("2001:db8:0:1::1");
    struct address b = parse("2001:db8:0:1:ffff::2");
    struct address c = parse("2001:db8:0:2::1");
    ck_assert(address_bound_add(bound, &a));
    ck_assert(address_bound_add(bound, &b));
    ck_assert(!address_bound_add(bound, &a));
    ck_assert(address_bound_add(bound, &c));
}
END_TEST

/* All of the memory is used and given back, whatever buckets the addresses fall into. */
START_TEST(all_memory_is_given_back)
{
    struct address addresses[100];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 100; i++) {
            char text[20];
            (void)snprintf(text, sizeof(text), "192.0.2.%u", i + round * 50);
            addresses[i] = parse(text);
            ck_assert(address_bound_add(bound, &addresses[i]));
        }
        struct address one_more = parse("192.0.2.255");
        ck_assert(!address_bound_add(bound, &one_more));
        for (unsigned i = 0; i < 100; i++) {
            address_bound_remove(bound, &addresses[i]);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("address_bound");
    TCase *tcase = tcase_create("address_bound");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, each_has_its_share);
    tcase_add_test(tcase, ipv6_by_network);
    tcase_add_test(tcase, all_memory_is_given_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
