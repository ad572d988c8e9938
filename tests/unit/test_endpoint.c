/* SPDX-License-Identifier: MIT */
#include "presenced/endpoint.h"
#include "suite.h"

#include <netinet/in.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

/* sun_path has room for 107 bytes and the NUL. */
#define PATH_26 "/run/presenced/status.sock"
#define PATH_107 "/" PATH_26 PATH_26 PATH_26 PATH_26 "xx"

static const struct {
    struct str text;
    enum endpoint_kind kind;
    bool local;
    const char *shown;
} good[] = {
    {STR("192.0.2.1:8443"), ENDPOINT_TCP, false, "192.0.2.1:8443"},
    {STR("0.0.0.0:0"), ENDPOINT_TCP, false, "0.0.0.0:0"},
    {STR("127.0.0.1:65535"), ENDPOINT_TCP, true, "127.0.0.1:65535"},
    {STR("127.8.8.8:1"), ENDPOINT_TCP, true, "127.8.8.8:1"},
    {STR("localhost:8080"), ENDPOINT_TCP, true, "127.0.0.1:8080"},
    {STR("[2001:db8::1]:8443"), ENDPOINT_TCP, false, "[2001:db8::1]:8443"},
    {STR("[::]:8443"), ENDPOINT_TCP, false, "[::]:8443"},
    {STR("[::1]:8443"), ENDPOINT_TCP, true, "[::1]:8443"},
    {STR("[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"), ENDPOINT_TCP, false,
     "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {STR("unix:/run/presenced/status.sock"), ENDPOINT_UNIX, true, "unix:/run/presenced/status.sock"},
    {STR("unix:" PATH_107), ENDPOINT_UNIX, true, "unix:" PATH_107},
    {STR("systemd"), ENDPOINT_SYSTEMD, false, "systemd"},
};

START_TEST(parses_and_formats)
{
    struct endpoint endpoint;
    char text[ENDPOINT_TEXT_SIZE];
    ck_assert(endpoint_parse(good[_i].text, &endpoint));
    ck_assert_int_eq((int)endpoint.kind, (int)good[_i].kind);
    ck_assert_int_eq(endpoint_is_local(&endpoint), good[_i].local);
    endpoint_format(&endpoint, text);
    ck_assert_str_eq(text, good[_i].shown);
}
END_TEST

static const struct str bad[] = {
    STR(""),
    STR(":"),
    STR("8443"),
    STR(":8443"),
    STR("192.0.2.1"),
    STR("192.0.2.1:"),
    STR("192.0.2.1:65536"),
    STR("192.0.2.1:-1"),
    STR("192.0.2.1: 80"),
    STR("192.0.2.1:80\0"),
    STR("192.0.2.1\0:80"),
    STR("192.0.2.256:80"),
    STR("[192.0.2.1]:80"),
    STR("2001:db8::1:8443"),
    STR("::1:8443"),
    STR("[2001:db8::1]"),
    STR("[2001:db8::1"),
    STR("[]:80"),
    STR("[::1]8443"),
    STR("[::ffff:192.0.2.1]:8443"),
    STR("[fe80::1%lo]:8443"),
    STR("example.com:8443"),
    STR("LOCALHOST:8443"),
    STR("*:8443"),
    STR("http://192.0.2.1:80"),
    STR("unix:"),
    STR("unix:relative"),
    STR("unix:@abstract"),
    STR("unix:/a\0b"),
    STR("unix:" PATH_107 "x"),
    STR("UNIX:/run/a"),
    STR("systemd:1"),
    {NULL, 0},
};

START_TEST(refuses_what_is_no_endpoint)
{
    struct endpoint endpoint = {.sockaddr_len = 4711};
    ck_assert(!endpoint_parse(bad[_i], &endpoint));
    ck_assert_uint_eq(endpoint.sockaddr_len, 4711);
}
END_TEST

START_TEST(makes_an_ipv4_sockaddr)
{
    struct endpoint endpoint;
    struct sockaddr_in in4;
    ck_assert(endpoint_parse(STR("192.0.2.1:8443"), &endpoint));
    ck_assert_uint_eq(endpoint.sockaddr_len, sizeof(in4));
    memcpy(&in4, &endpoint.sockaddr, sizeof(in4));
    ck_assert_int_eq(in4.sin_family, AF_INET);
    ck_assert_uint_eq(ntohs(in4.sin_port), 8443);
    ck_assert_uint_eq(ntohl(in4.sin_addr.s_addr), 0xc0000201);
}
END_TEST

START_TEST(makes_an_ipv6_sockaddr)
{
    struct endpoint endpoint;
    struct sockaddr_in6 in6;
    ck_assert(endpoint_parse(STR("[::1]:8443"), &endpoint));
    ck_assert_uint_eq(endpoint.sockaddr_len, sizeof(in6));
    memcpy(&in6, &endpoint.sockaddr, sizeof(in6));
    ck_assert_int_eq(in6.sin6_family, AF_INET6);
    ck_assert_uint_eq(ntohs(in6.sin6_port), 8443);
    ck_assert(IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr));
    ck_assert_uint_eq(in6.sin6_scope_id, 0);
}
END_TEST

START_TEST(makes_a_unix_sockaddr)
{
    struct endpoint endpoint;
    struct sockaddr_un un;
    ck_assert(endpoint_parse(STR("unix:/run/a"), &endpoint));
    ck_assert_uint_eq(endpoint.sockaddr_len, offsetof(struct sockaddr_un, sun_path) + sizeof("/run/a"));
    memcpy(&un, &endpoint.sockaddr, sizeof(un));
    ck_assert_int_eq(un.sun_family, AF_UNIX);
    ck_assert_str_eq(un.sun_path, "/run/a");
}
END_TEST

/* As getsockname() may leave it. */
START_TEST(formats_a_path_without_nul)
{
    struct endpoint endpoint = {.kind = ENDPOINT_UNIX};
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char text[ENDPOINT_TEXT_SIZE];
    memset(un.sun_path, '/', sizeof(un.sun_path));
    memcpy(&endpoint.sockaddr, &un, sizeof(un));
    endpoint_format(&endpoint, text);
    ck_assert_uint_eq(strlen(text), strlen("unix:") + sizeof(un.sun_path));
}
END_TEST

static const struct {
    const char *texts[2];
    bool conflict;
} pairs[] = {
    {{"127.0.0.1:1", "127.0.0.1:1"}, true},
    {{"127.0.0.1:1", "localhost:1"}, true},
    {{"127.0.0.1:1", "127.0.0.1:2"}, false},
    {{"127.0.0.1:1", "127.0.0.2:1"}, false},
    {{"127.0.0.1:1", "0.0.0.0:1"}, true},
    {{"127.0.0.1:1", "0.0.0.0:2"}, false},
    {{"127.0.0.1:0", "0.0.0.0:0"}, false},
    {{"0.0.0.0:1", "0.0.0.0:1"}, true},
    {{"0.0.0.0:1", "[::]:1"}, false},
    {{"127.0.0.1:1", "[::]:1"}, false},
    {{"127.0.0.1:1", "[::1]:1"}, false},
    {{"[::1]:1", "[::1]:1"}, true},
    {{"[::1]:1", "[::]:1"}, true},
    {{"[::1]:1", "[2001:db8::1]:1"}, false},
    {{"[::1]:0", "[::1]:0"}, false},
    {{"unix:/run/a", "unix:/run/a"}, true},
    {{"unix:/run/a", "unix:/run//a"}, true},
    {{"unix:/run/a", "unix:/./run/./a"}, true},
    {{"unix:/run/a", "unix:/run/b"}, false},
    {{"unix:/run/a", "unix:/run/a/b"}, false},
    {{"unix:/run/a", "unix:/run/.a"}, false},
    {{"unix:/run/a", "unix:/run"}, false},
    {{"unix:/run/a", "127.0.0.1:1"}, false},
    {{"systemd", "systemd"}, false},
    {{"systemd", "127.0.0.1:1"}, false},
};

START_TEST(knows_which_conflict)
{
    struct endpoint endpoints[2];
    for (unsigned i = 0; i < 2; i++) {
        ck_assert(endpoint_parse(str_from(pairs[_i].texts[i]), &endpoints[i]));
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(endpoint_conflicts(&endpoints[i], &endpoints[1 - i]), pairs[_i].conflict);
        /* One that is open already, and two. */
        endpoints[i].is_passed = true;
        ck_assert_int_eq(endpoint_conflicts(&endpoints[i], &endpoints[1 - i]), i == 0 && pairs[_i].conflict);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("endpoint");
    TCase *tcase = tcase_create("endpoint");
    tcase_add_loop_test(tcase, parses_and_formats, 0, N_ELEMENTS(good));
    tcase_add_loop_test(tcase, refuses_what_is_no_endpoint, 0, N_ELEMENTS(bad));
    tcase_add_test(tcase, makes_an_ipv4_sockaddr);
    tcase_add_test(tcase, makes_an_ipv6_sockaddr);
    tcase_add_test(tcase, makes_a_unix_sockaddr);
    tcase_add_test(tcase, formats_a_path_without_nul);
    tcase_add_loop_test(tcase, knows_which_conflict, 0, sizeof(pairs) / sizeof(pairs[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
