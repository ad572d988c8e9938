/* SPDX-License-Identifier: MIT */
/* What is spoken over TLS, and over how many connections. */
#include "../unit/suite.h"
#include "fixture.h"

#include "presenced/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

static void start_usual(void)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
}

/* Versions. */

static const struct {
    int version;
    bool is_spoken;
} versions[] = {
    {TLS1_3_VERSION, true},
    {TLS1_2_VERSION, true},
    {TLS1_1_VERSION, false},
    {TLS1_VERSION, false},
};

START_TEST(speaks_tls_1_2_and_1_3_alone)
{
    int version = versions[_i].version;
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    const struct wire_tls options = {.min_version = version, .max_version = version};
    ck_assert_int_eq(wire_start_tls(wire, fixture.sandbox, &options), versions[_i].is_spoken);
    if (versions[_i].is_spoken) {
        ck_assert_int_eq(SSL_version(wire_ssl(wire)), version);
        fixture_request(wire, 200);
    }
}
END_TEST

static bool line_says(const char *line, const char *what)
{
    const char *end = strchr(line, '\n');
    const char *found = strstr(line, what);
    return found != NULL && (end == NULL || found < end);
}

/* Each suite that sslscan finds "Preferred" or "Accepted". */
static unsigned count_suites(const char *report)
{
    unsigned n = 0;
    for (const char *line = report; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, "Preferred", 9) == 0 || strncmp(line, "Accepted", 8) == 0) {
            bool is_aead = line_says(line, "GCM") || line_says(line, "CHACHA20");
            bool is_forward_secret = line_says(line, "TLSv1.3") || line_says(line, "ECDHE");
            ck_assert_msg(is_aead && is_forward_secret, "a weak suite: %.120s", line);
            n++;
        }
    }
    return n;
}

START_TEST(sslscan_finds_nothing_weak)
{
    const char *sslscan = getenv("PRESENCED_SSLSCAN");
    ck_assert_msg(sslscan != NULL, "PRESENCED_SSLSCAN does not say where it is");
    char address[32];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", instance_callback_port(fixture.instance));
    const char *const arguments[] = {"--no-colour", address, NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(sandbox_run(fixture.sandbox, sslscan, arguments, &output), 0);
    const char *report = buf_text(&output);
    static const char *const lines[] = {"SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled",
                                        "TLSv1.1   disabled", "TLSv1.2   enabled",  "TLSv1.3   enabled"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ck_assert_msg(strstr(report, lines[i]) != NULL, "no \"%s\" in:\n%s", lines[i], report);
    }
    ck_assert_msg(count_suites(report) >= 4, "%s", report);
}
END_TEST

START_TEST(agrees_on_http_1_1)
{
    cleanup(client_freep) struct client *client = client_new("https",
                                                             instance_callback_port(fixture.instance));
    client_trust(client, fixture.sandbox);
    /* libcurl offers h2 and http/1.1 by ALPN. */
    curl_easy_setopt(client_handle(client), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    event_login(client, "alice", 0);
    long version = 0;
    curl_easy_getinfo(client_handle(client), CURLINFO_HTTP_VERSION, &version);
    ck_assert_int_eq(version, CURL_HTTP_VERSION_1_1);
}
END_TEST

/* One round trip that was sooner than what must not be waited for shows it, on however slow a machine. */
#define CORK_MS 200  /* until what leaves through a corked socket is sent */
#define SWEEP_MS 500 /* half of what a thread sleeps for when nothing happens */
#define N_PROMPT 20

static uint64_t round_trip_ms(struct wire *wire)
{
    uint64_t begun_ms = clock_monotonic_ms();
    fixture_request(wire, 200);
    return clock_monotonic_ms() - begun_ms;
}

static void set_cork(struct wire *wire, int is_corked)
{
    ck_assert_int_eq(setsockopt(wire_fd(wire), IPPROTO_TCP, TCP_CORK, &is_corked, sizeof(is_corked)), 0);
}

/* In one packet. */
static uint64_t round_trip_with_new_keys_ms(struct wire *wire)
{
    set_cork(wire, 1);
    ck_assert_int_eq(SSL_key_update(wire_ssl(wire), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    uint64_t begun_ms = clock_monotonic_ms();
    ck_assert(wire_send_text(wire, FIXTURE_REQUEST));
    set_cork(wire, 0);
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "\"ErrorInfo\":", &answer);
    return clock_monotonic_ms() - begun_ms;
}

/* Behind a record that carries no bytes of HTTP GnuTLS says that there are none, though the next record has
 * come with it: a request behind new keys is answered all the same, and at once. GnuTLS takes 8 a second. */
START_TEST(answers_behind_new_keys)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    const struct wire_tls options = {.min_version = TLS1_3_VERSION, .max_version = TLS1_3_VERSION};
    ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
    for (int i = 0; i < _i; i++) {
        fixture_request(wire, 200);
    }
    (void)round_trip_with_new_keys_ms(wire);
    uint64_t least_ms = UINT64_MAX;
    for (int i = 0; i < 5 && least_ms >= SWEEP_MS; i++) {
        uint64_t ms = round_trip_with_new_keys_ms(wire);
        least_ms = ms < least_ms ? ms : least_ms;
    }
    ck_assert_uint_lt(least_ms, SWEEP_MS);
}
END_TEST

/* libmicrohttpd corks the socket at the first reply that has a body. */
static const char *const corking[] = {
    "",
    "HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\nHEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n",
};

START_TEST(no_reply_waits_in_a_corked_socket)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    cleanup(buf_fini) struct buf head = {0};
    ck_assert(wire_start_tls(wire, fixture.sandbox, &(struct wire_tls){.certificate = NULL}));
    ck_assert(wire_send_text(wire, corking[_i]));
    if (*corking[_i] != '\0') {
        wire_await(wire, "\r\n\r\n", &head);
    }
    uint64_t least_ms = UINT64_MAX;
    for (int i = 0; i < N_PROMPT && least_ms >= CORK_MS; i++) {
        uint64_t ms = round_trip_ms(wire);
        least_ms = i > 0 && ms < least_ms ? ms : least_ms; /* the first may be the one that corks */
    }
    ck_assert_uint_lt(least_ms, CORK_MS);
}
END_TEST

/* Resumption. */

/* Connections enough that each of the listener's threads meets a ticket of another. */
#define N_RESUMED 16

/* A request is served before the session is taken: TLS 1.3 sends its tickets after the handshake. */
static SSL_SESSION *connect_once(int version, SSL_SESSION *session, bool is_resumed)
{
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    const struct wire_tls options = {
        .min_version = version, .max_version = version, .server_name = "im_presence", .session = session};
    ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
    ck_assert_int_eq(SSL_session_reused(wire_ssl(wire)), is_resumed);
    fixture_request(wire, 200);
    SSL_SESSION *next = SSL_get1_session(wire_ssl(wire));
    /* OpenSSL takes back a session whose connection was not shut down. */
    (void)SSL_shutdown(wire_ssl(wire));
    ck_assert_int_eq(SSL_SESSION_is_resumable(next), 1);
    return next;
}

START_TEST(resumes_sessions_over_connections)
{
    int version = versions[_i].version;
    SSL_SESSION *session = connect_once(version, NULL, false);
    for (int i = 0; i < N_RESUMED; i++) {
        SSL_SESSION *next = connect_once(version, session, true);
        SSL_SESSION_free(session);
        session = next;
    }
    SSL_SESSION_free(session);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *usual = tcase_create("usual");
    tcase_set_timeout(usual, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(usual, start_usual, fixture_stop);
    tcase_add_loop_test(usual, speaks_tls_1_2_and_1_3_alone, 0, COUNT(versions));
    tcase_add_test(usual, agrees_on_http_1_1);
    tcase_add_loop_test(usual, answers_behind_new_keys, 0, 3);
    tcase_add_loop_test(usual, no_reply_waits_in_a_corked_socket, 0, COUNT(corking));
    tcase_add_loop_test(usual, resumes_sessions_over_connections, 0, 2);
    suite_add_tcase(suite, usual);
    TCase *scanned = tcase_create("scanned");
    tcase_set_tags(scanned, "sslscan"); /* where it is missing ctest skips what has its tag */
    tcase_set_timeout(scanned, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(scanned, start_usual, fixture_stop);
    tcase_add_test(scanned, sslscan_finds_nothing_weak);
    suite_add_tcase(suite, scanned);
    return suite;
}
