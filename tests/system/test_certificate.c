/* SPDX-License-Identifier: MIT */
/* The certificates that a listener shows: which serve, with which keys, and what is said of them. */
#include "../unit/suite.h"
#include "fixture.h"
#include "pki.h"

#define DAY_S (24L * 60 * 60)

static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

static void start_usual(void)
{
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
}

START_TEST(shows_a_certificate_that_verifies)
{
    cleanup(client_freep) struct client *stranger = client_new("https",
                                                               instance_callback_port(fixture.instance));
    cleanup(answer_fini) struct answer answer;
    CURLcode code = client_try(stranger, &(struct client_request){.target = "/livez"}, &answer);
    ck_assert_int_eq(code, CURLE_PEER_FAILED_VERIFICATION);
    client_trust(stranger, fixture.sandbox);
    event_login(stranger, "alice", 0);
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
    fixture.sandbox = sandbox_new();
    pki_write_server(sandbox_path(fixture.sandbox), key);
    EVP_PKEY_free(key);
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
    cleanup(wire_freep) struct wire *wire = fixture_connect(false);
    const struct wire_tls options = {.min_version = signatures[_i].version,
                                     .max_version = signatures[_i].version,
                                     .algorithms = signatures[_i].algorithms};
    ck_assert(wire_start_tls(wire, fixture.sandbox, &options));
    ck_assert_int_eq(SSL_get_peer_signature_type_nid(wire_ssl(wire), &type), 1);
    ck_assert_int_eq(type, signatures[_i].type);
    fixture_request(wire, 200);
    fixture_stop();
}
END_TEST

/* Certificates that serve, with a warning. */

static void expect_logged_times(const char *text, unsigned n)
{
    cleanup(buf_fini) struct buf log = instance_log(fixture.instance);
    unsigned n_found = 0;
    for (const char *at = strstr(buf_text(&log), text); at != NULL; at = strstr(at + 1, text)) {
        n_found++;
    }
    ck_assert_msg(n_found == n, "%u times, not %u, \"%s\" in: %s", n_found, n, text, buf_text(&log));
}

static void expect_in_stats(const char *text)
{
    cleanup(answer_fini) struct answer answer;
    client_get(fixture.status, "/v1/stats", &answer);
    ck_assert_msg(strstr(buf_text(&answer.body), text) != NULL, "no \"%s\" in: %s", text,
                  buf_text(&answer.body));
}

/* By somebody who does not look at dates. */
static void expect_served(void)
{
    for (size_t i = 0; i < 2; i++) {
        cleanup(wire_freep) struct wire *wire = fixture_connect(false);
        wire_prepare_tls(wire, fixture.sandbox,
                         &(struct wire_tls){.min_version = versions[i], .max_version = versions[i]});
        SSL_set_verify(wire_ssl(wire), SSL_VERIFY_NONE, NULL);
        ck_assert(wire_shake_hands(wire));
        fixture_request(wire, 200);
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
    fixture.sandbox = sandbox_new();
    pki_issue(sandbox_path(fixture.sandbox), &plan, NULL);
    sandbox_write(fixture.sandbox, "presenced.conf", FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
    ck_assert_int_eq(sandbox_run(fixture.sandbox, harness_daemon(), check, &output), 0);
    ck_assert_msg(strstr(buf_text(&output), expected) != NULL, "%s", buf_text(&output));
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
    expect_served();
    instance_await_log(fixture.instance, in_log);
    expect_in_stats(in_stats);
    expect_logged_times(words, 1);
    fixture_stop();
}
END_TEST

/* Those who come after its end are served as those before. */
START_TEST(serves_on_when_the_certificate_ends)
{
    const struct pki_plan plan = {"server", "serverAuth", -DAY_S, 3, NULL};
    fixture.sandbox = sandbox_new();
    pki_issue(sandbox_path(fixture.sandbox), &plan, NULL);
    fixture_start(FIXTURE_CALLBACK FIXTURE_TLS FIXTURE_REST);
    cleanup(wire_freep) struct wire *kept = fixture_connect(false);
    wire_prepare_tls(kept, fixture.sandbox, &(struct wire_tls){0});
    SSL_set_verify(wire_ssl(kept), SSL_VERIFY_NONE, NULL);
    ck_assert(wire_shake_hands(kept));
    fixture_request(kept, 200);
    instance_await_log(fixture.instance, "code=certificate_expires_soon");
    instance_await_log(fixture.instance, "code=certificate_expired");
    fixture_request(kept, 200);
    expect_served();
    expect_in_stats("{\"code\":\"certificate_expired\",");
    expect_logged_times("msg=\"attention no longer needed\" code=certificate_expires_soon", 1);
    fixture_stop();
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
    pki_issue(sandbox_path(fixture.sandbox), &plan, key);
    EVP_PKEY_free(key);
}

static void append_file(struct buf *out, const char *name)
{
    cleanup(buf_fini) struct buf content = sandbox_read(fixture.sandbox, name);
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
    sandbox_write(fixture.sandbox, name, buf_text(&out));
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
    const char *says;      /* behind "presenced.conf:", with the fixture.sandbox's path for "@DIR@" */
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
    cleanup(cleanup_freep) char *expected = sandbox_expand(fixture.sandbox, text);
    for (size_t i = 0; i < 2; i++) {
        cleanup(buf_fini) struct buf output = {0};
        ck_assert_int_eq(sandbox_run(fixture.sandbox, harness_daemon(), arguments[i], &output), 2);
        ck_assert_str_eq(buf_text(&output), expected);
    }
}

START_TEST(says_what_is_wrong_with_a_certificate)
{
    char config[512];
    const char *client_ca = bad_certificates[_i].client_ca;
    fixture.sandbox = sandbox_new();
    if (bad_certificates[_i].make != NULL) {
        bad_certificates[_i].make();
    }
    (void)snprintf(config, sizeof(config),
                   "[callback]\nlisten = 127.0.0.1:0\ncertificate = @DIR@/%s\nprivate_key = @DIR@/%s\n"
                   "client_ca = %s%s\n" FIXTURE_REST,
                   bad_certificates[_i].certificate, bad_certificates[_i].key,
                   *client_ca == '\0' ? "" : "@DIR@/", client_ca);
    sandbox_write(fixture.sandbox, "presenced.conf", config);
    expect_refused(bad_certificates[_i].says);
    sandbox_free(take_pointer(fixture.sandbox));
}
END_TEST

START_TEST(says_what_is_wrong_with_the_status_listeners)
{
    fixture.sandbox = sandbox_new();
    make_on_p224();
    sandbox_write(fixture.sandbox, "presenced.conf",
                  FIXTURE_CALLBACK FIXTURE_TLS
                  "[status]\nlisten = 127.0.0.1:0\nprivate_key = @DIR@/made.key\n"
                  "certificate = @DIR@/made.pem\n[app 1400000000]\ntoken = x\n");
    expect_refused(
        "8: [status] certificate: @DIR@/made.pem: no TLS handshake succeeds with this certificate: "
        "its key's curve is secp224r1; P-256 is one that every caller knows");
    sandbox_free(take_pointer(fixture.sandbox));
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("certificate");
    TCase *usual = tcase_create("usual");
    tcase_set_timeout(usual, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(usual, start_usual, fixture_stop);
    tcase_add_test(usual, shows_a_certificate_that_verifies);
    suite_add_tcase(suite, usual);
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
