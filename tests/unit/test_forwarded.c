/* SPDX-License-Identifier: MIT */
#include "../../src/callback/forwarded.h"

#include "suite.h"

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))
#define N_VALUES_MAX 4

#define PROXY "192.0.2.1"
#define PROXIES "192.0.2.0/28"

/* Trusted: 192.0.2.0/28 and 2001:db8:1::/48. */
static const struct {
    const char *peer;
    const char *values[N_VALUES_MAX];
    const char *client;
} cases[] = {
    /* whom nobody vouches for */
    {"192.0.2.99", {NULL}, "192.0.2.99"},
    {"192.0.2.99", {"192.0.2.200"}, "192.0.2.99"},
    {"192.0.2.16", {"192.0.2.200"}, "192.0.2.16"},
    {"2001:db8:2::1", {"192.0.2.200"}, "2001:db8:2::1"},
    /* a trusted peer */
    {PROXY, {NULL}, PROXY},
    {PROXY, {""}, PROXY},
    {PROXY, {"192.0.2.200"}, "192.0.2.200"},
    {"192.0.2.15", {"192.0.2.200"}, "192.0.2.200"},
    {"2001:db8:1::1", {"192.0.2.200"}, "192.0.2.200"},
    {PROXY, {"2001:db8::7"}, "2001:db8::7"},
    {PROXY, {" \t192.0.2.200\t "}, "192.0.2.200"},
    /* only the right end is a proxy's word */
    {PROXY, {"192.0.2.201, 192.0.2.200"}, "192.0.2.200"},
    {PROXY, {"192.0.2.201,192.0.2.200,192.0.2.2"}, "192.0.2.200"},
    {PROXY, {"192.0.2.201 , 192.0.2.200 ,\t192.0.2.2 , 2001:db8:1::5"}, "192.0.2.200"},
    {PROXY, {"192.0.2.3,192.0.2.200"}, "192.0.2.200"},
    {PROXY, {"192.0.2.3,192.0.2.2"}, "192.0.2.3"},
    /* several headers are one list */
    {PROXY, {"192.0.2.201", "192.0.2.200"}, "192.0.2.200"},
    {PROXY, {"192.0.2.200", "192.0.2.2"}, "192.0.2.200"},
    {PROXY, {"192.0.2.201,192.0.2.200", "192.0.2.2", "192.0.2.3,192.0.2.4"}, "192.0.2.200"},
    {PROXY, {"192.0.2.200", ""}, "192.0.2.200"},
    {PROXY, {"", ""}, PROXY},
    /* empty elements are none */
    {PROXY, {",,192.0.2.200, ,"}, "192.0.2.200"},
    {PROXY, {","}, PROXY},
    /* ports and brackets */
    {PROXY, {"192.0.2.200:1234"}, "192.0.2.200"},
    {PROXY, {"192.0.2.200:65535"}, "192.0.2.200"},
    {PROXY, {"[2001:db8::7]"}, "2001:db8::7"},
    {PROXY, {"[2001:db8::7]:443"}, "2001:db8::7"},
    {PROXY, {"192.0.2.200, [2001:db8:1::2]:80"}, "192.0.2.200"},
    {PROXY, {"::ffff:192.0.2.200"}, "192.0.2.200"},
    {PROXY, {"[::ffff:192.0.2.200]:80"}, "192.0.2.200"},
    {PROXY, {"192.0.2.200,::ffff:192.0.2.2"}, "192.0.2.200"},
    /* garbage ends the walk */
    {PROXY, {"unknown"}, PROXY},
    {PROXY, {"192.0.2.200, unknown"}, PROXY},
    {PROXY, {"192.0.2.200, unknown, 192.0.2.2"}, "192.0.2.2"},
    {PROXY, {"192.0.2.200", "_hidden", "192.0.2.2"}, "192.0.2.2"},
    {PROXY, {"unknown, 192.0.2.200"}, "192.0.2.200"},
    {PROXY, {"192.0.2.200:"}, PROXY},
    {PROXY, {"192.0.2.200:x"}, PROXY},
    {PROXY, {"192.0.2.200:65536"}, PROXY},
    {PROXY, {"192.0.2.200:-1"}, PROXY},
    {PROXY, {":80"}, PROXY},
    {PROXY, {"[]"}, PROXY},
    {PROXY, {"["}, PROXY},
    {PROXY, {"[2001:db8::7"}, PROXY},
    {PROXY, {"2001:db8::7]"}, PROXY},
    {PROXY, {"[2001:db8::7]443"}, PROXY},
    {PROXY, {"[2001:db8::7]:"}, PROXY},
    {PROXY, {"[192.0.2.200]"}, PROXY},
    {PROXY, {"[2001:db8::7%eth0]"}, PROXY},
    {PROXY, {"192.0.2"}, PROXY},
    {PROXY, {"192.0.2.0200"}, PROXY},
    {PROXY, {"192.0.2.200 192.0.2.201"}, PROXY},
    {PROXY, {"\"192.0.2.200\""}, PROXY},
    {PROXY, {"for=192.0.2.200"}, PROXY},
    {PROXY, {"example.com"}, PROXY},
    /* a Unix socket */
    {"", {NULL}, ""},
    {"", {"192.0.2.200"}, "192.0.2.200"},
    {"", {"192.0.2.200,192.0.2.2"}, "192.0.2.200"},
    {"", {"unknown"}, ""},
};

static struct address address_of(const char *text)
{
    struct address address = {0};
    ck_assert(text[0] == '\0' || address_parse(str_from(text), &address));
    return address;
}

static void assert_client(const struct address *got, const char *want)
{
    char text[ADDRESS_TEXT_SIZE];
    (void)address_format(got, text);
    ck_assert_str_eq(text, want);
}

static struct address client_of(const char *peer, const struct str *values, size_t n_values)
{
    struct network trusted[2];
    struct address from = address_of(peer);
    ck_assert(network_parse(STR(PROXIES), &trusted[0]));
    ck_assert(network_parse(STR("2001:db8:1::/48"), &trusted[1]));
    return forwarded_client(&from, values, n_values, trusted, 2);
}

START_TEST(walks_back_to_the_first_stranger)
{
    struct str values[N_VALUES_MAX];
    size_t n = 0;
    while (n < N_VALUES_MAX && cases[_i].values[n] != NULL) {
        values[n] = str_from(cases[_i].values[n]);
        n++;
    }
    struct address client = client_of(cases[_i].peer, values, n);
    assert_client(&client, cases[_i].client);
}
END_TEST

START_TEST(believes_nobody_without_proxies)
{
    static const char *peers[] = {PROXY, "2001:db8::1", ""};
    struct str value = STR("192.0.2.200");
    for (size_t i = 0; i < 3; i++) {
        struct address peer = address_of(peers[i]);
        struct address client = forwarded_client(&peer, &value, 1, NULL, 0);
        assert_client(&client, peers[i]);
    }
}
END_TEST

/* `192.0.2.200`, then n - 1 trusted hops: the client is the nth element from the right. */
static struct address client_behind(unsigned n, const char *hop)
{
    cleanup(buf_fini) struct buf list = {0};
    buf_append(&list, STR("192.0.2.200"));
    for (unsigned i = 1; i < n; i++) {
        buf_append_char(&list, ',');
        buf_append(&list, str_from(hop));
    }
    struct str value = buf_str(&list);
    return client_of(PROXY, &value, 1);
}

START_TEST(hops_are_bounded)
{
    struct address within = client_behind(FORWARDED_HOPS_MAX, "192.0.2.2");
    struct address beyond = client_behind(FORWARDED_HOPS_MAX + 1, "192.0.2.2");
    struct address within_empty = client_behind(FORWARDED_HOPS_MAX, "");
    struct address beyond_empty = client_behind(FORWARDED_HOPS_MAX + 1, "");
    assert_client(&within, "192.0.2.200");
    assert_client(&beyond, "192.0.2.2");
    assert_client(&within_empty, "192.0.2.200");
    assert_client(&beyond_empty, PROXY);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("forwarded");
    TCase *tcase = tcase_create("forwarded");
    tcase_add_loop_test(tcase, walks_back_to_the_first_stranger, 0, N(cases));
    tcase_add_test(tcase, believes_nobody_without_proxies);
    tcase_add_test(tcase, hops_are_bounded);
    suite_add_tcase(suite, tcase);
    return suite;
}
