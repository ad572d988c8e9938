/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_VERDICT_H
#define PRESENCED_CTL_VERDICT_H

/* What presenced would answer to a request, check by check. The checks are those of the daemon, in the same
 * order (presenced-api(7)); the first failed check decides. Further checks are still made where possible, for
 * people. */

#include "capture.h"
#include "conf.h"

#include "presenced/callback_outcomes.h"

#define VERDICT_N_CHECKS_MAX 16

enum outcome {
#define AS_ENUM(id, name, status, level, text) OUTCOME_##id,
    CALLBACK_OUTCOMES(AS_ENUM)
#undef AS_ENUM
};

struct check {
    const char *name;
    bool passed;
    struct buf text; /* not made safe to print */
};

struct verdict {
    struct check checks[VERDICT_N_CHECKS_MAX];
    size_t n_checks;
    const char *outcome; /* the daemon's name for it; NULL: no check has failed */
    unsigned status;     /* HTTP status */
    /* If the outcome is that of a wrong RequestTime: the first other failed check; NULL: none. */
    const char *outcome_without_age;
};

void verdict_fini(struct verdict *verdict);

/* Add the result of a check. `format` is the text shown after the name of the check. */
void verdict_pass(struct verdict *verdict, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void verdict_fail(struct verdict *verdict, const char *name, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Adds a failed check of the body, which is answered with status 200. */
void verdict_fail_body(struct verdict *verdict, const char *outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Checks method, path, SdkAppid, Sign, CallbackCommand and so on (head_check.c). Returns whether the body
 * must be checked too. */
bool check_head(const struct capture *capture, const struct conf *conf, uint64_t now_ms,
                struct verdict *verdict);

/* Checks the body of a State.StateChange (body_check.c). */
void check_body(struct str body, struct verdict *verdict);

#endif
