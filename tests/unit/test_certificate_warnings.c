/* SPDX-License-Identifier: MIT */
#include "../../src/daemon/parts.h"
#include "suite.h"

/* What is said of a certificate's dates. */

#define DAY_S UINT64_C(86400)
#define END_S UINT64_C(1767323045) /* 2026-01-02 03:04:05 UTC */
#define BEGIN_S (END_S - 90 * DAY_S)

#define REFUSE "; it is served, but callers that verify it refuse it: "
#define SOON "the callback listener's certificate expires on 2026-01-02 03:04:05 UTC, "
#define EXPIRED \
    "the callback listener's certificate expired on 2026-01-02 03:04:05 UTC" REFUSE "renew it and reload"
#define NOT_YET                                                                              \
    "the callback listener's certificate is not valid before 2025-10-04 03:04:05 UTC" REFUSE \
    "is this machine's "                                                                     \
    "clock right?"

static const struct {
    uint64_t now_s;
    enum warning_code code;
    const char *text; /* NULL: nothing is said */
} moments[] = {
    {0, WARNING_CERTIFICATE_NOT_YET_VALID, NOT_YET},
    {BEGIN_S - 1, WARNING_CERTIFICATE_NOT_YET_VALID, NOT_YET},
    {BEGIN_S, 0, NULL},
    {END_S - 14 * DAY_S - 1, 0, NULL},
    {END_S - 14 * DAY_S, WARNING_CERTIFICATE_EXPIRES_SOON, SOON "in 14 days: renew it and reload"},
    {END_S - 14 * DAY_S + 1, WARNING_CERTIFICATE_EXPIRES_SOON, SOON "in 13 days: renew it and reload"},
    {END_S - DAY_S, WARNING_CERTIFICATE_EXPIRES_SOON, SOON "in 1 day: renew it and reload"},
    {END_S - DAY_S + 1, WARNING_CERTIFICATE_EXPIRES_SOON, SOON "in less than a day: renew it and reload"},
    {END_S - 1, WARNING_CERTIFICATE_EXPIRES_SOON, SOON "in less than a day: renew it and reload"},
    {END_S, WARNING_CERTIFICATE_EXPIRED, EXPIRED},
    {END_S + 1000 * DAY_S, WARNING_CERTIFICATE_EXPIRED, EXPIRED},
};

START_TEST(tells_of_dates)
{
    const struct tls_certificate certificate = {.not_before_unix_s = BEGIN_S, .not_after_unix_s = END_S};
    struct certificate_warning warning = {.text = ""};
    bool is_said = check_certificate_dates(&certificate, "callback", moments[_i].now_s, &warning);
    ck_assert_int_eq(is_said, moments[_i].text != NULL);
    if (is_said) {
        ck_assert_str_eq(warning.text, moments[_i].text);
        ck_assert_int_eq((int)warning.code, (int)moments[_i].code);
    }
}
END_TEST

/* 9999-12-31 23:59:59 is for those that have no end (RFC 5280, section 4.1.2.5). */
START_TEST(tells_of_no_end)
{
    const struct tls_certificate certificate = {.not_after_unix_s = UINT64_C(253402300799)};
    struct certificate_warning warning;
    ck_assert(!check_certificate_dates(&certificate, "callback", END_S, &warning));
}
END_TEST

START_TEST(tells_of_versions)
{
    struct tls_certificate certificate = {.works_with_1_2 = true};
    struct certificate_warning warning;
    ck_assert(!check_certificate_versions(&certificate, "status", &warning));
    certificate.works_with_1_2 = false;
    ck_assert(check_certificate_versions(&certificate, "status", &warning));
    ck_assert_int_eq((int)warning.code, WARNING_CERTIFICATE_WITHOUT_TLS_1_2);
    ck_assert_str_eq(warning.text,
                     "the status listener's certificate works with TLS 1.3 alone: callers that know "
                     "TLS 1.2 at most cannot connect");
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("certificate_warnings");
    TCase *tcase = tcase_create("certificate_warnings");
    tcase_add_loop_test(tcase, tells_of_dates, 0, (int)(sizeof(moments) / sizeof(moments[0])));
    tcase_add_test(tcase, tells_of_no_end);
    tcase_add_test(tcase, tells_of_versions);
    suite_add_tcase(suite, tcase);
    return suite;
}
