/* SPDX-License-Identifier: MIT */
#include "presenced/certificate.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* The files are made by the openssl command, as people make theirs. */
static char folder[] = "/tmp/presenced-certificate-XXXXXX";

static const char make_files[] =
    "cd \"$0\" && exec 2>/dev/null && "
    "new() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.pem "
    "  -subj /CN=$1 -addext \"$2\" $3 $4; } && "
    "new ca basicConstraints=critical,CA:TRUE -days 30 && new other basicConstraints=CA:FALSE -days 30 && "
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout leaf.key -subj /CN=leaf | "
    "  openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -out leaf.pem && "
    "printf \"%s\\n\" [ca] default_ca=past [past] database=issued rand_serial=yes default_md=sha256 "
    "  policy=any [any] commonName=supplied > past.conf && : > issued && "
    "openssl req -new -key leaf.key -subj /CN=old -out old.csr && "
    "openssl ca -batch -config past.conf -cert ca.pem -keyfile ca.key -in old.csr -out expired.pem "
    "  -notext -outdir . -startdate 20200101000000Z -enddate 20200201000000Z && "
    "printf -- \"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\" > damaged.pem && "
    "cat leaf.pem damaged.pem > half.pem && cat ca.pem damaged.pem > half-ca.pem && "
    "cat ca.pem leaf.pem > mixed-ca.pem && cat ca.pem ca.pem > two-ca.pem && "
    "cat leaf.pem ca.pem > chain.pem && cat leaf.pem other.pem > disorder.pem && "
    "openssl ec -in leaf.key -aes128 -passout pass:secret -out locked.key && "
    ": > empty.pem && echo nonsense > garbage.pem && head -c 2000000 /dev/zero > huge.pem";

static void set_up(void)
{
    char command[4096];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(command, sizeof(command), "sh -c '%s' %s", make_files, folder);
    ck_assert_int_eq(system(command), 0);
}

static void tear_down(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void in_folder(const char *name, char ret_path[static 128])
{
    (void)snprintf(ret_path, 128, "%s/%s", folder, name);
}

START_TEST(takes_a_matching_pair)
{
    static const char *const chains[] = {"leaf.pem", "chain.pem"};
    char chain[128];
    char key[128];
    struct certificate certificate;
    struct certificate_error error = {0};
    in_folder(chains[_i], chain);
    in_folder("leaf.key", key);
    ck_assert_msg(certificate_read(chain, key, &certificate, &error) == 0, "%s", error.text);
    uint64_t now_s = (uint64_t)time(NULL);
    ck_assert_uint_ge(certificate.not_after_unix_s, now_s + 29 * 86400);
    ck_assert_uint_le(certificate.not_after_unix_s, now_s + 31 * 86400);
    ck_assert_uint_le(certificate.not_before_unix_s, now_s);
    ck_assert_str_eq(certificate.path, chain);
    ck_assert_str_eq(certificate.flaw, "");
    certificate_fini(&certificate);
}
END_TEST

/* Whoever serves it says so; to read it is no error. */
START_TEST(takes_one_that_has_ended)
{
    char chain[128];
    char key[128];
    struct certificate certificate;
    struct certificate_error error = {0};
    in_folder("expired.pem", chain);
    in_folder("leaf.key", key);
    ck_assert_msg(certificate_read(chain, key, &certificate, &error) == 0, "%s", error.text);
    ck_assert_uint_lt(certificate.not_after_unix_s, (uint64_t)time(NULL));
    certificate_fini(&certificate);
}
END_TEST

static const struct {
    const char *chain;
    const char *key;
    const char *error; /* behind the folder */
} bad[] = {
    {"none.pem", "leaf.key", "none.pem: cannot be read: No such file or directory"},
    {".", "leaf.key", ".: cannot be read: Is a directory"},
    {"empty.pem", "leaf.key", "empty.pem: holds no certificate in PEM form"},
    {"huge.pem", "leaf.key", "huge.pem: cannot be read: File too large"},
    {"garbage.pem", "leaf.key", "garbage.pem: holds no certificate in PEM form"},
    {"leaf.key", "leaf.key", "leaf.key: holds no certificate in PEM form"},
    {"leaf.pem", "none.key", "none.key: cannot be read: No such file or directory"},
    {"leaf.pem", "leaf.pem", "leaf.pem: holds no private key in PEM form"},
    {"leaf.pem", "locked.key", "locked.key: the private key is protected by a passphrase; remove it first"},
    {"leaf.pem", "other.key", "other.key: is not the private key of the first certificate in "},
    {"disorder.pem", "leaf.key",
     "disorder.pem: the second certificate did not issue the first; the server's own comes first, then its "
     "issuer's"},
    {"damaged.pem", "leaf.key", "damaged.pem: certificate 1 in it is damaged"},
    {"half.pem", "leaf.key", "half.pem: certificate 2 in it is damaged"},
};

START_TEST(refuses_what_cannot_serve)
{
    char chain[128];
    char key[128];
    struct certificate certificate;
    struct certificate_error error = {0};
    in_folder(bad[_i].chain, chain);
    in_folder(bad[_i].key, key);
    ck_assert_int_eq(certificate_read(chain, key, &certificate, &error), -EINVAL);
    size_t behind = strlen(folder) + 1;
    ck_assert_uint_gt(strlen(error.text), behind);
    ck_assert_msg(strncmp(error.text + behind, bad[_i].error, strlen(bad[_i].error)) == 0, "%s", error.text);
}
END_TEST

static const char *const cas[] = {"ca.pem", "two-ca.pem"};

START_TEST(takes_a_ca)
{
    char path[128];
    struct buf pem = {0};
    struct certificate_error error = {0};
    in_folder(cas[_i], path);
    ck_assert_msg(certificate_read_ca(path, &pem, &error) == 0, "%s", error.text);
    ck_assert_uint_gt(pem.len, 100);
    buf_fini(&pem);
}
END_TEST

static const struct {
    const char *name;
    const char *error; /* behind the folder */
} bad_cas[] = {
    {"none.pem", "none.pem: cannot be read: No such file or directory"},
    {"garbage.pem", "garbage.pem: holds no certificate in PEM form"},
    {"other.pem", "other.pem: certificate 1 in it is not one of a certificate authority"},
    {"mixed-ca.pem", "mixed-ca.pem: certificate 2 in it is not one of a certificate authority"},
    {"half-ca.pem", "half-ca.pem: certificate 2 in it is damaged"},
};

START_TEST(refuses_what_is_no_ca)
{
    char path[128];
    struct buf pem = {0};
    struct certificate_error error = {0};
    in_folder(bad_cas[_i].name, path);
    ck_assert_int_eq(certificate_read_ca(path, &pem, &error), -EINVAL);
    ck_assert_str_eq(error.text + strlen(folder) + 1, bad_cas[_i].error);
    ck_assert_ptr_null(pem.ptr);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("certificate");
    TCase *tcase = tcase_create("certificate");
    tcase_add_unchecked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, takes_a_matching_pair, 0, 2);
    tcase_add_loop_test(tcase, refuses_what_cannot_serve, 0, (int)(sizeof(bad) / sizeof(bad[0])));
    tcase_add_test(tcase, takes_one_that_has_ended);
    tcase_add_loop_test(tcase, takes_a_ca, 0, (int)(sizeof(cas) / sizeof(cas[0])));
    tcase_add_loop_test(tcase, refuses_what_is_no_ca, 0, (int)(sizeof(bad_cas) / sizeof(bad_cas[0])));
    suite_add_tcase(suite, tcase);
    return suite;
}
