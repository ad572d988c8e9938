/* SPDX-License-Identifier: MIT */
#include "../../src/transport/tls_check.h"
#include "presenced/tls.h"
#include "suite.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define GENERATION_MIN_BYTES ((size_t)4096) /* what one takes at least */
#define CACHE_MAX_BYTES ((size_t)131072)    /* what the allocator keeps for later, and counts as allocated */
#define N_GENERATIONS 100

static char folder[] = "/tmp/presenced-tls-XXXXXX";

static struct certificate certificate;
static struct buf ca;
static struct tls *tls;

static void run(const char *script)
{
    char command[512];
    (void)snprintf(command, sizeof(command), "cd %s && { %s; } 2>/dev/null", folder, script);
    ck_assert_int_eq(system(command), 0);
}

static void make_files(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out pem "
        "-subj /CN=localhost -addext basicConstraints=critical,CA:TRUE");
}

static void remove_files(void)
{
    run("rm *");
    ck_assert_int_eq(rmdir(folder), 0);
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
}

static void set_up(void)
{
    char pem[64];
    char key[64];
    struct certificate_error error;
    (void)snprintf(pem, sizeof(pem), "%s/pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key", folder);
    ck_assert_int_eq(certificate_read(pem, key, &certificate, &error), 0);
    ck_assert_int_eq(certificate_read_ca(pem, &ca, &error), 0);
    ck_assert_int_eq(tls_new(&tls), 0);
}

static void tear_down(void)
{
    tls_free(tls);
    certificate_fini(&certificate);
    buf_fini(&ca);
}

static void adopt(bool wants_client_certificate)
{
    struct tls_generation *generation = NULL;
    struct certificate_error error;
    struct str trusted = wants_client_certificate ? buf_str(&ca) : STR("");
    ck_assert_int_eq(tls_generation_new(&certificate, trusted, &generation, &error), 0);
    tls_adopt(tls, generation);
}

static void ignore(void *cls)
{
    (void)cls;
}

static const struct tls_session_events events = {.is_unfinished = ignore, .has_sent = ignore};

struct connection {
    gnutls_session_t gnutls;
    struct tls_session *session;
};

static struct connection open_connection(void)
{
    struct connection connection;
    ck_assert_int_eq(gnutls_init(&connection.gnutls, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    connection.session = tls_session_new(tls, connection.gnutls, -1, &events, NULL);
    ck_assert_ptr_nonnull(connection.session);
    return connection;
}

static void close_connection(struct connection *connection)
{
    gnutls_deinit(connection->gnutls);
    tls_session_free(connection->session);
}

/* Bytes that are allocated. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t in_use(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t in_use(void)
{
    return mallinfo2().uordblks;
}
#endif

START_TEST(frees_what_nobody_uses)
{
    adopt(false);
    size_t before = in_use();
    for (unsigned i = 0; i < N_GENERATIONS; i++) {
        adopt(i % 2 == 0);
    }
    ck_assert_uint_lt(in_use(), before + CACHE_MAX_BYTES);
}
END_TEST

START_TEST(keeps_what_a_session_uses)
{
    struct connection connections[N_GENERATIONS];
    adopt(false);
    size_t before = in_use();
    for (unsigned i = 0; i < N_GENERATIONS; i++) {
        connections[i] = open_connection();
        adopt(false);
    }
    ck_assert_uint_ge(in_use(), before + N_GENERATIONS * GENERATION_MIN_BYTES);
    for (unsigned i = 0; i < N_GENERATIONS; i++) {
        ck_assert(!tls_session_is_outdated(connections[i].session));
        close_connection(&connections[i]);
    }
    ck_assert_uint_lt(in_use(), before + CACHE_MAX_BYTES);
}
END_TEST

START_TEST(tells_sessions_that_another_is_asked_for)
{
    adopt(false);
    struct connection before = open_connection();
    adopt(true);
    struct connection asked = open_connection();
    ck_assert(tls_session_is_outdated(before.session));
    ck_assert(!tls_session_is_outdated(asked.session));
    adopt(true);
    ck_assert(tls_session_is_outdated(before.session));
    ck_assert(tls_session_is_outdated(asked.session));
    adopt(false);
    ck_assert(!tls_session_is_outdated(before.session));
    ck_assert(!tls_session_is_outdated(asked.session));
    close_connection(&before);
    close_connection(&asked);
}
END_TEST

START_TEST(has_no_session_before_the_first)
{
    gnutls_session_t gnutls;
    ck_assert_int_eq(gnutls_init(&gnutls, GNUTLS_SERVER | GNUTLS_NONBLOCK), 0);
    ck_assert_ptr_null(tls_session_new(tls, gnutls, -1, &events, NULL));
    gnutls_deinit(gnutls);
}
END_TEST

static _Atomic bool is_over;

static void *open_and_close(void *cls)
{
    unsigned *n = cls;
    while (!atomic_load(&is_over)) {
        struct connection connection = open_connection();
        *n += tls_session_is_outdated(connection.session);
        close_connection(&connection);
    }
    return NULL;
}

/* For the sanitizers: a session may take the newest just when it is none any more. */
START_TEST(exchanges_under_sessions)
{
    pthread_t threads[3];
    unsigned n_outdated[3] = {0};
    adopt(false);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, open_and_close, &n_outdated[i]), 0);
    }
    for (unsigned i = 0; i < 2 * N_GENERATIONS; i++) {
        adopt(i % 2 == 0);
    }
    atomic_store(&is_over, true);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}
END_TEST

/* Which certificates serve. */

#define REQUEST " && openssl req -x509 -key key -out pem -subj /CN=localhost"
#define EC(curve) "openssl ecparam -name " curve " -genkey -noout -out key"
#define RSA(bits) "openssl genrsa -out key " bits

static const struct {
    const char *make; /* a shell's command, that writes `key` and `pem` */
    const char *flaw; /* NULL: it serves */
} kinds[] = {
    {EC("prime256v1") REQUEST, NULL},
    {EC("secp384r1") REQUEST, NULL},
    {EC("secp521r1") REQUEST, NULL},
    {RSA("1024") REQUEST, NULL},
    {RSA("2048") REQUEST, NULL},
    {RSA("2048") REQUEST " -addext keyUsage=critical,digitalSignature", NULL},
    {"openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out key" REQUEST, NULL},
    {"openssl genpkey -algorithm ED25519 -out key" REQUEST, NULL},
    {"openssl genpkey -algorithm ED448 -out key" REQUEST, NULL},
    {RSA("512") REQUEST, "its RSA key has 512 bits; 2048 are usual"},
    {RSA("768") REQUEST, "its RSA key has 768 bits; 2048 are usual"},
    {RSA("2048") REQUEST " -addext keyUsage=critical,keyEncipherment", "its keyUsage lacks digitalSignature"},
    {EC("prime256v1") REQUEST " -addext keyUsage=keyAgreement", "its keyUsage lacks digitalSignature"},
    {EC("secp224r1") REQUEST, "its key's curve is secp224r1; P-256 is one that every caller knows"},
    {EC("secp256k1") REQUEST, "its key's curve is secp256k1; P-256 is one that every caller knows"},
    {EC("brainpoolP256r1") REQUEST,
     "its key's curve is brainpoolP256r1; P-256 is one that every caller knows"},
    {EC("prime256v1") " -param_enc explicit" REQUEST,
     "its key spells out its curve's parameters instead of naming the curve"},
    {EC("SM2") REQUEST, "its key is of a kind (SM2) that TLS does not sign with"},
    {"openssl dsaparam -genkey -out key 2048" REQUEST,
     "its key is of a kind (DSA) that TLS does not sign with"},
};

static struct certificate read_made(void)
{
    static char pem[64];
    char key[64];
    struct certificate made;
    struct certificate_error error;
    (void)snprintf(pem, sizeof(pem), "%s/pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key", folder);
    ck_assert_msg(certificate_read(pem, key, &made, &error) == 0, "%s", error.text);
    return made;
}

START_TEST(takes_only_a_certificate_that_serves)
{
    char expected[320];
    cleanup(tls_generation_freep) struct tls_generation *generation = NULL;
    struct certificate_error error = {""};
    run(kinds[_i].make);
    struct certificate made = read_made();
    int r = tls_generation_new(&made, STR(""), &generation, &error);
    certificate_fini(&made);
    if (kinds[_i].flaw == NULL) {
        ck_assert_msg(r == 0, "%s: %s", kinds[_i].make, error.text);
        ck_assert(tls_generation_certificate(generation).works_with_1_2);
        return;
    }
    (void)snprintf(expected, sizeof(expected), "%s/pem: no TLS handshake succeeds with this certificate: %s",
                   folder, kinds[_i].flaw);
    ck_assert_int_eq(r, -EINVAL);
    ck_assert_str_eq(error.text, expected);
}
END_TEST

/* Each version for itself: without ECDHE-ECDSA, which is TLS 1.2's, 1.3 goes on. */
START_TEST(checks_each_version_of_tls)
{
    static const char all[] = "NORMAL:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA";
    static const char rsa_alone[] = "NORMAL:-KX-ALL:+ECDHE-RSA";
    gnutls_certificate_credentials_t credentials;
    int errors[TLS_CHECK_N_VERSIONS] = {-1, -1};
    char pem[64];
    char key[64];
    (void)snprintf(pem, sizeof(pem), "%s/pem", folder);
    (void)snprintf(key, sizeof(key), "%s/key", folder);
    ck_assert_int_eq(gnutls_certificate_allocate_credentials(&credentials), 0);
    ck_assert_int_ge(gnutls_certificate_set_x509_key_file(credentials, pem, key, GNUTLS_X509_FMT_PEM), 0);
    ck_assert_int_eq(tls_check(credentials, all, errors), 0);
    ck_assert_int_eq(errors[TLS_CHECK_1_2], 0);
    ck_assert_int_eq(errors[TLS_CHECK_1_3], 0);
    ck_assert_int_eq(tls_check(credentials, rsa_alone, errors), 0);
    ck_assert_int_eq(errors[TLS_CHECK_1_2], GNUTLS_E_NO_CIPHER_SUITES);
    ck_assert_int_eq(errors[TLS_CHECK_1_3], 0);
    gnutls_certificate_free_credentials(credentials);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *tcase = tcase_create("generations");
    tcase_add_unchecked_fixture(tcase, make_files, remove_files);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, frees_what_nobody_uses);
    tcase_add_test(tcase, keeps_what_a_session_uses);
    tcase_add_test(tcase, tells_sessions_that_another_is_asked_for);
    tcase_add_test(tcase, has_no_session_before_the_first);
    tcase_add_test(tcase, exchanges_under_sessions);
    suite_add_tcase(suite, tcase);
    TCase *certificates = tcase_create("certificates");
    tcase_add_unchecked_fixture(certificates, make_files, remove_files);
    tcase_set_timeout(certificates, 60); /* DSA's parameters take their time */
    tcase_add_test(certificates, checks_each_version_of_tls);
    tcase_add_loop_test(certificates, takes_only_a_certificate_that_serves, 0,
                        (int)(sizeof(kinds) / sizeof(kinds[0])));
    suite_add_tcase(suite, certificates);
    return suite;
}
