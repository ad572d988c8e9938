/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "wire.h"

#include "presenced/clock.h"

#include <ctype.h>
#include <signal.h>
#include <sys/socket.h>

/* Requests whose end two readers could see in two places, and what cannot be read at all. A load balancer in
 * front and the daemon must never disagree on it, so each such request is refused in our own words, the
 * connection is closed, and nothing that follows is read as a request. Over plain HTTP libmicrohttpd reads
 * the socket by itself, over TLS through us: each case is tried over both. */

/* A connection that is not closed shows within less than the daemon's own time-outs. */
#define CLOSE_DEADLINE_MS 5000

#define CONFIG_REST          \
    "max_body = 1K\n"        \
    "[status]\n"             \
    "listen = 127.0.0.1:0\n" \
    "[app 1400000000]\n"
#define CONFIG "[callback]\nlisten = 127.0.0.1:0\ntls = off\n" CONFIG_REST
#define TLS_CONFIG \
    "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n" CONFIG_REST

#define TARGET "/?SdkAppid=1400000000&CallbackCommand=State.StateChange&OptPlatform=Web"
#define POST "POST " TARGET " HTTP/1.1\r\n"
#define HOST "Host: localhost\r\n"

/* Bodies of exactly 112 (0x70) bytes, so that their length can stand in the literals below. */
#define LOGIN(user)                                                                                    \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"" user \
    "\",\"Reason\":\"Register\"}}   "
#define BODY LOGIN("victim00")
#define BODY_LENGTH "Content-Length: 112\r\n"
#define CHUNKED_BODY "70\r\n" BODY "\r\n0\r\n\r\n"

/* What an attacker hides behind the first request. */
#define SMUGGLED POST HOST BODY_LENGTH "\r\n" LOGIN("smuggled")

struct framing_case {
    const char *what;
    struct str bytes; /* SMUGGLED is sent behind them */
    int status;
};

#define BYTES(literal)                  \
    {                                   \
        "" literal, sizeof(literal) - 1 \
    }

#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n"

static const struct framing_case refused[] = {
    {"two lengths", BYTES(POST HOST BODY_LENGTH "Content-Length: 4\r\n\r\n" BODY), 400},
    {"two lengths that agree", BYTES(POST HOST BODY_LENGTH BODY_LENGTH "\r\n" BODY), 400},
    {"two lengths, zero first", BYTES(POST HOST "Content-Length: 0\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"two lengths in one header", BYTES(POST HOST "Content-Length: 112, 112\r\n\r\n" BODY), 400},
    {"length and chunked", BYTES(POST HOST BODY_LENGTH "Transfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY),
     400},
    {"chunked and length", BYTES(POST HOST "Transfer-Encoding: chunked\r\n" BODY_LENGTH "\r\n" CHUNKED_BODY),
     400},
    {"length with a sign", BYTES(POST HOST "Content-Length: +112\r\n\r\n" BODY), 400},
    {"length below zero", BYTES(POST HOST "Content-Length: -112\r\n\r\n" BODY), 400},
    {"length in hex", BYTES(POST HOST "Content-Length: 0x70\r\n\r\n" BODY), 400},
    {"length of words", BYTES(POST HOST "Content-Length: many\r\n\r\n" BODY), 400},
    {"length empty", BYTES(POST HOST "Content-Length:\r\n\r\n" BODY), 400},
    {"length beyond 64 bits", BYTES(POST HOST "Content-Length: 18446744073709551728\r\n\r\n" BODY), 413},
    {"length with a blank before its colon", BYTES(POST HOST "Content-Length : 112\r\n\r\n" BODY), 400},
    {"gzip, chunked", BYTES(POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKED_BODY), 400},
    {"chunked, gzip", BYTES(POST HOST "Transfer-Encoding: chunked, gzip\r\n\r\n" CHUNKED_BODY), 400},
    {"chunked twice", BYTES(POST HOST "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNKED_BODY), 400},
    {"chunked in two headers",
     BYTES(POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY), 400},
    {"identity", BYTES(POST HOST "Transfer-Encoding: identity\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"an unknown coding", BYTES(POST HOST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKED_BODY), 400},
    {"chunked with HTTP/1.0",
     BYTES("POST " TARGET " HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" CHUNKED_BODY), 400},
    {"no Host", BYTES(POST BODY_LENGTH "\r\n" BODY), 400},
    {"two Hosts", BYTES(POST HOST "Host: example.org\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"two Hosts that agree", BYTES(POST HOST HOST BODY_LENGTH "\r\n" BODY), 400},
    {"a length folded on a second line",
     BYTES(POST HOST "X-Note: a\r\n Content-Length: 4\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a value folded", BYTES(POST HOST "Content-Length:\r\n 112\r\n\r\n" BODY), 400},
    {"a value folded by a tab", BYTES(POST HOST "Content-Length: \r\n\t112\r\n\r\n" BODY), 400},
    {"a coding folded", BYTES(POST HOST "Transfer-Encoding:\r\n chunked\r\n\r\n" CHUNKED_BODY), 400},
    {"a length folded where none is needed",
     BYTES("GET /livez HTTP/1.1\r\n" HOST "Content-Length:\r\n 112\r\n\r\n" BODY), 400},
    {"a length folded in a request that is refused",
     BYTES("GET /elsewhere HTTP/1.1\r\n" HOST "Content-Length:\r\n 112\r\n\r\n" BODY), 400},
    {"neither length nor chunked", BYTES(POST HOST "\r\n"), 411},
    {"a bare LF ends a header", BYTES(POST "Host: localhost\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a bare LF ends the last header", BYTES(POST HOST "Content-Length: 112\n\r\n" BODY), 400},
    {"a bare LF ends the head", BYTES(POST HOST BODY_LENGTH "\n" BODY), 400},
    {"a bare LF ends the request line", BYTES("POST " TARGET " HTTP/1.1\n" HOST BODY_LENGTH "\r\n" BODY),
     400},
    {"bare LFs end all lines",
     BYTES("POST " TARGET " HTTP/1.1\nHost: localhost\nContent-Length: 112\n\n" BODY), 400},
    {"a bare CR in a header", BYTES(POST HOST "X-Note: a\rb\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a NUL in a header", BYTES(POST HOST "X-Note: a\0b\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a NUL that cuts a length", BYTES(POST HOST "Content-Length: 112\0, 4\r\n\r\n" BODY), 400},
    {"a NUL in a name", BYTES(POST HOST "X\0Note: a\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a NUL between lines", BYTES(POST HOST "\0\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a NUL in the target", BYTES("POST " TARGET "\0 HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY), 400},
    {"a blank in the target", BYTES("POST " TARGET " &a=b HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY), 400},
    {"a tab in the target", BYTES("POST " TARGET "\t HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY), 400},
    {"two blanks before the target", BYTES("POST  " TARGET " HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY),
     400},
    {"two blanks behind the target", BYTES("POST " TARGET "  HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY),
     400},
    {"no target", BYTES("POST HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY), 400},
    {"HTTP/1.2, in words that nobody knows",
     BYTES("POST " TARGET " HTTP/1.x\r\n" HOST BODY_LENGTH "\r\n" BODY), 400},
    {"HTTP/3", BYTES("POST " TARGET " HTTP/3.0\r\n" HOST BODY_LENGTH "\r\n" BODY), 505},
    {"a header without a colon", BYTES(POST HOST "X-Note\r\n" BODY_LENGTH "\r\n" BODY), 400},
    {"a bare LF ends a chunk line", BYTES(POST HOST CHUNKED "70\n" BODY "\r\n0\r\n\r\n"), 400},
    {"a bare LF ends a chunk line with an extension", BYTES(POST HOST CHUNKED "70;\n" BODY "\r\n0\r\n\r\n"),
     400},
    {"a chunk line with an extension", BYTES(POST HOST CHUNKED "70;name=value\r\n" BODY "\r\n0\r\n\r\n"),
     400},
    {"a bare LF ends a second chunk line", BYTES(POST HOST CHUNKED "1\r\n \r\n70\n" BODY "\r\n0\r\n\r\n"),
     400},
    {"a bare LF ends a chunk", BYTES(POST HOST CHUNKED "1\r\n \n70\r\n" BODY "\r\n0\r\n\r\n"), 400},
    {"nothing ends a chunk", BYTES(POST HOST CHUNKED "70\r\n" BODY "0\r\n\r\n"), 400},
    {"a blank behind the length of a chunk", BYTES(POST HOST CHUNKED "70 \r\n" BODY "\r\n0\r\n\r\n"), 400},
    {"a chunk of a length of words", BYTES(POST HOST CHUNKED "many\r\n" BODY "\r\n0\r\n\r\n"), 400},
    {"a chunk of a length with a sign", BYTES(POST HOST CHUNKED "+70\r\n" BODY "\r\n0\r\n\r\n"), 400},
    {"a chunk of a length in C", BYTES(POST HOST CHUNKED "0x70\r\n" BODY "\r\n0\r\n\r\n"), 400},
    {"a chunk beyond 64 bits", BYTES(POST HOST CHUNKED "10000000000000070\r\n" BODY "\r\n0\r\n\r\n"), 413},
};

#define N_REFUSED (sizeof(refused) / sizeof(refused[0]))

/* A daemon is tried with some of a table's cases at a time: no more than the log tells of before it holds
 * refusals of a kind back. */
#define N_CASES_A_TEST 8
#define N_TESTS(n_cases) ((int)(((n_cases) + N_CASES_A_TEST - 1) / N_CASES_A_TEST))
#define FOR_CASES_OF_TEST(i, test, n_cases)        \
    for (size_t i = (size_t)(test)*N_CASES_A_TEST; \
         i < (size_t)((test) + 1) * N_CASES_A_TEST && i < (n_cases); i++)

static struct sandbox *sandbox;
static struct instance *instance;
static struct client *status;
static unsigned n_refused; /* by this daemon so far */
static unsigned n_silent;  /* of them without an answer */

static void start_with(const char *config)
{
    n_refused = 0;
    n_silent = 0;
    sandbox = sandbox_new();
    instance = instance_start(sandbox, config);
    status = client_new("http", instance_status_port(instance));
}

static void start(void)
{
    start_with(CONFIG);
}

static void start_tls(void)
{
    start_with(TLS_CONFIG);
}

static void stop(void)
{
    client_free(status);
    instance_stop(instance);
    sandbox_free(sandbox);
}

_Static_assert(sizeof(BODY) - 1 == 112 && sizeof(LOGIN("smuggled")) - 1 == 112, "as BODY_LENGTH says");

static size_t count_answers(struct buf *bytes)
{
    size_t n = 0;
    for (const char *at = buf_text(bytes); (at = strstr(at, "HTTP/1.1 ")) != NULL; at++) {
        n += isdigit((unsigned char)at[9]) != 0;
    }
    return n;
}

static void expect_nobody(void)
{
    expect_state(status, "victim00", "");
    expect_state(status, "smuggled", "");
}

/* 1.0 closes without an answer on a NUL in the request line. */
static bool may_be_silent(const struct framing_case *framing_case)
{
    return harness_library_is_strict() && strcmp(framing_case->what, "a NUL in the target") == 0;
}

static void expect_refusal(const struct framing_case *framing_case, struct buf *answer)
{
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", framing_case->status);
    const char *text = buf_text(answer);
    ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s: %s", framing_case->what, text);
    ck_assert_msg(count_answers(answer) == 1, "%s: %s", framing_case->what, text);
    expect_callback_bytes(answer, framing_case->status, "FAIL", 1);
}

static void expect_n_malformed(const char *listener, unsigned n)
{
    char name[80];
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/metrics", &answer);
    (void)snprintf(name, sizeof(name), "\npresenced_requests_malformed_total{listener=\"%s\"} ", listener);
    const char *at = strstr(buf_text(&answer.body), name);
    ck_assert_ptr_nonnull(at);
    ck_assert_int_eq(atoi(at + strlen(name)), (int)n);
}

static void expect_refused_over(struct wire *wire, const struct framing_case *framing_case)
{
    cleanup(buf_fini) struct buf request = {0};
    buf_append(&request, framing_case->bytes);
    buf_append(&request, STR(SMUGGLED));
    (void)wire_send(wire, buf_str(&request));
    cleanup(buf_fini) struct buf answer = {0};
    enum wire_end end = wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer);
    ck_assert_msg(end == WIRE_CLOSED, "%s: left open after %s", framing_case->what, buf_text(&answer));
    expect_nobody();
    n_refused++;
    if (answer.len == 0 && may_be_silent(framing_case)) {
        n_silent++;
        instance_await_log_times(instance, "msg=\"connection closed without an answer\"", n_silent);
    } else {
        expect_refusal(framing_case, &answer);
        instance_await_log_times(instance, "msg=\"callback answered FAIL\"", n_refused - n_silent);
    }
    expect_n_malformed("callback", n_refused);
}

START_TEST(refuses_and_reads_no_further)
{
    FOR_CASES_OF_TEST(i, _i, N_REFUSED)
    {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        expect_refused_over(wire, &refused[i]);
    }
}
END_TEST

START_TEST(refuses_and_reads_no_further_over_tls)
{
    FOR_CASES_OF_TEST(i, _i, N_REFUSED)
    {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = NULL}));
        expect_refused_over(wire, &refused[i]);
    }
}
END_TEST

/* What is wrong with a request shows behind one that was good. */
START_TEST(refuses_the_second_request_of_a_connection)
{
    FOR_CASES_OF_TEST(i, _i, N_REFUSED)
    {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        cleanup(buf_fini) struct buf answer = {0};
        ck_assert(wire_send_text(wire, POST HOST BODY_LENGTH "\r\n" LOGIN("firstone")));
        wire_await(wire, "\"ErrorInfo\":\"\"}", &answer);
        expect_refused_over(wire, &refused[i]);
        expect_state(status, "firstone", "online");
    }
}
END_TEST

/* The rest of what is refused may come later: the answer is not lost to a reset. */
START_TEST(lets_the_refused_sender_finish)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, POST HOST "Content-Length: many\r\n\r\n"));
    wire_await(wire, "\"}", &answer);
    for (int i = 0; i < 64; i++) {
        ck_assert(wire_send_text(wire, BODY));
    }
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_callback_bytes(&answer, 400, "FAIL", 1);
}
END_TEST

/* The library closes these by itself. */
static const struct str no_requests[] = {
    BYTES("nonsense\r\n\r\n"),
    BYTES("\x16\x03\x01\x02\r\n\r\n"),
    BYTES("nonsense that is\nno request\r\n\r\n"),
};

#define N_NO_REQUESTS (sizeof(no_requests) / sizeof(no_requests[0]))

START_TEST(says_that_it_closes_on_what_is_no_request)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send(wire, no_requests[_i]));
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_ptr_null(strstr(buf_text(&answer), "<html>"));
    ck_assert_uint_le(count_answers(&answer), 1);
    instance_await_log(instance, answer.len == 0 ? "msg=\"connection closed without an answer\""
                                                 : "msg=\"callback answered FAIL\"");
    expect_n_malformed("callback", 1);
}
END_TEST

/* Who leaves in the midst of a request was not refused. */
START_TEST(counts_nobody_who_leaves)
{
    for (int i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        cleanup(buf_fini) struct buf answer = {0};
        ck_assert(wire_send_text(wire, i == 0 ? POST HOST : POST HOST BODY_LENGTH "\r\n{"));
        ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
        ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
        ck_assert_uint_eq(answer.len, 0);
    }
    expect_n_malformed("callback", 0);
}
END_TEST

/* Answered as they asked to be, and then closed, as they or the answer said: what else they sent is not held
 * against them. */
static const struct str answered_and_closed[] = {
    BYTES("\r\n" POST HOST BODY_LENGTH "Connection: close\r\n\r\n" BODY),
    BYTES(POST HOST BODY_LENGTH "Connection: TE, Close\r\n\r\n" BODY "\r\n\r\n"),
    BYTES("POST " TARGET " HTTP/1.0\r\n" BODY_LENGTH "\r\n" BODY "\r\n\r\n"),
    BYTES("POST /elsewhere HTTP/1.1\r\n" HOST BODY_LENGTH "Expect: 100-continue\r\n\r\n" BODY),
};

#define N_ANSWERED_AND_CLOSED (sizeof(answered_and_closed) / sizeof(answered_and_closed[0]))

static void await_no_connections(const char *listener)
{
    char name[80];
    bool is_there = false;
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    (void)snprintf(name, sizeof(name), "\npresenced_connections{listener=\"%s\"} 0\n", listener);
    while (!is_there) {
        cleanup(answer_fini) struct answer answer;
        client_get(status, "/metrics", &answer);
        is_there = strstr(buf_text(&answer.body), name) != NULL;
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
    }
}

START_TEST(counts_nobody_who_was_answered)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send(wire, answered_and_closed[_i]));
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_uint_eq(count_answers(&answer), 1);
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    await_no_connections("callback"); /* one is counted when it has ended */
    expect_n_malformed("callback", 0);
}
END_TEST

/* The request before is gone, and what it pointed to: an address sanitizer sees who looks at it. */
START_TEST(refuses_what_follows_a_long_target)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf bytes = {0};
    cleanup(buf_fini) struct buf answer = {0};
    buf_append(&bytes, STR("POST " TARGET "&tenant="));
    for (int i = 0; i < 6000; i++) {
        buf_append_char(&bytes, 'a');
    }
    buf_append(&bytes, STR(" HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY));
    ck_assert(wire_send(wire, buf_str(&bytes)));
    wire_await(wire, "\"ErrorInfo\":\"\"}", &answer);
    buf_clear(&answer);
    buf_clear(&bytes);
    buf_append(&bytes, STR("POST /"));
    while (bytes.len < 1 << 14) {
        buf_append_char(&bytes, 'a');
    }
    ck_assert(wire_send(wire, buf_str(&bytes)));
    wire_await(wire, "\"}", &answer);
    expect_callback_bytes(&answer, 431, "FAIL", 1);
}
END_TEST

/* What is right is let through, so the cases above can fail. */

static void expect_both_applied(const char *first)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, first));
    ck_assert(wire_send_text(wire, POST HOST BODY_LENGTH "Connection: close\r\n\r\n" LOGIN("smuggled")));
    cleanup(buf_fini) struct buf answers = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answers), WIRE_CLOSED);
    ck_assert_msg(count_answers(&answers) == 2, "%s", buf_text(&answers));
    expect_state(status, "victim00", "online");
    expect_state(status, "smuggled", "online");
}

START_TEST(serves_two_requests_sent_at_once)
{
    expect_both_applied(POST HOST BODY_LENGTH "\r\n" BODY);
}
END_TEST

/* libmicrohttpd before 1.0 does not show where a chunked body ends, so nothing is read behind one. */
START_TEST(serves_a_chunked_body_in_many_chunks)
{
    static const char chunked[] = POST HOST "transfer-encoding: Chunked\r\n\r\n"
                                            "1\r\n \r\n70\r\n" BODY "\r\n0\r\n\r\n";
    if (harness_library_is_strict()) {
        expect_both_applied(chunked);
        return;
    }
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, chunked));
    (void)wire_send_text(wire, SMUGGLED);
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_callback_bytes(&answer, 200, "OK", 0);
    expect_state(status, "victim00", "online");
    expect_state(status, "smuggled", "");
}
END_TEST

START_TEST(serves_a_chunked_body_in_single_bytes)
{
    static const char request[] = POST HOST CHUNKED CHUNKED_BODY;
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        ck_assert(wire_send(wire, (struct str){request + i, 1}));
    }
    wire_await(wire, "\"}", &answer);
    expect_state(status, "victim00", "online");
}
END_TEST

START_TEST(serves_http_1_0_without_a_host)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, "POST " TARGET " HTTP/1.0\r\n" BODY_LENGTH "\r\n" BODY));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_msg(strstr(buf_text(&answer), " 200 OK\r\n") != NULL, "%s", buf_text(&answer));
    expect_state(status, "victim00", "online");
}
END_TEST

#define LAST_REQUEST POST HOST BODY_LENGTH "Connection: close\r\n\r\n" BODY

static void expect_ok_and_close(struct wire *wire)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_callback_bytes(&answer, 200, "OK", 0);
}

START_TEST(serves_a_request_in_single_bytes)
{
    static const char request[] = LAST_REQUEST;
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    for (size_t i = 0; i < sizeof(request) - 1; i++) {
        ck_assert(wire_send(wire, (struct str){request + i, 1}));
    }
    expect_ok_and_close(wire);
}
END_TEST

/* Its bytes and its end come together: it has not left without a word. */
START_TEST(serves_who_sends_no_more_behind_the_request)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    struct str request = STR(LAST_REQUEST);
    ck_assert_int_eq(send(wire_fd(wire), request.ptr, request.len, MSG_MORE), (ssize_t)request.len);
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    expect_ok_and_close(wire);
}
END_TEST

START_TEST(asks_for_the_body_that_waits_for_100_continue)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, POST HOST BODY_LENGTH "Expect: 100-continue\r\n\r\n"));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 100 Continue\r\n\r\n", &answer);
    ck_assert(wire_send_text(wire, BODY));
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
}
END_TEST

/* Bodies over max_body (1K). */

/* Sends a request with a body of `n` bytes. */
static void send_body(struct wire *wire, size_t n, bool is_chunked)
{
    cleanup(buf_fini) struct buf bytes = {0};
    if (is_chunked) {
        buf_appendf(&bytes, POST HOST "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", n);
    } else {
        buf_appendf(&bytes, POST HOST "Content-Length: %zu\r\n\r\n", n);
    }
    for (size_t i = 0; i < n; i++) {
        buf_append_char(&bytes, ' ');
    }
    if (is_chunked) {
        buf_append(&bytes, STR("\r\n0\r\n\r\n"));
    }
    (void)wire_send(wire, buf_str(&bytes));
}

static const struct {
    size_t n_bytes;
    bool is_chunked;
} too_long[] = {{1025, false}, {2048, false}, {1025, true}, {2048, true}};

#define N_TOO_LONG (sizeof(too_long) / sizeof(too_long[0]))

START_TEST(says_413_for_a_body_up_to_twice_too_long)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    send_body(wire, too_long[_i].n_bytes, too_long[_i].is_chunked);
    wire_await(wire, "\"ErrorInfo\":\"", &answer);
    wire_await(wire, "\"}", &answer);
    expect_callback_bytes(&answer, 413, "FAIL", 1);
}
END_TEST

START_TEST(says_413_before_a_body_that_waits_to_be_asked_for)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, POST HOST "Content-Length: 1025\r\nExpect: 100-continue\r\n\r\n"));
    wire_await(wire, "\"ErrorInfo\":\"", &answer);
    wire_await(wire, "\"}", &answer);
    expect_callback_bytes(&answer, 413, "FAIL", 1);
}
END_TEST

/* Beyond that the connection is closed once the sender has had time to see why. */
START_TEST(cuts_off_a_body_far_too_long)
{
    static char piece[1 << 16];
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    memset(piece, ' ', sizeof(piece));
    ck_assert(wire_send_text(wire, _i == 1 ? POST HOST CHUNKED "10000000\r\n"
                                           : POST HOST "Content-Length: 268435456\r\n\r\n"));
    int n_pieces = 0;
    while (n_pieces < 1 << 12 && wire_send(wire, (struct str){piece, sizeof(piece)})) {
        n_pieces++;
    }
    ck_assert_int_lt(n_pieces, 1 << 12);
    expect_nobody();
}
END_TEST

START_TEST(says_413_for_a_body_far_too_long)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    send_body(wire, 1 << 20, _i == 1);
    (void)wire_send_text(wire, SMUGGLED);
    (void)shutdown(wire_fd(wire), SHUT_WR);
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_callback_bytes(&answer, 413, "FAIL", 1);
    expect_nobody();
}
END_TEST

START_TEST(takes_a_body_of_max_body)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send_text(wire, POST HOST "Content-Length: 1024\r\n\r\n" BODY));
    cleanup(buf_fini) struct buf blanks = {0};
    for (size_t i = strlen(BODY); i < 1024; i++) {
        buf_append_char(&blanks, ' ');
    }
    ck_assert(wire_send(wire, buf_str(&blanks)));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
    expect_state(status, "victim00", "online");
}
END_TEST

/* Targets. */

START_TEST(survives_a_query_of_6000_bytes)
{
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, STR("POST " TARGET "&tenant="));
    for (int i = 0; i < 6000; i++) {
        buf_append_char(&bytes, 'a');
    }
    buf_append(&bytes, STR(" HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY));
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send(wire, buf_str(&bytes)));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
    expect_state(status, "victim00", "online");
}
END_TEST

START_TEST(serves_a_query_of_many_parameters)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, STR("POST " TARGET));
    for (int i = 0; i < 600; i++) {
        buf_append(&bytes, STR("&a=b"));
    }
    buf_append(&bytes, STR(" HTTP/1.1\r\n" HOST BODY_LENGTH "\r\n" BODY));
    ck_assert(wire_send(wire, buf_str(&bytes)));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
}
END_TEST

/* What presenced-api(7) says of heads. */
#define HEAD_BYTES_TAKEN 6144
#define HEADERS_TAKEN 24

START_TEST(takes_a_head_of_the_length_that_is_promised)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, STR(POST HOST BODY_LENGTH));
    for (int i = 0; i < HEADERS_TAKEN - 3; i++) {
        buf_appendf(&bytes, "X-Note-%02d: a\r\n", i);
    }
    buf_append(&bytes, STR("X-Long: "));
    while (bytes.len < HEAD_BYTES_TAKEN - 4) {
        buf_append_char(&bytes, 'a');
    }
    buf_append(&bytes, STR("\r\n\r\n" BODY));
    ck_assert(wire_send(wire, buf_str(&bytes)));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "HTTP/1.1 200 OK\r\n", &answer);
}
END_TEST

static const struct {
    const char *begin;
    size_t n_bytes;
} long_heads[] = {
    {POST HOST "X-Note: ", 1 << 14}, {POST HOST "X-Note: ", 1 << 18},
    {POST HOST "X-", 1 << 14},       {"POST /", 1 << 14},
    {"POST /?a=", 1 << 18},
};

#define N_LONG_HEADS (sizeof(long_heads) / sizeof(long_heads[0]))

static void expect_head_refused(struct wire *wire, size_t which)
{
    cleanup(buf_fini) struct buf bytes = {0};
    buf_append(&bytes, str_from(long_heads[which].begin));
    while (bytes.len < long_heads[which].n_bytes) {
        buf_append_char(&bytes, 'a');
    }
    (void)wire_send(wire, buf_str(&bytes));
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "\"}", &answer);
    expect_callback_bytes(&answer, 431, "FAIL", 1);
    ck_assert_uint_eq(count_answers(&answer), 1);
    expect_nobody();
    instance_await_log(instance, "msg=\"callback answered FAIL\"");
}

START_TEST(refuses_a_head_without_end)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    expect_head_refused(wire, (size_t)_i);
}
END_TEST

START_TEST(refuses_a_head_without_end_over_tls)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = NULL}));
    expect_head_refused(wire, (size_t)_i);
}
END_TEST

/* libmicrohttpd reads the rest of a large record later, without asking us, and does not tell whose request it
 * refuses. Many connections with such records at a time: each refusal goes to the one that earned it. */
#define N_AT_A_TIME 24
#define PADDING_TOO_LONG 9000

struct health_checks {
    struct wire *wire;
    unsigned n_served;
    bool is_refused; /* after these */
};

static void append_health_check(struct buf *out, size_t padding, const char *end)
{
    buf_append(out, STR("GET /livez HTTP/1.1\r\n" HOST "X: "));
    for (size_t i = 0; i < padding; i++) {
        buf_append_char(out, 'x');
    }
    buf_append(out, str_from(end));
}

/* Heads of many lengths, so that the connections are out of step. Every other one has one that is too long.
 */
static void send_health_checks(struct health_checks *checks, unsigned i, unsigned *random)
{
    static const size_t paddings[] = {1, 10, 200, 1500, 2500, PADDING_TOO_LONG, PADDING_TOO_LONG};
    enum { N_SHORT = 5, N_ALL = 7, BYTES_MIN = 12000, BYTES_STEP = 4000, N_STEPS = 5 };
    cleanup(buf_fini) struct buf bytes = {0};
    size_t size = BYTES_MIN + (size_t)rand_r(random) % N_STEPS * BYTES_STEP;
    while (bytes.len < size) {
        size_t padding = paddings[(unsigned)rand_r(random) % (i % 2 == 0 ? N_SHORT : N_ALL)];
        append_health_check(&bytes, padding, "\r\n\r\n");
        checks->is_refused |= padding == PADDING_TOO_LONG;
        checks->n_served += !checks->is_refused;
    }
    append_health_check(&bytes, 0, "\r\nConnection: close\r\n\r\n");
    checks->n_served += !checks->is_refused;
    ck_assert(wire_send(checks->wire, buf_str(&bytes)));
}

static void expect_health(const struct health_checks *checks)
{
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert_int_eq(wire_read_to_end(checks->wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_ptr_null(strstr(buf_text(&answer), "<html"));
    ck_assert_uint_eq(count_answers(&answer), checks->n_served + checks->is_refused);
    ck_assert(checks->is_refused == (strstr(buf_text(&answer), "HTTP/1.1 431 ") != NULL));
    ck_assert(checks->is_refused == (strstr(buf_text(&answer), "\"ActionStatus\":\"FAIL\"") != NULL));
}

START_TEST(refuses_nobody_else)
{
    enum { N_ROUNDS = 20 };
    unsigned random = 1;
    for (unsigned round = 0; round < N_ROUNDS; round++) {
        struct health_checks all[N_AT_A_TIME] = {0};
        for (unsigned i = 0; i < N_AT_A_TIME; i++) {
            all[i].wire = wire_open(instance_callback_port(instance));
            ck_assert(wire_start_tls(all[i].wire, sandbox, &(struct wire_tls){.certificate = NULL}));
        }
        ck_assert_int_eq(kill(instance_pid(instance), SIGSTOP), 0);
        for (unsigned i = 0; i < N_AT_A_TIME; i++) {
            send_health_checks(&all[i], i, &random);
        }
        ck_assert_int_eq(kill(instance_pid(instance), SIGCONT), 0);
        for (unsigned i = 0; i < N_AT_A_TIME; i++) {
            expect_health(&all[i]);
            wire_free(all[i].wire);
        }
    }
}
END_TEST

/* The status listener refuses in its own form. */
START_TEST(refuses_at_the_status_listener)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_status_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(
        wire_send_text(wire, "GET /v1/stats HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n"));
    ck_assert_int_eq(wire_read_to_end(wire, CLOSE_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_ptr_nonnull(strstr(buf_text(&answer), "HTTP/1.1 400 "));
    ck_assert_ptr_nonnull(strstr(buf_text(&answer), "Content-Type: application/problem+json\r\n"));
    ck_assert_uint_eq(count_answers(&answer), 1);
    instance_await_log(instance, "msg=\"status request refused\"");
    expect_n_malformed("status", 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("framing");
    TCase *tcase = tcase_create("framing");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, refuses_and_reads_no_further, 0, N_TESTS(N_REFUSED));
    tcase_add_loop_test(tcase, refuses_the_second_request_of_a_connection, 0, N_TESTS(N_REFUSED));
    tcase_add_test(tcase, lets_the_refused_sender_finish);
    tcase_add_loop_test(tcase, says_that_it_closes_on_what_is_no_request, 0, (int)N_NO_REQUESTS);
    tcase_add_test(tcase, counts_nobody_who_leaves);
    tcase_add_loop_test(tcase, counts_nobody_who_was_answered, 0, (int)N_ANSWERED_AND_CLOSED);
    tcase_add_test(tcase, refuses_what_follows_a_long_target);
    tcase_add_test(tcase, serves_two_requests_sent_at_once);
    tcase_add_test(tcase, serves_a_chunked_body_in_many_chunks);
    tcase_add_test(tcase, serves_a_chunked_body_in_single_bytes);
    tcase_add_test(tcase, serves_http_1_0_without_a_host);
    tcase_add_test(tcase, serves_a_request_in_single_bytes);
    tcase_add_test(tcase, serves_who_sends_no_more_behind_the_request);
    tcase_add_test(tcase, asks_for_the_body_that_waits_for_100_continue);
    tcase_add_loop_test(tcase, says_413_for_a_body_up_to_twice_too_long, 0, (int)N_TOO_LONG);
    tcase_add_loop_test(tcase, says_413_for_a_body_far_too_long, 0, 2);
    tcase_add_test(tcase, says_413_before_a_body_that_waits_to_be_asked_for);
    tcase_add_loop_test(tcase, cuts_off_a_body_far_too_long, 0, 2);
    tcase_add_test(tcase, takes_a_body_of_max_body);
    tcase_add_test(tcase, survives_a_query_of_6000_bytes);
    tcase_add_test(tcase, serves_a_query_of_many_parameters);
    tcase_add_test(tcase, takes_a_head_of_the_length_that_is_promised);
    tcase_add_loop_test(tcase, refuses_a_head_without_end, 0, (int)N_LONG_HEADS);
    tcase_add_test(tcase, refuses_at_the_status_listener);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("framing over TLS");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, start_tls, stop);
    tcase_add_loop_test(tcase, refuses_and_reads_no_further_over_tls, 0, N_TESTS(N_REFUSED));
    tcase_add_loop_test(tcase, refuses_a_head_without_end_over_tls, 0, (int)N_LONG_HEADS);
    tcase_add_test(tcase, refuses_nobody_else);
    suite_add_tcase(suite, tcase);
    return suite;
}
