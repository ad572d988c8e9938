/* SPDX-License-Identifier: MIT */
#include "../../src/transport/proxy_header.h"

#include "suite.h"

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IPV4 "\xc0\x00\x02\x04\xc0\x00\x02\x01\x30\x39\x20\xfb"
#define IPV6_SOURCE "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define IPV6_TARGET "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x08"
#define MAPPED_SOURCE "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x04"
#define PORTS "\x30\x39\x20\xfb"
#define TLV "\x03\x00\x04\x01\x02\x03\x04"

/* What comes behind a header is not its own. */
#define BEHIND "POST / HTTP/1.1"

static const struct {
    const char *what;
    struct str bytes;
    size_t n_bytes;
    const char *peer; /* NULL: it names none */
} whole[] = {
    {"IPv4", STR(SIGNATURE "\x21\x11\x00\x0c" IPV4), 28, "192.0.2.4"},
    {"IPv4 and what is behind", STR(SIGNATURE "\x21\x11\x00\x0c" IPV4 BEHIND), 28, "192.0.2.4"},
    {"IPv4 with a TLV", STR(SIGNATURE "\x21\x11\x00\x13" IPV4 TLV), 35, "192.0.2.4"},
    {"IPv4, of which the TLVs are still to come", STR(SIGNATURE "\x21\x11\x0f\xf0" IPV4), 4096, "192.0.2.4"},
    {"IPv6", STR(SIGNATURE "\x21\x21\x00\x24" IPV6_SOURCE IPV6_TARGET PORTS), 52, "2001:db8::7"},
    {"IPv4 as IPv6", STR(SIGNATURE "\x21\x21\x00\x24" MAPPED_SOURCE IPV6_TARGET PORTS), 52, "192.0.2.4"},
    {"of nobody we know", STR(SIGNATURE "\x21\x00\x00\x00"), 16, NULL},
    {"of nobody we know, at length", STR(SIGNATURE "\x21\x00\x00\x0c" IPV4), 28, NULL},
    {"of a Unix socket", STR(SIGNATURE "\x21\x31\x00\xd8"), 232, NULL},
    {"LOCAL", STR(SIGNATURE "\x20\x00\x00\x00"), 16, NULL},
    {"LOCAL and what is behind", STR(SIGNATURE "\x20\x00\x00\x00" BEHIND), 16, NULL},
    {"LOCAL with an address", STR(SIGNATURE "\x20\x11\x00\x0c" IPV4), 28, NULL},
    {"LOCAL of a family that nobody knows", STR(SIGNATURE "\x20\xff\x00\x00"), 16, NULL},
};

static void expect_whole(int i, struct str bytes)
{
    struct proxy_header header = {0};
    char text[ADDRESS_TEXT_SIZE];
    ck_assert_msg(proxy_header_parse(bytes, &header) == 0, "%s", whole[i].what);
    ck_assert_uint_eq(header.n_bytes, whole[i].n_bytes);
    ck_assert_int_eq(header.names_peer, whole[i].peer != NULL);
    (void)address_format(&header.peer, text);
    ck_assert_str_eq(text, whole[i].peer == NULL ? "" : whole[i].peer);
}

START_TEST(reads_whom_a_proxy_speaks_for)
{
    expect_whole(_i, whole[_i].bytes);
}
END_TEST

/* As the bytes come, one by one: nothing is wrong before all is there, and no byte behind it is asked for. */
START_TEST(waits_for_the_rest)
{
    struct str bytes = whole[_i].bytes;
    size_t len = 0;
    struct proxy_header header = {0};
    while (proxy_header_parse((struct str){bytes.ptr, len}, &header) == PROXY_HEADER_INCOMPLETE) {
        ck_assert_uint_gt(header.n_bytes, len);
        ck_assert_uint_le(header.n_bytes, whole[_i].n_bytes < 16 ? 16 : whole[_i].n_bytes);
        ck_assert_uint_lt(len, bytes.len);
        len++;
    }
    ck_assert_uint_le(len, PROXY_HEADER_EVALUATED);
    expect_whole(_i, (struct str){bytes.ptr, len});
}
END_TEST

static const struct {
    struct str bytes;
    enum transport_proxy_refusal why;
} wrong[] = {
    {STR("G"), TRANSPORT_PROXY_MISSING},
    {STR("POST / HTTP/1.1\r\n"), TRANSPORT_PROXY_MISSING},
    {STR("\x16\x03\x01\x02\x00\x01"), TRANSPORT_PROXY_MISSING},
    {STR("\r\n\r\n\0\r\nQUIX"), TRANSPORT_PROXY_MISSING},
    {STR("\r\nG"), TRANSPORT_PROXY_MISSING},
    {STR("\0"), TRANSPORT_PROXY_MISSING},
    {STR("PROXY "), TRANSPORT_PROXY_VERSION_1},
    {STR("PROXY TCP4 192.0.2.4 192.0.2.1 12345 8443\r\n"), TRANSPORT_PROXY_VERSION_1},
    {STR("PROXYX"), TRANSPORT_PROXY_MISSING},
    {STR(SIGNATURE "\x11\x11\x00\x0c" IPV4), TRANSPORT_PROXY_MALFORMED}, /* version 1 in the form of 2 */
    {STR(SIGNATURE "\x31\x11\x00\x0c" IPV4), TRANSPORT_PROXY_MALFORMED}, /* version 3 */
    {STR(SIGNATURE "\x22\x11\x00\x0c" IPV4), TRANSPORT_PROXY_MALFORMED}, /* a command that nobody knows */
    {STR(SIGNATURE "\x21\x11\x00\x0b" IPV4), TRANSPORT_PROXY_MALFORMED}, /* shorter than its addresses */
    {STR(SIGNATURE "\x21\x11\x00\x00"), TRANSPORT_PROXY_MALFORMED},
    {STR(SIGNATURE "\x21\x21\x00\x23"), TRANSPORT_PROXY_MALFORMED},
    {STR(SIGNATURE "\x21\x12\x00\x0c" IPV4), TRANSPORT_PROXY_MALFORMED}, /* datagrams */
    {STR(SIGNATURE "\x21\x10\x00\x0c" IPV4), TRANSPORT_PROXY_MALFORMED},
    {STR(SIGNATURE "\x21\x41\x00\x0c" IPV4), TRANSPORT_PROXY_MALFORMED}, /* a family that nobody knows */
    {STR(SIGNATURE "\x21\x11\x0f\xf1" IPV4), TRANSPORT_PROXY_TOO_LONG},
    {STR(SIGNATURE "\x20\x00\xff\xff"), TRANSPORT_PROXY_TOO_LONG},
};

START_TEST(refuses_what_is_no_header)
{
    struct proxy_header header = {0};
    ck_assert_int_eq(proxy_header_parse(wrong[_i].bytes, &header), PROXY_HEADER_REFUSED);
    ck_assert_str_eq(transport_proxy_refusal_name(header.refusal),
                     transport_proxy_refusal_name(wrong[_i].why));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("proxy_header");
    TCase *tcase = tcase_create("proxy_header");
    tcase_add_loop_test(tcase, reads_whom_a_proxy_speaks_for, 0, N(whole));
    tcase_add_loop_test(tcase, waits_for_the_rest, 0, N(whole));
    tcase_add_loop_test(tcase, refuses_what_is_no_header, 0, N(wrong));
    suite_add_tcase(suite, tcase);
    return suite;
}
