/* SPDX-License-Identifier: MIT */
#include "presenced/address.h"
#include "suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
    struct str text;
    unsigned len; /* 0: refused */
    const char *shown;
} addresses[] = {
    {STR("192.0.2.4"), 4, "192.0.2.4"},
    {STR("0.0.0.0"), 4, "0.0.0.0"},
    {STR("255.255.255.255"), 4, "255.255.255.255"},
    {STR("::1"), 16, "::1"},
    {STR("::"), 16, "::"},
    {STR("2001:DB8:0:0::1"), 16, "2001:db8::1"},
    {STR("2001:db8:ffff:ffff:ffff:ffff:255.255.255.255"), 16, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"},
    {STR("::ffff:192.0.2.1"), 4, "192.0.2.1"},
    {STR("::ffff:c000:201"), 4, "192.0.2.1"},
    {STR("::192.0.2.1"), 16, "::192.0.2.1"},
    {STR(""), 0, NULL},
    {STR("192.0.2"), 0, NULL},
    {STR("192.0.2.256"), 0, NULL},
    {STR("192.0.2.4 "), 0, NULL},
    {STR("192.0.2.4:80"), 0, NULL},
    {STR("192.0.2.4\0"), 0, NULL},
    {STR("010.0.2.4"), 0, NULL},
    {STR("[::1]"), 0, NULL},
    {STR("fe80::1%lo"), 0, NULL},
    {STR("1::2::3"), 0, NULL},
    {STR("localhost"), 0, NULL},
    {STR("0000:0000:0000:0000:0000:0000:0000:00000000000001"), 0, NULL},
};

START_TEST(parses_addresses)
{
    struct address address = {.len = 99};
    char text[ADDRESS_TEXT_SIZE];
    bool good = addresses[_i].len != 0;
    ck_assert_int_eq(address_parse(addresses[_i].text, &address), good);
    ck_assert_uint_eq(address.len, good ? addresses[_i].len : 99);
    if (good) {
        ck_assert_uint_eq(address_format(&address, text), strlen(addresses[_i].shown));
        ck_assert_str_eq(text, addresses[_i].shown);
    }
}
END_TEST

static struct address parsed(const char *text)
{
    struct address address;
    ck_assert_msg(address_parse(str_from(text), &address), "%s", text);
    return address;
}

START_TEST(formats_none)
{
    char text[ADDRESS_TEXT_SIZE] = "x";
    ck_assert_uint_eq(address_format(&(struct address){0}, text), 0);
    ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(reads_sockaddrs)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_addr = {htonl(0xc0000204)}};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct address address = address_from_sockaddr((struct sockaddr *)&in4);
    struct address expected = parsed("192.0.2.4");
    ck_assert(address_equal(&address, &expected));
    ck_assert_int_eq(inet_pton(AF_INET6, "2001:db8::7", &in6.sin6_addr), 1);
    address = address_from_sockaddr((struct sockaddr *)&in6);
    expected = parsed("2001:db8::7");
    ck_assert(address_equal(&address, &expected));
    ck_assert_int_eq(inet_pton(AF_INET6, "::ffff:192.0.2.4", &in6.sin6_addr), 1);
    address = address_from_sockaddr((struct sockaddr *)&in6);
    expected = parsed("192.0.2.4");
    ck_assert(address_equal(&address, &expected));
    address = address_from_sockaddr((struct sockaddr *)&un);
    ck_assert_uint_eq(address.len, 0);
}
END_TEST

START_TEST(compares)
{
    struct address a = parsed("192.0.2.1");
    struct address b = parsed("192.0.2.2");
    struct address mapped = parsed("::ffff:192.0.2.1");
    struct address v6 = parsed("c000:201::"); /* begins with the bytes of 192.0.2.1 */
    struct address none = {0};
    ck_assert(address_equal(&a, &a));
    ck_assert(address_equal(&a, &mapped));
    ck_assert(address_equal(&none, &none));
    ck_assert(!address_equal(&a, &b));
    ck_assert(!address_equal(&a, &v6));
    ck_assert(!address_equal(&a, &none));
}
END_TEST

static const struct {
    const char *text;
    bool loopback;
} loopbacks[] = {
    {"127.0.0.1", true},        {"127.255.255.255", true}, {"::1", true},      {"::ffff:127.0.0.1", true},
    {"126.255.255.255", false}, {"128.0.0.0", false},      {"0.0.0.0", false}, {"::", false},
    {"::127.0.0.1", false},     {"7f00::", false},         {"::1:1", false},   {"192.0.2.1", false},
};

START_TEST(knows_loopback)
{
    struct address address = parsed(loopbacks[_i].text);
    ck_assert_int_eq(address_is_loopback(&address), loopbacks[_i].loopback);
    ck_assert(!address_is_loopback(&(struct address){0}));
}
END_TEST

static const struct {
    struct str text;
    int bits; /* -1: refused */
} networks[] = {
    {STR("192.0.2.0/24"), 24},
    {STR("192.0.2.1"), 32},
    {STR("192.0.2.1/32"), 32},
    {STR("0.0.0.0/0"), 0},
    {STR("192.0.2.128/25"), 25},
    {STR("2001:db8::/32"), 32},
    {STR("2001:db8::1"), 128},
    {STR("::/0"), 0},
    {STR("::ffff:192.0.2.0/24"), 24}, /* held as the IPv4 network it is */
    {STR("192.0.2.1/24"), -1},
    {STR("192.0.2.128/24"), -1},
    {STR("192.0.2.0/33"), -1},
    {STR("::ffff:192.0.2.0/120"), -1},
    {STR("2001:db8::/129"), -1},
    {STR("2001:db8::1/127"), -1},
    {STR("128.0.0.0/0"), -1},
    {STR("192.0.2.0/"), -1},
    {STR("192.0.2.0/-1"), -1},
    {STR("192.0.2.0/ 24"), -1},
    {STR("192.0.2.0/24/24"), -1},
    {STR("192.0.2.0/255.255.255.0"), -1},
    {STR("/24"), -1},
    {STR(""), -1},
    {{NULL, 0}, -1},
};

START_TEST(parses_networks)
{
    struct network network = {.prefix_bits = 199};
    bool good = networks[_i].bits >= 0;
    ck_assert_int_eq(network_parse(networks[_i].text, &network), good);
    ck_assert_int_eq(network.prefix_bits, good ? networks[_i].bits : 199);
}
END_TEST

static const struct {
    const char *network;
    const char *address;
    bool contains;
} members[] = {
    {"192.0.2.0/24", "192.0.2.0", true},
    {"192.0.2.0/24", "192.0.2.255", true},
    {"192.0.2.0/24", "192.0.3.0", false},
    {"192.0.2.0/24", "192.0.1.255", false},
    {"192.0.2.0/24", "::ffff:192.0.2.9", true},
    {"192.0.2.0/25", "192.0.2.127", true},
    {"192.0.2.0/25", "192.0.2.128", false},
    {"192.0.2.4", "192.0.2.4", true},
    {"192.0.2.4", "192.0.2.5", false},
    {"0.0.0.0/0", "203.0.113.1", true},
    {"0.0.0.0/0", "2001:db8::1", false},
    {"::/0", "192.0.2.1", false},
    {"::/0", "2001:db8::1", true},
    {"2001:db8::/33", "2001:db8:7fff::1", true},
    {"2001:db8::/33", "2001:db8:8000::1", false},
    {"2001:db8::1", "2001:db8::1", true},
    {"2001:db8::1", "2001:db8::2", false},
};

START_TEST(finds_members)
{
    struct network network;
    struct address address = parsed(members[_i].address);
    ck_assert(network_parse(str_from(members[_i].network), &network));
    ck_assert_int_eq(network_contains(&network, &address), members[_i].contains);
    ck_assert(!network_contains(&network, &(struct address){0}));
}
END_TEST

/* Against a reading of the definition, bit by bit. */
START_TEST(finds_members_of_any_prefix)
{
    struct address base = parsed("2001:db8:5555:aaaa:3333:cccc:f0f0:0f0f");
    for (unsigned flipped = 0; flipped < 128; flipped++) {
        struct address other = base;
        other.bytes[flipped / 8] ^= (uint8_t)(0x80U >> (flipped % 8));
        for (unsigned bits = 0; bits <= 128; bits++) {
            struct network network = {.base = base, .prefix_bits = (uint8_t)bits};
            ck_assert_int_eq(network_contains(&network, &other), flipped >= bits);
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("address");
    TCase *tcase = tcase_create("address");
    tcase_add_loop_test(tcase, parses_addresses, 0, N_ELEMENTS(addresses));
    tcase_add_test(tcase, formats_none);
    tcase_add_test(tcase, reads_sockaddrs);
    tcase_add_test(tcase, compares);
    tcase_add_loop_test(tcase, knows_loopback, 0, N_ELEMENTS(loopbacks));
    tcase_add_loop_test(tcase, parses_networks, 0, N_ELEMENTS(networks));
    tcase_add_loop_test(tcase, finds_members, 0, N_ELEMENTS(members));
    tcase_add_test(tcase, finds_members_of_any_prefix);
    suite_add_tcase(suite, tcase);
    return suite;
}
