/* SPDX-License-Identifier: MIT */
/* Warnings about a certificate that is used nevertheless: its dates, and clients that cannot use it. */
#include "parts.h"

#include "presenced/array.h"
#include "presenced/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define DAY_S UINT64_C(86400)

/* Early enough that somebody is there to renew it. */
#define EXPIRES_SOON_S (14 * DAY_S)

static void format_date(uint64_t unix_s, char ret_date[static 32])
{
    struct tm tm;
    time_t time = (time_t)unix_s;
    if (gmtime_r(&time, &tm) == NULL || strftime(ret_date, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0) {
        (void)snprintf(ret_date, 32, "%" PRIu64, unix_s);
    }
}

static void format_days(uint64_t left_s, char ret_days[static 32])
{
    uint64_t days = left_s / DAY_S;
    if (days == 0) {
        (void)snprintf(ret_days, 32, "in less than a day");
    } else {
        (void)snprintf(ret_days, 32, "in %" PRIu64 " day%s", days, days == 1 ? "" : "s");
    }
}

bool check_certificate_dates(const struct tls_certificate *certificate, const char *listener,
                             uint64_t now_unix_s, struct certificate_warning *ret_warning)
{
    char date[32];
    char days[32];
    uint64_t begin_s = certificate->not_before_unix_s;
    uint64_t end_s = certificate->not_after_unix_s;
    format_date(now_unix_s < begin_s ? begin_s : end_s, date);
    if (now_unix_s < begin_s) {
        ret_warning->code = WARNING_CERTIFICATE_NOT_YET_VALID;
        (void)snprintf(ret_warning->text, sizeof(ret_warning->text),
                       "the %s listener's certificate is not valid before %s; it is served, but callers that "
                       "verify it refuse it: is this machine's clock right?",
                       listener, date);
        return true;
    }
    if (now_unix_s >= end_s) {
        ret_warning->code = WARNING_CERTIFICATE_EXPIRED;
        (void)snprintf(
            ret_warning->text, sizeof(ret_warning->text),
            "the %s listener's certificate expired on %s; it is served, but callers that verify it "
            "refuse it: renew it and reload",
            listener, date);
        return true;
    }
    if (end_s - now_unix_s <= EXPIRES_SOON_S) {
        format_days(end_s - now_unix_s, days);
        ret_warning->code = WARNING_CERTIFICATE_EXPIRES_SOON;
        (void)snprintf(ret_warning->text, sizeof(ret_warning->text),
                       "the %s listener's certificate expires on %s, %s: renew it and reload", listener, date,
                       days);
        return true;
    }
    return false;
}

bool check_certificate_versions(const struct tls_certificate *certificate, const char *listener,
                                struct certificate_warning *ret_warning)
{
    if (certificate->works_with_1_2) {
        return false;
    }
    ret_warning->code = WARNING_CERTIFICATE_WITHOUT_TLS_1_2;
    (void)snprintf(
        ret_warning->text, sizeof(ret_warning->text),
        "the %s listener's certificate works with TLS 1.3 alone: callers that know TLS 1.2 at most "
        "cannot connect",
        listener);
    return true;
}

/* Raises the one of `codes` that `warning` has and clears the others; NULL clears all. */
static void update_warnings(struct daemon *daemon, unsigned listener, const enum warning_code *codes,
                            size_t n_codes, const struct certificate_warning *warning)
{
    for (size_t i = 0; i < n_codes; i++) {
        if (warning != NULL && warning->code == codes[i]) {
            warnings_raise(daemon->warnings, warning->code, listener, warning->text, clock_monotonic_ms());
        } else {
            warnings_clear(daemon->warnings, codes[i], listener);
        }
    }
}

static void check_certificate(struct daemon *daemon, unsigned listener,
                              const struct tls_certificate *certificate)
{
    static const enum warning_code date_codes[] = {
        WARNING_CERTIFICATE_EXPIRED, WARNING_CERTIFICATE_NOT_YET_VALID, WARNING_CERTIFICATE_EXPIRES_SOON};
    static const enum warning_code version_codes[] = {WARNING_CERTIFICATE_WITHOUT_TLS_1_2};
    const char *name = daemon_listener_names[listener];
    struct certificate_warning warning;
    bool is_so = check_certificate_dates(certificate, name, clock_unix_ms() / 1000, &warning);
    update_warnings(daemon, listener, date_codes, N_ELEMENTS(date_codes), is_so ? &warning : NULL);
    is_so = check_certificate_versions(certificate, name, &warning);
    update_warnings(daemon, listener, version_codes, 1, is_so ? &warning : NULL);
}

void watch_certificates(struct daemon *daemon)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        struct tls_certificate certificate;
        if (daemon->tls[i] != NULL && tls_certificate(daemon->tls[i], &certificate)) {
            check_certificate(daemon, i, &certificate);
        }
    }
}
