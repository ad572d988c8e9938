/* SPDX-License-Identifier: MIT */
/* How many connections callers can hold. */
#include "../unit/suite.h"
#include "fixture.h"

#include "presenced/clock.h"

#include <stdio.h>
#include <sys/resource.h>

/* The first bytes of a ClientHello of 512 bytes. */
#define HALF_CLIENT_HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

/* Who has never said anything gives way like who idles, long before request_timeout. */
static const struct {
    const char *scheme;
    const char *config;
} roomless[] = {
    {"https", FIXTURE_CALLBACK FIXTURE_TLS "request_timeout = 1h\nmax_connections = 4\n" FIXTURE_REST},
    {"http", FIXTURE_CALLBACK "tls = off\nrequest_timeout = 1h\nmax_connections = 4\n" FIXTURE_REST},
};

START_TEST(silent_connections_make_room)
{
    fixture_start(roomless[_i].config);
    struct wire *silent[4];
    for (size_t i = 0; i < 4; i++) {
        silent[i] = fixture_connect(false);
    }
    fixture_expect_service(roomless[_i].scheme);
    for (size_t i = 0; i < 4; i++) {
        wire_free(silent[i]);
    }
    fixture_stop();
}
END_TEST

/* Max_connections. */

START_TEST(takes_no_more_than_max_connections)
{
    fixture_start(FIXTURE_CALLBACK "tls = off\nmax_connections = 4\n" FIXTURE_REST);
    struct wire *held[4];
    for (size_t i = 0; i < 4; i++) {
        held[i] = fixture_connect(false);
        fixture_request(held[i], 200);
    }
    cleanup(wire_freep) struct wire *fifth = fixture_connect(false);
    ck_assert(wire_send_text(fifth, FIXTURE_REQUEST));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(fifth, 300, &answer), WIRE_OPEN);
    ck_assert_uint_eq(answer.len, 0);
    wire_free(held[0]);
    wire_await(fifth, "\"ActionStatus\":\"OK\"", &answer);
    for (size_t i = 1; i < 4; i++) {
        fixture_request(held[i], 200);
        wire_free(held[i]);
    }
    fixture_stop();
}
END_TEST

/* Max_connections_per_address. */

START_TEST(bounds_connections_of_one_address)
{
    fixture_start(FIXTURE_CALLBACK "tls = off\nmax_connections_per_address = 3\n" FIXTURE_REST);
    struct wire *held[3];
    for (size_t i = 0; i < 3; i++) {
        held[i] = fixture_connect(false);
        fixture_request(held[i], 200);
    }
    cleanup(buf_fini) struct buf answer = {0};
    cleanup(wire_freep) struct wire *fourth = fixture_connect(false);
    (void)wire_send_text(fourth, FIXTURE_REQUEST);
    ck_assert_int_eq(wire_read_to_end(fourth, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_uint_eq(answer.len, 0);
    for (size_t i = 0; i < 3; i++) {
        fixture_request(held[i], 200);
        wire_free(held[i]);
    }
    fixture_stop();
}
END_TEST

/* Whether a new connection is served. */
static bool is_served(void)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    cleanup(buf_fini) struct buf answer = {0};
    (void)wire_send_text(wire, FIXTURE_POST "Connection: close\r\nContent-Length: 86\r\n\r\n" FIXTURE_LOGIN);
    (void)wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer);
    return answer.len > 0;
}

START_TEST(an_address_may_come_back)
{
    fixture_start(FIXTURE_CALLBACK "tls = off\nmax_connections_per_address = 1\n" FIXTURE_REST);
    for (int i = 0; i < 20; i++) {
        uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
        while (!is_served()) {
            ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        }
    }
    fixture_stop();
}
END_TEST

START_TEST(trusted_proxies_are_not_bounded)
{
    fixture_start(FIXTURE_CALLBACK
                  "tls = off\nmax_connections_per_address = 1\ntrusted_proxies = 127.0.0.0/8\n" FIXTURE_REST);
    struct wire *held[8];
    for (size_t i = 0; i < 8; i++) {
        held[i] = fixture_connect(false);
        fixture_request(held[i], 200);
    }
    for (size_t i = 0; i < 8; i++) {
        wire_free(held[i]);
    }
    fixture_stop();
}
END_TEST

START_TEST(unix_sockets_are_not_bounded)
{
    fixture_start(
        "[callback]\nlisten = unix:@DIR@/callback.sock\ntls = off\nmax_connections_per_address = 1\n" FIXTURE_REST);
    struct client *clients[4];
    for (size_t i = 0; i < 4; i++) {
        clients[i] = client_new("http", 0);
        client_unix(clients[i], fixture.sandbox, "callback.sock");
        event_login(clients[i], "honest", 0);
    }
    for (size_t i = 0; i < 4; i++) {
        client_free(clients[i]);
    }
    fixture_stop();
}
END_TEST

/* Many slow connections. */

#define N_HELD_MAX 2000

static size_t raise_descriptor_limit(void)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return limit.rlim_cur < N_HELD_MAX + 200 ? (size_t)limit.rlim_cur - 200 : N_HELD_MAX;
}

/* One connection in four is handshaken; under a sanitizer fewer. */
static struct wire *open_slow(size_t i)
{
    bool is_handshaken = i % (4 * harness_slowness()) == 0;
    struct wire *wire = fixture_connect(is_handshaken);
    if (is_handshaken) {
        ck_assert(wire_send_text(wire, i % 8 == 0 ? FIXTURE_POST
                                                  : FIXTURE_POST "Content-Length: 86\r\n\r\n{\"Callb"));
    } else if (i % 2 == 1) {
        ck_assert(wire_send(wire, STR(HALF_CLIENT_HELLO)));
    }
    return wire;
}

START_TEST(serves_honest_callers_among_2000_slow_ones)
{
    size_t n_held = raise_descriptor_limit();
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "request_timeout = 1h\n" FIXTURE_REST);
    cleanup(client_freep) struct client *kept = client_new("https", instance_callback_port(fixture.instance));
    client_trust(kept, fixture.sandbox);
    static struct wire *held[N_HELD_MAX];
    for (size_t i = 0; i < n_held; i++) {
        held[i] = open_slow(i);
    }
    for (uint64_t i = 0; i < 200; i++) {
        event_login(kept, "honest", 1665113769034 + i);
    }
    for (int i = 0; i < 10; i++) {
        fixture_expect_service("https");
    }
    for (size_t i = 0; i < n_held; i++) {
        wire_free(held[i]);
    }
    fixture_stop();
}
END_TEST

/* A TLS session takes 14 KiB, of which the kernel tells; who says nothing is not worth one. */
#define SILENT_BYTES_MAX 8192

START_TEST(silent_connections_cost_no_session)
{
    static struct wire *silent[N_HELD_MAX];
    size_t n_silent = raise_descriptor_limit();
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "request_timeout = 1h\n" FIXTURE_REST);
    fixture_expect_service("https"); /* so that what is made once is there */
    fixture_await_connections(0);
    uint64_t before = resident_bytes(instance_pid(fixture.instance));
    for (size_t i = 0; i < n_silent; i++) {
        silent[i] = fixture_connect(false);
    }
    fixture_await_connections(n_silent);
    ck_assert_uint_lt(resident_bytes(instance_pid(fixture.instance)), before + n_silent * SILENT_BYTES_MAX);
    for (size_t i = 0; i < n_silent; i++) {
        wire_free(silent[i]);
    }
    fixture_await_connections(0);
    fixture_expect_service("https");
    fixture_stop();
}
END_TEST
Suite *test_suite(void)
{
    Suite *suite = suite_create("limits");
    TCase *tcase = tcase_create("limits");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, silent_connections_make_room, 0, 2);
    tcase_add_test(tcase, silent_connections_cost_no_session);
    tcase_add_test(tcase, takes_no_more_than_max_connections);
    tcase_add_test(tcase, bounds_connections_of_one_address);
    tcase_add_test(tcase, an_address_may_come_back);
    tcase_add_test(tcase, trusted_proxies_are_not_bounded);
    tcase_add_test(tcase, unix_sockets_are_not_bounded);
    tcase_add_test(tcase, serves_honest_callers_among_2000_slow_ones);
    suite_add_tcase(suite, tcase);
    return suite;
}
