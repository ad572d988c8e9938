/* SPDX-License-Identifier: MIT */
#include "pki.h"

#include "presenced/cleanup.h"

#include <check.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(X509 *, X509_free)

static const long day_s = 24L * 60 * 60;

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct pki_plan *plan)
{
    if (plan->usage == NULL) {
        add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:TRUE");
        add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
        return;
    }
    add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate, issuer, NID_ext_key_usage, plan->usage);
    if (plan->key_usage != NULL) {
        add_extension(certificate, issuer, NID_key_usage, plan->key_usage);
    }
    add_extension(certificate, issuer, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
}

/* `issuer` NULL: signed by itself. */
static X509 *make_certificate(const struct pki_plan *plan, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key)
{
    static long serial = 1;
    X509 *certificate = X509_new();
    ck_assert_ptr_nonnull(certificate);
    ck_assert_int_eq(X509_set_version(certificate, X509_VERSION_3), 1);
    ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++), 1);
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notBefore(certificate), plan->begins_s));
    ck_assert_ptr_nonnull(X509_gmtime_adj(X509_getm_notAfter(certificate), plan->ends_s));
    X509_NAME *name = X509_get_subject_name(certificate);
    ck_assert_int_eq(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)plan->name, -1, -1, 0),
        1);
    X509 *signer = issuer == NULL ? certificate : issuer;
    ck_assert_int_eq(X509_set_issuer_name(certificate, X509_get_subject_name(signer)), 1);
    ck_assert_int_eq(X509_set_pubkey(certificate, key), 1);
    add_extensions(certificate, signer, plan);
    ck_assert_int_gt(X509_sign(certificate, issuer_key == NULL ? key : issuer_key, EVP_sha256()), 0);
    return certificate;
}

static FILE *open_file(const char *directory, const char *name, const char *suffix, const char *mode)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s%s", directory, name, suffix);
    FILE *file = fopen(path, mode);
    ck_assert_msg(file != NULL, "cannot open %s", path);
    return file;
}

static FILE *create_file(const char *directory, const char *name, const char *suffix)
{
    FILE *file = open_file(directory, name, suffix, "we");
    ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
    return file;
}

static void write_certificate(const char *directory, const char *name, X509 *certificate)
{
    FILE *file = create_file(directory, name, ".pem");
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_key(const char *directory, const char *name, EVP_PKEY *key)
{
    FILE *file = create_file(directory, name, ".key");
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(file), 0);
}

static void write_bundle(const char *directory, X509 *certificate, EVP_PKEY *key)
{
    FILE *file = create_file(directory, "bundle", ".pem");
    ck_assert_int_eq(PEM_write_X509(file, certificate), 1);
    ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
    ck_assert_int_eq(fclose(file), 0);
}

static EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    ck_assert_ptr_nonnull(key);
    return key;
}

static void issue(const char *directory, const struct pki_plan *plan, EVP_PKEY *key, X509 *issuer,
                  EVP_PKEY *issuer_key)
{
    cleanup(X509_freep) X509 *certificate = make_certificate(plan, key, issuer, issuer_key);
    write_certificate(directory, plan->name, certificate);
}

static void write_server_certificates(const char *directory, X509 *ca, EVP_PKEY *ca_key)
{
    cleanup(EVP_PKEY_freep) EVP_PKEY *key = make_key();
    const struct pki_plan server = {"server", "serverAuth", -day_s, 30 * day_s, NULL};
    const struct pki_plan expired = {"expired", "serverAuth", -30 * day_s, -day_s, NULL};
    const struct pki_plan future = {"future", "serverAuth", day_s, 30 * day_s, NULL};
    write_key(directory, "server", key);
    issue(directory, &expired, key, ca, ca_key);
    issue(directory, &future, key, ca, ca_key);
    cleanup(X509_freep) X509 *certificate = make_certificate(&server, key, ca, ca_key);
    write_certificate(directory, server.name, certificate);
    write_bundle(directory, certificate, key);
}

static void write_client_certificate(const char *directory, const char *name, X509 *ca, EVP_PKEY *ca_key)
{
    cleanup(EVP_PKEY_freep) EVP_PKEY *key = make_key();
    const struct pki_plan plan = {name, "clientAuth", -day_s, 30 * day_s, NULL};
    write_key(directory, name, key);
    issue(directory, &plan, key, ca, ca_key);
}

void pki_write(const char *directory)
{
    const struct pki_plan ca_plan = {"ca", NULL, -60 * day_s, 60 * day_s, NULL};
    const struct pki_plan other_plan = {"other-ca", NULL, -60 * day_s, 60 * day_s, NULL};
    cleanup(EVP_PKEY_freep) EVP_PKEY *ca_key = make_key();
    cleanup(EVP_PKEY_freep) EVP_PKEY *other_key = make_key();
    cleanup(X509_freep) X509 *ca = make_certificate(&ca_plan, ca_key, NULL, NULL);
    cleanup(X509_freep) X509 *other = make_certificate(&other_plan, other_key, NULL, NULL);
    write_certificate(directory, ca_plan.name, ca);
    write_key(directory, ca_plan.name, ca_key);
    write_certificate(directory, other_plan.name, other);
    write_server_certificates(directory, ca, ca_key);
    write_client_certificate(directory, "client", ca, ca_key);
    write_client_certificate(directory, "stranger", other, other_key);
}

void pki_issue(const char *directory, const struct pki_plan *plan, EVP_PKEY *key)
{
    FILE *ca_file = open_file(directory, "ca", ".pem", "re");
    FILE *ca_key_file = open_file(directory, "ca", ".key", "re");
    cleanup(X509_freep) X509 *ca = PEM_read_X509(ca_file, NULL, NULL, NULL);
    cleanup(EVP_PKEY_freep) EVP_PKEY *ca_key = PEM_read_PrivateKey(ca_key_file, NULL, NULL, NULL);
    cleanup(EVP_PKEY_freep) EVP_PKEY *own = key == NULL ? make_key() : NULL;
    ck_assert(ca != NULL && ca_key != NULL);
    (void)fclose(ca_file);
    (void)fclose(ca_key_file);
    write_key(directory, plan->name, key == NULL ? own : key);
    issue(directory, plan, key == NULL ? own : key, ca, ca_key);
}

void pki_write_server(const char *directory, EVP_PKEY *key)
{
    const struct pki_plan ca_plan = {"ca", NULL, -60 * day_s, 60 * day_s, NULL};
    const struct pki_plan plan = {"server", "serverAuth", -day_s, 30 * day_s, NULL};
    cleanup(EVP_PKEY_freep) EVP_PKEY *ca_key = make_key();
    cleanup(X509_freep) X509 *ca = make_certificate(&ca_plan, ca_key, NULL, NULL);
    write_certificate(directory, ca_plan.name, ca);
    write_key(directory, plan.name, key);
    issue(directory, &plan, key, ca, ca_key);
}
