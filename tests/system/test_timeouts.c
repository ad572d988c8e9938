/* SPDX-License-Identifier: MIT */
/* For how long a caller can hold a connection. Times are awaited, never slept through. */
#include "../unit/suite.h"
#include "fixture.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <poll.h>

/* The first bytes of a ClientHello of 512 bytes. */
#define HALF_CLIENT_HELLO "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

/* Request_timeout. */

#define REQUEST_TIMEOUT_MS 300
#define CLOCK_SLACK_MS 50 /* the kernel tells the daemon by its ticks when bytes came */
#define SHORT_TIMEOUT "request_timeout = 300ms\n"

struct slow_case {
    const char *what;
    bool is_tls_listener;
    bool is_handshaken;
    bool is_kept;     /* after a request that was served */
    struct str begin; /* sent at once */
    char drip;        /* sent again and again; 0: nothing */
};

static const struct slow_case slow_cases[] = {
    {"says nothing", false, false, false, STR(""), 0},
    {"a request's first byte", false, false, false, STR("P"), 0},
    {"half a request line", false, false, false, STR("POST /?SdkApp"), 0},
    {"a head without end", false, false, false, STR(FIXTURE_POST), 0},
    {"half a body", false, false, false, STR(FIXTURE_POST "Content-Length: 86\r\n\r\n{\"Callb"), 0},
    {"a request line byte by byte", false, false, false, STR("POST /?"), 'a'},
    {"a header byte by byte", false, false, false, STR(FIXTURE_POST "X-Note: "), 'a'},
    {"a body byte by byte", false, false, false, STR(FIXTURE_POST "Content-Length: 60000\r\n\r\n"), ' '},
    {"a refused body byte by byte", false, false, false,
     STR("POST /elsewhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"), ' '},
    {"empty lines before the request", false, false, false, STR(""), '\n'},
    {"a second request", false, false, true, STR("POST /?SdkApp"), 0},
    {"a second request byte by byte", false, false, true, STR("POST /?SdkApp"), 'a'},
    {"no handshake", true, false, false, STR(""), 0},
    {"a ClientHello's first byte", true, false, false, STR("\x16"), 0},
    {"half a ClientHello", true, false, false, STR(HALF_CLIENT_HELLO), 0},
    {"a ClientHello byte by byte", true, false, false, STR(HALF_CLIENT_HELLO), 0x41},
    {"nothing after the handshake", true, true, false, STR(""), 0},
    {"half a head over TLS", true, true, false, STR(FIXTURE_POST), 0},
    {"a body byte by byte over TLS", true, true, false, STR(FIXTURE_POST "Content-Length: 60000\r\n\r\n"),
     ' '},
    {"a second request over TLS", true, true, true, STR("POST /?SdkApp"), 0},
};

#define N_SLOW_CASES (sizeof(slow_cases) / sizeof(slow_cases[0]))

/* Sends a byte now and then until the other side has had enough. Whether it had. */
static bool drip_until_closed(struct wire *wire, char byte)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    cleanup(buf_fini) struct buf answer = {0};
    while (clock_monotonic_ms() < deadline_ms) {
        if (wire_read_to_end(wire, 30, &answer) == WIRE_CLOSED) {
            return true;
        }
        if (byte != 0 && !wire_send(wire, (struct str){&byte, 1})) {
            return true;
        }
    }
    return false;
}

START_TEST(cuts_a_slow_sender_off)
{
    const struct slow_case *slow_case = &slow_cases[_i];
    fixture_start(slow_case->is_tls_listener ? FIXTURE_CALLBACK FIXTURE_TLS SHORT_TIMEOUT FIXTURE_REST
                                             : FIXTURE_CALLBACK "tls = off\n" SHORT_TIMEOUT FIXTURE_REST);
    uint64_t begin_ms = clock_monotonic_ms();
    cleanup(wire_freep) struct wire *wire = fixture_connect(slow_case->is_handshaken);
    if (slow_case->is_kept) {
        fixture_request(wire, 200);
        begin_ms = clock_monotonic_ms();
    }
    (void)wire_send(wire, slow_case->begin);
    ck_assert_msg(drip_until_closed(wire, slow_case->drip), "%s: still open", slow_case->what);
    uint64_t taken_ms = clock_monotonic_ms() - begin_ms;
    bool is_refused = slow_case->drip == '\n' && harness_library_is_strict(); /* a bare LF */
    ck_assert_msg(is_refused || taken_ms + CLOCK_SLACK_MS >= REQUEST_TIMEOUT_MS, "%s: cut off after %u ms",
                  slow_case->what, (unsigned)taken_ms);
    fixture_expect_service(slow_case->is_tls_listener ? "https" : "http");
    fixture_stop();
}
END_TEST

/* Idle_timeout. */

START_TEST(closes_an_idle_connection)
{
    fixture_start(FIXTURE_CALLBACK "tls = off\nidle_timeout = 1s\nrequest_timeout = 1h\n" FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    fixture_request(wire, 200);
    cleanup(buf_fini) struct buf rest = {0};
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &rest), WIRE_CLOSED);
    ck_assert_uint_eq(rest.len, 0);
    fixture_stop();
}
END_TEST

/* What waits between two requests is not slow. */
START_TEST(request_timeout_spares_a_kept_connection)
{
    fixture_start(FIXTURE_CALLBACK "tls = off\n" SHORT_TIMEOUT FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    fixture_request(wire, 200);
    cleanup(buf_fini) struct buf rest = {0};
    ck_assert_int_eq(wire_read_to_end(wire, 4 * REQUEST_TIMEOUT_MS, &rest), WIRE_OPEN);
    fixture_request(wire, 200);
    fixture_stop();
}
END_TEST

/* Replies that nobody takes. */

#define N_PIPELINED_MAX 400000 /* more than the kernel holds the replies of */
#define STUCK_AFTER_MS 1000

/* Sends requests over TLS without taking a reply. Returns how many were sent whole before the daemon took no
 * more of them, or closed. */
static size_t pipeline(struct wire *wire)
{
    struct pollfd socket = {.fd = wire_fd(wire), .events = POLLOUT};
    size_t n = 0;
    ck_assert_int_eq(fcntl(socket.fd, F_SETFL, O_NONBLOCK), 0);
    do {
        ck_assert_uint_lt(n, N_PIPELINED_MAX);
        int r = SSL_write(wire_ssl(wire), FIXTURE_REQUEST, sizeof(FIXTURE_REQUEST) - 1);
        n += r > 0;
        if (r <= 0 && SSL_get_error(wire_ssl(wire), r) != SSL_ERROR_WANT_WRITE) {
            return n;
        }
    } while (poll(&socket, 1, STUCK_AFTER_MS) > 0);
    return n;
}

static size_t count(struct str text, struct str wanted)
{
    size_t n = 0;
    const char *end = text.ptr + text.len;
    const char *at = text.ptr;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), wanted.ptr, wanted.len)) != NULL) {
        at += wanted.len;
        n++;
    }
    return n;
}

/* What comes until `n` replies are there, each in a record of its own, or the daemon closes. Returns how many
 * are. */
static size_t take_replies(struct wire *wire, size_t n)
{
    struct pollfd socket = {.fd = wire_fd(wire), .events = POLLIN};
    size_t n_taken = 0;
    char record[16384];
    while (n_taken < n) {
        int r = SSL_read(wire_ssl(wire), record, sizeof(record));
        if (r > 0) {
            n_taken += count((struct str){record, (size_t)r}, STR("\"ActionStatus\":\"OK\""));
        } else if (SSL_get_error(wire_ssl(wire), r) != SSL_ERROR_WANT_READ) {
            break;
        } else {
            ck_assert_int_gt(poll(&socket, 1, HARNESS_DEADLINE_MS), 0);
        }
    }
    return n_taken;
}

START_TEST(replies_wait_for_who_takes_them_later)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "request_timeout = 1h\n" FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(true);
    size_t n = pipeline(wire);
    fixture_expect_service("https");
    ck_assert_uint_eq(take_replies(wire, n), n);
    fixture_stop();
}
END_TEST

START_TEST(cuts_off_who_takes_no_replies)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS SHORT_TIMEOUT FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(true);
    size_t n = pipeline(wire);
    ck_assert_uint_lt(take_replies(wire, n), n);
    fixture_stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("timeouts");
    TCase *tcase = tcase_create("timeouts");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, cuts_a_slow_sender_off, 0, (int)N_SLOW_CASES);
    tcase_add_test(tcase, closes_an_idle_connection);
    tcase_add_test(tcase, request_timeout_spares_a_kept_connection);
    tcase_add_test(tcase, replies_wait_for_who_takes_them_later);
    tcase_add_test(tcase, cuts_off_who_takes_no_replies);
    suite_add_tcase(suite, tcase);
    return suite;
}
