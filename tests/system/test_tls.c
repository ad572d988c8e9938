/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "pki.h"
#include "wire.h"

#include "presenced/clock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define REST "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"
#define CALLBACK \
    "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"

#define LOGIN \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"
#define REQUEST                                                                                    \
    "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: localhost\r\n" \
    "Content-Length: 86\r\n\r\n" LOGIN
_Static_assert(sizeof(LOGIN) - 1 == 86, "as Content-Length says");

static struct sandbox *sandbox;
static struct instance *instance;

static void start(const char *config)
{
    sandbox = sandbox_new();
    instance = instance_start(sandbox, config);
}

static void start_usual(void)
{
    start(CALLBACK REST);
}

static void start_with_client_ca(void)
{
    start(CALLBACK "client_ca = @DIR@/ca.pem\n" REST);
}

static void stop(void)
{
    instance_stop(instance);
    sandbox_free(sandbox);
}

static void request(struct wire *wire, int status)
{
    char line[32];
    (void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send_text(wire, REQUEST));
    wire_await(wire, "\"ErrorInfo\":", &answer);
    ck_assert_msg(strncmp(buf_text(&answer), line, strlen(line)) == 0, "%s", buf_text(&answer));
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
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct wire_tls options = {.min_version = version, .max_version = version};
    ck_assert_int_eq(wire_start_tls(wire, sandbox, &options), versions[_i].is_spoken);
    if (versions[_i].is_spoken) {
        ck_assert_int_eq(SSL_version(wire_ssl(wire)), version);
        request(wire, 200);
    }
}
END_TEST

/* Keys: OpenSSL signs with some kinds, GnuTLS with the others. */

static EVP_PKEY *make_p384(void)
{
    return EVP_EC_gen("P-384");
}

static EVP_PKEY *make_rsa(void)
{
    return EVP_RSA_gen(2048);
}

static EVP_PKEY *make_ed25519(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
}

static const struct {
    EVP_PKEY *(*make)(void);
    const char *algorithms; /* that the client takes; NULL: as it likes */
    int version;
    int type; /* of the signature */
} signatures[] = {
    {make_p384, NULL, TLS1_3_VERSION, EVP_PKEY_EC},
    {make_p384, NULL, TLS1_2_VERSION, EVP_PKEY_EC},
    {make_p384, "ECDSA+SHA512", TLS1_2_VERSION, EVP_PKEY_EC},
    {make_rsa, NULL, TLS1_3_VERSION, EVP_PKEY_RSA_PSS},
    {make_rsa, "RSA-PSS+SHA384", TLS1_3_VERSION, EVP_PKEY_RSA_PSS},
    {make_rsa, "RSA-PSS+SHA512", TLS1_2_VERSION, EVP_PKEY_RSA_PSS},
    {make_rsa, "RSA+SHA256", TLS1_2_VERSION, EVP_PKEY_RSA},
    {make_rsa, "RSA+SHA512", TLS1_2_VERSION, EVP_PKEY_RSA},
    {make_ed25519, NULL, TLS1_3_VERSION, EVP_PKEY_ED25519},
    {make_ed25519, NULL, TLS1_2_VERSION, EVP_PKEY_ED25519},
};

START_TEST(signs_with_every_kind_of_key)
{
    EVP_PKEY *key = signatures[_i].make();
    int type = NID_undef;
    sandbox = sandbox_new();
    pki_write_server(sandbox_path(sandbox), key);
    EVP_PKEY_free(key);
    instance = instance_start(sandbox, CALLBACK REST);
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct wire_tls options = {.min_version = signatures[_i].version,
                                     .max_version = signatures[_i].version,
                                     .algorithms = signatures[_i].algorithms};
    ck_assert(wire_start_tls(wire, sandbox, &options));
    ck_assert_int_eq(SSL_get_peer_signature_type_nid(wire_ssl(wire), &type), 1);
    ck_assert_int_eq(type, signatures[_i].type);
    request(wire, 200);
    stop();
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
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", instance_callback_port(instance));
    const char *const arguments[] = {"--no-colour", address, NULL};
    cleanup(buf_fini) struct buf output = {0};
    ck_assert_int_eq(sandbox_run(sandbox, sslscan, arguments, &output), 0);
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
    cleanup(client_freep) struct client *client = client_new("https", instance_callback_port(instance));
    client_trust(client, sandbox);
    /* libcurl offers h2 and http/1.1 by ALPN. */
    curl_easy_setopt(client_handle(client), CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_2TLS);
    event_login(client, "alice", 0);
    long version = 0;
    curl_easy_getinfo(client_handle(client), CURLINFO_HTTP_VERSION, &version);
    ck_assert_int_eq(version, CURL_HTTP_VERSION_1_1);
}
END_TEST

START_TEST(shows_a_certificate_that_verifies)
{
    cleanup(client_freep) struct client *stranger = client_new("https", instance_callback_port(instance));
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(stranger, &(struct client_request){.target = "/livez"}, &answer);
    ck_assert_int_eq(code, CURLE_PEER_FAILED_VERIFICATION);
    client_trust(stranger, sandbox);
    event_login(stranger, "alice", 0);
}
END_TEST

/* Connections that come at once: libmicrohttpd must make each of them before the next is handed over
 * (mhd_adapter.c), or one gets the session of another. */
#define N_AT_A_TIME 8
#define N_NEW_CONNECTIONS 320

static void *connect_again_and_again(void *cls)
{
    (void)cls;
    for (unsigned i = 0; i < N_NEW_CONNECTIONS / N_AT_A_TIME; i++) {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = NULL}));
        request(wire, 200);
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
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        const struct wire_tls options = {.server_name = server_names[_i],
                                         .min_version = versions[i].version,
                                         .max_version = versions[i].version};
        ck_assert(wire_start_tls(wire, sandbox, &options));
        request(wire, 200);
    }
}
END_TEST

/* The client's second hello has the name too. */
START_TEST(takes_any_server_name_again)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct wire_tls options = {.server_name = "im_presence", .groups = "P-521:P-256"};
    ck_assert(wire_start_tls(wire, sandbox, &options));
    ck_assert_int_eq(SSL_version(wire_ssl(wire)), TLS1_3_VERSION);
    request(wire, 200);
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
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    wire_prepare_tls(wire, sandbox, &(struct wire_tls){.certificate = NULL});
    send_hello_in_bytes(wire_ssl(wire), wire_fd(wire));
    ck_assert(wire_shake_hands(wire));
    request(wire, 200);
}
END_TEST

/* Handshakes that fail: the log says why, and of whom. */
static void expect_failure(const char *name, const char *words)
{
    char sample[96];
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    instance_await_log(instance, "msg=\"TLS handshake failed\"");
    instance_await_log(instance, words);
    instance_await_log(instance, "peer=127.0.0.1");
    (void)snprintf(sample, sizeof(sample),
                   "\npresenced_tls_handshake_failures_total{listener=\"callback\",reason=\"%s\"} 1\n", name);
    /* It is counted a moment after the line. */
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (bool found = false; !found;) {
        cleanup(answer_fini) struct answer answer;
        client_get(status, "/metrics", &answer);
        found = strstr(buf_text(&answer.body), sample) != NULL;
        ck_assert_msg(found || clock_monotonic_ms() < deadline_ms, "no %s", sample);
    }
}

START_TEST(says_that_no_version_is_common)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct wire_tls options = {.min_version = TLS1_1_VERSION, .max_version = TLS1_1_VERSION};
    ck_assert(!wire_start_tls(wire, sandbox, &options));
    expect_failure("negotiation", "no common version");
}
END_TEST

START_TEST(says_that_plain_http_is_not_tls)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    (void)wire_send_text(wire, REQUEST);
    expect_failure("not_tls", "plain HTTP on a TLS port?");
}
END_TEST

static const long alert_versions[] = {CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2,
                                      CURL_SSLVERSION_TLSv1_3};

/* This client does not know the server's CA. */
START_TEST(says_what_alert_the_client_sent)
{
    cleanup(client_freep) struct client *stranger = client_new("https", instance_callback_port(instance));
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
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_send(wire, STR("\x16\x03\x01\x00")));
    ck_assert_int_eq(shutdown(wire_fd(wire), SHUT_WR), 0);
    expect_failure("closed", "the client closed the connection");
}
END_TEST

static void start_with_short_timeout(void)
{
    start(CALLBACK "request_timeout = 1s\n" REST);
}

START_TEST(says_that_the_client_took_too_long)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_send(wire, STR("\x16\x03\x01\x00")));
    ck_assert_int_eq(wire_read_to_end(wire, HARNESS_DEADLINE_MS, &answer), WIRE_CLOSED);
    expect_failure("timed_out", "the client took longer than request_timeout");
}
END_TEST

/* Plain HTTP to a TLS port is closed, and bothers nobody. */
START_TEST(closes_on_plain_http)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    (void)wire_send_text(wire, REQUEST);
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
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
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

/* One round trip that was sooner than what must not be waited for shows it, on however slow a machine. */
#define CORK_MS 200  /* until what leaves through a corked socket is sent */
#define SWEEP_MS 500 /* half of what a thread sleeps for when nothing happens */
#define N_PROMPT 20

static uint64_t round_trip_ms(struct wire *wire)
{
    uint64_t begun_ms = clock_monotonic_ms();
    request(wire, 200);
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
    ck_assert(wire_send_text(wire, REQUEST));
    set_cork(wire, 0);
    cleanup(buf_fini) struct buf answer = {0};
    wire_await(wire, "\"ErrorInfo\":", &answer);
    return clock_monotonic_ms() - begun_ms;
}

/* Behind a record that carries no bytes of HTTP GnuTLS says that there are none, though the next record has
 * come with it: a request behind new keys is answered all the same, and at once. GnuTLS takes 8 a second. */
START_TEST(answers_behind_new_keys)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct wire_tls options = {.min_version = TLS1_3_VERSION, .max_version = TLS1_3_VERSION};
    ck_assert(wire_start_tls(wire, sandbox, &options));
    for (int i = 0; i < _i; i++) {
        request(wire, 200);
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
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf head = {0};
    ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = NULL}));
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
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    const struct wire_tls options = {
        .min_version = version, .max_version = version, .server_name = "im_presence", .session = session};
    ck_assert(wire_start_tls(wire, sandbox, &options));
    ck_assert_int_eq(SSL_session_reused(wire_ssl(wire)), is_resumed);
    request(wire, 200);
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

/* Client certificates. */

static const struct {
    const char *certificate;
    int status;
} clients[] = {{"client", 200}, {"stranger", 403}, {"server", 403}, {NULL, 403}};

START_TEST(believes_the_client_ca_alone)
{
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        const struct wire_tls options = {.certificate = clients[_i].certificate,
                                         .min_version = versions[i].version,
                                         .max_version = versions[i].version};
        ck_assert(wire_start_tls(wire, sandbox, &options));
        request(wire, clients[_i].status);
    }
}
END_TEST

/* Each has its own words, in the answer and in the log. */
#define DAY_S (24L * 60 * 60)

static const struct {
    struct pki_plan plan; /* name NULL: no certificate is shown */
    const char *words;
} refused_clients[] = {
    {{"late", "clientAuth", -2 * DAY_S, -DAY_S, NULL}, "has expired"},
    {{"early", "clientAuth", DAY_S, 2 * DAY_S, NULL}, "is not valid yet"},
    {{"purpose", "serverAuth", -60, DAY_S, NULL}, "is not for TLS clients"},
    {{NULL, NULL, 0, 0, NULL}, "no client certificate was shown"},
};

START_TEST(says_what_is_wrong_with_a_client_certificate)
{
    const struct pki_plan *plan = &refused_clients[_i].plan;
    if (plan->name != NULL) {
        pki_issue(sandbox_path(sandbox), plan, NULL);
    }
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        cleanup(buf_fini) struct buf answer = {0};
        const struct wire_tls options = {.certificate = plan->name,
                                         .min_version = versions[i].version,
                                         .max_version = versions[i].version};
        ck_assert(wire_start_tls(wire, sandbox, &options));
        ck_assert(wire_send_text(wire, REQUEST));
        wire_await(wire, "\"}", &answer);
        ck_assert_msg(strstr(buf_text(&answer), "HTTP/1.1 403 ") != NULL, "%s", buf_text(&answer));
        ck_assert_msg(strstr(buf_text(&answer), refused_clients[_i].words) != NULL, "%s", buf_text(&answer));
    }
    instance_await_log(instance, refused_clients[_i].words);
}
END_TEST

START_TEST(says_who_signed_no_client_certificate)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    cleanup(buf_fini) struct buf answer = {0};
    ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = "stranger"}));
    ck_assert(wire_send_text(wire, REQUEST));
    wire_await(wire, "client_ca did not sign the client certificate", &answer);
}
END_TEST

START_TEST(a_kept_connection_keeps_its_certificate)
{
    cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
    ck_assert(wire_start_tls(wire, sandbox, &(struct wire_tls){.certificate = "client"}));
    for (int i = 0; i < 3; i++) {
        request(wire, 200);
    }
}
END_TEST

/* A load balancer has no certificate for its health check. */
START_TEST(health_needs_no_certificate)
{
    cleanup(client_freep) struct client *client = client_new("https", instance_callback_port(instance));
    client_trust(client, sandbox);
    cleanup(answer_fini) struct answer answer;
    client_get(client, "/readyz", &answer);
    ck_assert_int_eq(answer.status, 200);
}
END_TEST

/* Certificates that serve, with a warning. */

static void expect_logged_times(const char *text, unsigned n)
{
    cleanup(buf_fini) struct buf log = instance_log(instance);
    unsigned n_found = 0;
    for (const char *at = strstr(buf_text(&log), text); at != NULL; at = strstr(at + 1, text)) {
        n_found++;
    }
    ck_assert_msg(n_found == n, "%u times, not %u, \"%s\" in: %s", n_found, n, text, buf_text(&log));
}

static void expect_in_stats(const char *text)
{
    cleanup(client_freep) struct client *client = client_new("http", instance_status_port(instance));
    cleanup(answer_fini) struct answer answer;
    client_get(client, "/v1/stats", &answer);
    ck_assert_msg(strstr(buf_text(&answer.body), text) != NULL, "no \"%s\" in: %s", text,
                  buf_text(&answer.body));
}

/* By somebody who does not look at dates. */
static void expect_served(void)
{
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = wire_open(instance_callback_port(instance));
        wire_prepare_tls(
            wire, sandbox,
            &(struct wire_tls){.min_version = versions[i].version, .max_version = versions[i].version});
        SSL_set_verify(wire_ssl(wire), SSL_VERIFY_NONE, NULL);
        ck_assert(wire_shake_hands(wire));
        request(wire, 200);
    }
}

static const struct {
    long begins_s;
    long ends_s;
    const char *code;
    const char *says; /* behind "the callback listener's certificate " */
} dates[] = {
    {-30 * DAY_S, -DAY_S, "certificate_expired", "expired on "},
    {DAY_S, 30 * DAY_S, "certificate_not_yet_valid", "is not valid before "},
    {-DAY_S, 13 * DAY_S + 3600, "certificate_expires_soon", "expires on "},
};

START_TEST(serves_whatever_the_date)
{
    const struct pki_plan plan = {"server", "serverAuth", dates[_i].begins_s, dates[_i].ends_s, NULL};
    const char *const check[] = {"--config", "@DIR@/presenced.conf", "--check-config", NULL};
    char words[128];
    char in_log[256];
    char in_stats[256];
    char expected[256];
    cleanup(buf_fini) struct buf output = {0};
    (void)snprintf(words, sizeof(words), "the callback listener's certificate %s", dates[_i].says);
    (void)snprintf(expected, sizeof(expected), "presenced.conf:3: [callback] certificate: %s", words);
    (void)snprintf(in_log, sizeof(in_log), "msg=\"attention needed\" code=%s text=\"%s", dates[_i].code,
                   words);
    (void)snprintf(in_stats, sizeof(in_stats), "{\"code\":\"%s\",\"text\":\"%s", dates[_i].code, words);
    sandbox = sandbox_new();
    pki_issue(sandbox_path(sandbox), &plan, NULL);
    sandbox_write(sandbox, "presenced.conf", CALLBACK REST);
    ck_assert_int_eq(sandbox_run(sandbox, harness_daemon(), check, &output), 0);
    ck_assert_msg(strstr(buf_text(&output), expected) != NULL, "%s", buf_text(&output));
    instance = instance_start(sandbox, CALLBACK REST);
    expect_served();
    instance_await_log(instance, in_log);
    expect_in_stats(in_stats);
    expect_logged_times(words, 1);
    stop();
}
END_TEST

/* Those who come after its end are served as those before. */
START_TEST(serves_on_when_the_certificate_ends)
{
    const struct pki_plan plan = {"server", "serverAuth", -DAY_S, 3, NULL};
    sandbox = sandbox_new();
    pki_issue(sandbox_path(sandbox), &plan, NULL);
    instance = instance_start(sandbox, CALLBACK "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n");
    cleanup(wire_freep) struct wire *kept = wire_open(instance_callback_port(instance));
    wire_prepare_tls(kept, sandbox, &(struct wire_tls){0});
    SSL_set_verify(wire_ssl(kept), SSL_VERIFY_NONE, NULL);
    ck_assert(wire_shake_hands(kept));
    request(kept, 200);
    instance_await_log(instance, "code=certificate_expires_soon");
    instance_await_log(instance, "code=certificate_expired");
    request(kept, 200);
    expect_served();
    expect_in_stats("{\"code\":\"certificate_expired\",");
    expect_logged_times("msg=\"attention no longer needed\" code=certificate_expires_soon", 1);
    stop();
}
END_TEST

/* Certificates that cannot serve. */

static EVP_PKEY *make_p224(void)
{
    return EVP_EC_gen("P-224");
}

static EVP_PKEY *make_rsa_512(void)
{
    return EVP_RSA_gen(512);
}

/* `made`: NULL for a key as all have. */
static void issue_made(const char *key_usage, EVP_PKEY *(*make)(void))
{
    const struct pki_plan plan = {"made", "serverAuth", -60, 3600, key_usage};
    EVP_PKEY *key = make == NULL ? NULL : make();
    pki_issue(sandbox_path(sandbox), &plan, key);
    EVP_PKEY_free(key);
}

static void append_file(struct buf *out, const char *name)
{
    cleanup(buf_fini) struct buf content = sandbox_read(sandbox, name);
    buf_append(out, buf_str(&content));
}

/* One that is good, and a second behind it. */
static void write_second(const char *name, const char *first, const char *second)
{
    cleanup(buf_fini) struct buf out = {0};
    append_file(&out, first);
    if (second != NULL) {
        append_file(&out, second);
    } else {
        buf_append(&out, STR("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
    }
    sandbox_write(sandbox, name, buf_text(&out));
}

static void make_key_agreement(void)
{
    issue_made("critical,keyAgreement", NULL);
}

static void make_on_p224(void)
{
    issue_made(NULL, make_p224);
}

static void make_with_512_bits(void)
{
    issue_made(NULL, make_rsa_512);
}

static void make_damaged_chain(void)
{
    write_second("second.pem", "server.pem", NULL);
}

static void make_damaged_ca(void)
{
    write_second("second.pem", "ca.pem", NULL);
}

static void make_mixed_ca(void)
{
    write_second("second.pem", "ca.pem", "client.pem");
}

static const struct {
    const char *certificate;
    const char *key;
    const char *client_ca; /* "": none */
    void (*make)(void);    /* NULL: it is there */
    const char *says;      /* behind "presenced.conf:", with the sandbox's path for "@DIR@" */
} bad_certificates[] = {
    {"server.pem", "client.key", "", NULL,
     "3: [callback] certificate: @DIR@/client.key: is not the private key of the first certificate in "
     "@DIR@/server.pem"},
    {"none.pem", "server.key", "", NULL,
     "3: [callback] certificate: @DIR@/none.pem: cannot be read: No such file or directory"},
    {"server.pem", "none.key", "", NULL,
     "3: [callback] certificate: @DIR@/none.key: cannot be read: No such file or directory"},
    {"server.key", "server.key", "", NULL,
     "3: [callback] certificate: @DIR@/server.key: holds no certificate in PEM form"},
    {"server.pem", "server.pem", "", NULL,
     "3: [callback] certificate: @DIR@/server.pem: holds no private key in PEM form"},
    {"presenced.conf", "server.key", "", NULL,
     "3: [callback] certificate: @DIR@/presenced.conf: holds no certificate in PEM form"},
    {"second.pem", "server.key", "", make_damaged_chain,
     "3: [callback] certificate: @DIR@/second.pem: certificate 2 in it is damaged"},
    {"made.pem", "made.key", "", make_key_agreement,
     "3: [callback] certificate: @DIR@/made.pem: no TLS handshake succeeds with this certificate: its keyUsage "
     "lacks digitalSignature"},
    {"made.pem", "made.key", "", make_on_p224,
     "3: [callback] certificate: @DIR@/made.pem: no TLS handshake succeeds with this certificate: its key's "
     "curve is secp224r1; P-256 is one that every caller knows"},
    {"made.pem", "made.key", "", make_with_512_bits,
     "3: [callback] certificate: @DIR@/made.pem: no TLS handshake succeeds with this certificate: its RSA key "
     "has 512 bits; 2048 are usual"},
    {"server.pem", "server.key", "none.pem", NULL,
     "5: [callback] client_ca: @DIR@/none.pem: cannot be read: No such file or directory"},
    {"server.pem", "server.key", "server.key", NULL,
     "5: [callback] client_ca: @DIR@/server.key: holds no certificate in PEM form"},
    {"server.pem", "server.key", "second.pem", make_damaged_ca,
     "5: [callback] client_ca: @DIR@/second.pem: certificate 2 in it is damaged"},
    {"server.pem", "server.key", "second.pem", make_mixed_ca,
     "5: [callback] client_ca: @DIR@/second.pem: certificate 2 in it is not one of a certificate authority"},
};

/* What is said, and with which status, is the same whether it is checked or started. */
static void expect_refused(const char *says)
{
    static const char *const arguments[][4] = {
        {"--config", "@DIR@/presenced.conf", "--check-config", NULL},
        {"--config", "@DIR@/presenced.conf", NULL},
    };
    char text[512];
    (void)snprintf(text, sizeof(text), "@DIR@/presenced.conf:%s\n", says);
    cleanup(cleanup_freep) char *expected = sandbox_expand(sandbox, text);
    for (size_t i = 0; i < 2; i++) {
        cleanup(buf_fini) struct buf output = {0};
        ck_assert_int_eq(sandbox_run(sandbox, harness_daemon(), arguments[i], &output), 2);
        ck_assert_str_eq(buf_text(&output), expected);
    }
}

START_TEST(says_what_is_wrong_with_a_certificate)
{
    char config[512];
    const char *client_ca = bad_certificates[_i].client_ca;
    sandbox = sandbox_new();
    if (bad_certificates[_i].make != NULL) {
        bad_certificates[_i].make();
    }
    (void)snprintf(config, sizeof(config),
                   "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/%s\nprivate_key = @DIR@/%s\n"
                   "client_ca = %s%s\n" REST,
                   bad_certificates[_i].certificate, bad_certificates[_i].key,
                   *client_ca == '\0' ? "" : "@DIR@/", client_ca);
    sandbox_write(sandbox, "presenced.conf", config);
    expect_refused(bad_certificates[_i].says);
    sandbox_free(sandbox);
}
END_TEST

START_TEST(says_what_is_wrong_with_the_status_listeners)
{
    sandbox = sandbox_new();
    make_on_p224();
    sandbox_write(sandbox, "presenced.conf",
                  CALLBACK "[status]\nlisten = 127.0.0.1:0\nprivate_key = @DIR@/made.key\n"
                           "certificate = @DIR@/made.pem\n[app 1400000000]\ntoken = x\n");
    expect_refused(
        "8: [status] certificate: @DIR@/made.pem: no TLS handshake succeeds with this certificate: "
        "its key's curve is secp224r1; P-256 is one that every caller knows");
    sandbox_free(sandbox);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *usual = tcase_create("usual");
    tcase_set_timeout(usual, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(usual, start_usual, stop);
    tcase_add_loop_test(usual, speaks_tls_1_2_and_1_3_alone, 0, COUNT(versions));
    tcase_add_test(usual, agrees_on_http_1_1);
    tcase_add_test(usual, shows_a_certificate_that_verifies);
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
    tcase_add_loop_test(usual, answers_behind_new_keys, 0, 3);
    tcase_add_loop_test(usual, no_reply_waits_in_a_corked_socket, 0, COUNT(corking));
    tcase_add_loop_test(usual, resumes_sessions_over_connections, 0, 2);
    suite_add_tcase(suite, usual);
    TCase *impatient = tcase_create("impatient");
    tcase_set_timeout(impatient, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(impatient, start_with_short_timeout, stop);
    tcase_add_test(impatient, says_that_the_client_took_too_long);
    suite_add_tcase(suite, impatient);
    TCase *scanned = tcase_create("scanned");
    tcase_set_tags(scanned, "sslscan"); /* where it is missing ctest skips what has its tag */
    tcase_set_timeout(scanned, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(scanned, start_usual, stop);
    tcase_add_test(scanned, sslscan_finds_nothing_weak);
    suite_add_tcase(suite, scanned);
    TCase *client_ca = tcase_create("client_ca");
    tcase_set_timeout(client_ca, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(client_ca, start_with_client_ca, stop);
    tcase_add_loop_test(client_ca, believes_the_client_ca_alone, 0, COUNT(clients));
    tcase_add_loop_test(client_ca, says_what_is_wrong_with_a_client_certificate, 0, COUNT(refused_clients));
    tcase_add_test(client_ca, says_who_signed_no_client_certificate);
    tcase_add_test(client_ca, a_kept_connection_keeps_its_certificate);
    tcase_add_test(client_ca, health_needs_no_certificate);
    suite_add_tcase(suite, client_ca);
    TCase *keys = tcase_create("keys");
    tcase_set_timeout(keys, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(keys, signs_with_every_kind_of_key, 0, COUNT(signatures));
    suite_add_tcase(suite, keys);
    TCase *warned = tcase_create("warned of");
    tcase_set_timeout(warned, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(warned, serves_whatever_the_date, 0, COUNT(dates));
    tcase_add_test(warned, serves_on_when_the_certificate_ends);
    suite_add_tcase(suite, warned);
    TCase *bad = tcase_create("bad certificates");
    tcase_set_timeout(bad, HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(bad, says_what_is_wrong_with_a_certificate, 0, COUNT(bad_certificates));
    tcase_add_test(bad, says_what_is_wrong_with_the_status_listeners);
    suite_add_tcase(suite, bad);
    return suite;
}
