/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_VERDICT_H
#define PRESENCED_CTL_VERDICT_H

/* What presenced would answer to a request, check by check: the checks are the daemon's, in its order
 * (presenced-api(7)), and the first that fails decides. Those after it are made all the same, for people. */

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
    struct buf text; /* foreign text is in it as it came */
};

struct verdict {
    struct check checks[VERDICT_N_CHECKS_MAX];
    size_t n_checks;
    const char *outcome; /* by the daemon's name; NULL: nothing has failed */
    unsigned status;
    const char *but_old; /* the outcome where its age is left aside */
};

void verdict_fini(struct verdict *verdict);

/* For the files of checks. `format` is for what follows the name of the check. */
void verdict_pass(struct verdict *verdict, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void verdict_fail(struct verdict *verdict, const char *name, enum outcome outcome, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The same for a body, whose outcomes are answered 200. */
void verdict_fail_body(struct verdict *verdict, const char *outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* head_check.c: method, path, SdkAppid, Sign, CallbackCommand and the like. Whether the body is looked at. */
bool check_head(const struct capture *capture, const struct conf *conf, uint64_t now_ms,
                struct verdict *verdict);

/* body_check.c: the body of a State.StateChange. */
void check_body(struct str body, struct verdict *verdict);

#endif
