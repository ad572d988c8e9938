/* SPDX-License-Identifier: MIT */
/* TLS handshakes: those that callers really begin, and those that fail. */
#include "../unit/suite.h"
#include "fixture.h"

#include "presenced/clock.h"

#include <pthread.h>
#include <sys/socket.h>

static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

static void start_usual(void)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
}

/* Connections that come at once: libmicrohttpd must make each of them before the next is handed over
 * (mhd_adapter.c), or one gets the session of another. */
#define N_AT_A_TIME 8
#define N_NEW_CONNECTIONS 320

static void *connect_again_and_again(void *cls)
{
    (void)cls;
    for (unsigned i = 0; i < N_NEW_CONNECTIONS / N_AT_A_TIME; i++) {
        cleanup(wire_freep) struct wire *wire = fixture_connect(false);
        ck_assert(wire_start_tls(wire, fixture.sandbox, &(struct wire_tls){.certificate = NULL}));
        fixture_request(wire, 200);
    }
    return NULL;
}

START_TEST(serves_many_new_connections_at_a_time)
{
    pthread_t threads[N_AT_A_TIME];
    for (unsigned i = 0; i < N_AT_A_TIME; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, connect_again_and_again, NULL), 0);
    }
    for (unsigned i = 0; i < N_AT_A_TIME; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}
END_TEST

/* Proxies send what they call the upstream, or a Host header. */
static const char *const server_names[] = {
    "localhost", "im_presence", "presence.example:8443", "[2001:db8::1]", "\xe4\xb8\xad.example", "a b", ".",
};

START_TEST(takes_any_server_name)
{
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = fixture_connect(false);
        const struct wire_tls options = {
            .server_name = server_names[_i], .min_version = versions[i], .max_version = versions[i]};
        ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
        fixture_request(wire, 200);
    }
}
END_TEST

/* The client's second hello has the name too. */
START_TEST(takes_any_server_name_again)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    const struct wire_tls options = {.server_name = "im_presence", .groups = "P-521:P-256"};
    ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
    ck_assert_int_eq(SSL_version(wire_ssl(wire)), TLS1_3_VERSION);
    fixture_request(wire, 200);
}
END_TEST

/* Who begins with single bytes: the first of them is the first that libmicrohttpd hears of. */
static void send_hello_in_bytes(SSL *ssl, int fd)
{
    char hello[4096];
    BIO *bio = BIO_new(BIO_s_mem());
    SSL_set0_wbio(ssl, bio);
    ck_assert_int_lt(SSL_connect(ssl), 0);
    int n = BIO_read(bio, hello, sizeof(hello));
    ck_assert_int_gt(n, 0);
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(send(fd, hello + i, 1, MSG_NOSIGNAL), 1);
    }
    SSL_set0_wbio(ssl, BIO_new_socket(fd, BIO_NOCLOSE));
}

START_TEST(takes_a_hello_in_single_bytes)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    wire_prepare_tls(wire, fixture.sandbox, &(struct wire_tls){.certificate = NULL});
    send_hello_in_bytes(wire_ssl(wire), wire_fd(wire));
    ck_assert(wire_shake_hands(wire));
    fixture_request(wire, 200);
}
END_TEST

/* Handshakes that fail: the log says why, and of whom. */
static void expect_failure(const char *name, const char *words)
{
    char sample[96];
    instance_await_log(fixture.instance, "msg=\"TLS handshake failed\"");
    instance_await_log(fixture.instance, words);
    instance_await_log(fixture.instance, "peer=127.0.0.1");
    (void)snprintf(sample, sizeof(sample),
                   "\npresenced_tls_handshake_failures_total{listener=\"callback\",reason=\"%s\"} 1\n", name);
    /* It is counted a moment after the line. */
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (bool found = false; !found;) {
        cleanup(answer_fini) struct answer answer;
        client_get(fixture.status, "/metrics", &answer);
        found = strstr(buf_text(&answer.body), sample) != NULL;
        ck_assert_msg(found || clock_monotonic_ms() < deadline_ms, "no %s", sample);
    }
}

START_TEST(says_that_no_version_is_common)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    const struct wire_tls options = {.min_version = TLS1_1_VERSION, .max_version = TLS1_1_VERSION};
    ck_assert(!wire_start_tls(wire, fixture.sandbox, &options));
    expect_failure("negotiation", "no common version");
}
END_TEST

START_TEST(says_that_plain_http_is_not_tls)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    (void)wire_send_text(wire, FIXTURE_REQUEST);
    expect_failure("not_tls", "plain HTTP on a TLS port?");
}
END_TEST

static const long alert_versions[] = {CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2,
                                      CURL_SSLVERSION_TLSv1_3};

/* This client does not know the server's CA. */
START_TEST(says_what_alert_the_client_sent)
{
    cleanup(client_freep) struct client *stranger = client_new("https",
                                                               instance_callback_port(fixture.instance));
    cleanup(answer_fini) struct answer answer;
    ck_assert_int_eq(curl_easy_setopt(client_handle(stranger), CURLOPT_SSLVERSION, alert_versions[_i]),
                     CURLE_OK);
    CURLcode code = client_try(stranger, &(struct client_request){.target = "/livez"}, &answer);
    ck_assert_int_eq(code, CURLE_PEER_FAILED_VERIFICATION);
    expect_failure("alert", "alert=\"");
}
END_TEST

START_TEST(says_that_the_client_left)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    ck_assert(wire_send(wire, STR("\x16\x03\x01\x00")));
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    expect_failure("closed", "the client closed the connection");
}
END_TEST

static void start_with_short_timeout(void)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS "request_timeout = 1s\n" FIXTURE_REST);
}

START_TEST(says_that_the_client_took_too_long)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send(wire, STR("\x16\x03\x01\x00")));
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_failure("timed_out", "the client took longer than request_timeout");
}
END_TEST

/* Plain HTTP to a TLS port is closed, and bothers nobody. */
START_TEST(closes_on_plain_http)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    cleanup(buf_fini) struct buf answer = {0};
    (void)wire_send_text(wire, FIXTURE_REQUEST);
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_ptr_null(strstr(buf_text(&answer), "HTTP/"));
}
END_TEST

/* A ClientHello may say that it has 16 MB, which GnuTLS would keep of it before anybody is known. What is
 * read of it is bounded, not what the kernel takes. */
#define HELLO_RECORD_BYTES 16384
#define N_HELLO_RECORDS 1024

START_TEST(keeps_no_hello_without_end)
{
    static char record[5 + HELLO_RECORD_BYTES] = {0x16, 3, 1, HELLO_RECORD_BYTES >> 8, 0};
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send(wire, STR("\x16\x03\x01\x00\x04\x01\xff\xff\xff")));
    int n = 0;
    while (n < N_HELLO_RECORDS && wire_send(wire, (struct str){record, sizeof(record)})) {
        n++;
    }
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    ck_assert_int_lt(n, N_HELLO_RECORDS);
    expect_failure("too_long", "the client sent more than a handshake takes");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("handshake");
    TCase *usual = tcase_create("usual");
    tcase_set_timeout(usual, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(usual, start_usual, fixture_stop);
    tcase_add_test(usual, serves_many_new_connections_at_a_time);
    tcase_add_loop_test(usual, takes_any_server_name, 0, COUNT(server_names));
    tcase_add_test(usual, takes_any_server_name_again);
    tcase_add_test(usual, takes_a_hello_in_single_bytes);
    tcase_add_test(usual, says_that_no_version_is_common);
    tcase_add_test(usual, says_that_plain_http_is_not_tls);
    tcase_add_loop_test(usual, says_what_alert_the_client_sent, 0, COUNT(alert_versions));
    tcase_add_test(usual, says_that_the_client_left);
    tcase_add_test(usual, closes_on_plain_http);
    tcase_add_test(usual, keeps_no_hello_without_end);
    suite_add_tcase(suite, usual);
    TCase *impatient = tcase_create("impatient");
    tcase_set_timeout(impatient, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(impatient, start_with_short_timeout, fixture_stop);
    tcase_add_test(impatient, says_that_the_client_took_too_long);
    suite_add_tcase(suite, impatient);
    return suite;
}
