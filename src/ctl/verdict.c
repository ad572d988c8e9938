/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
    const char *name;
    unsigned status;
} outcomes[] = {
#define AS_ROW(id, name, status, level, text) [OUTCOME_##id] = {(name), (status)},
    CALLBACK_OUTCOMES(AS_ROW)
#undef AS_ROW
};

void verdict_fini(struct verdict *verdict)
{
    for (size_t i = 0; i < verdict->n_checks; i++) {
        buf_fini(&verdict->checks[i].text);
    }
    *verdict = (struct verdict){.outcome = NULL};
}

static void add(struct verdict *verdict, const char *name, bool passed, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

static void add(struct verdict *verdict, const char *name, bool passed, const char *format, va_list arguments)
{
    cleanup(cleanup_freep) char *text = NULL;
    if (verdict->n_checks == VERDICT_N_CHECKS_MAX) {
        return;
    }
    struct check *check = &verdict->checks[verdict->n_checks++];
    *check = (struct check){.name = name, .passed = passed};
    if (vasprintf(&text, format, arguments) < 0) {
        text = NULL;
        check->text.failed = true;
        return;
    }
    buf_append(&check->text, str_from(text));
}

void verdict_pass(struct verdict *verdict, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(verdict, name, true, format, arguments);
    va_end(arguments);
}

/* The first failed check decides. */
static void decide(struct verdict *verdict, const char *outcome, unsigned status)
{
    const char *old = outcomes[OUTCOME_REFUSED_TIME].name;
    if (verdict->outcome == NULL) {
        verdict->outcome = outcome;
        verdict->status = status;
    } else if (strcmp(verdict->outcome, old) == 0 && verdict->outcome_without_age == NULL) {
        verdict->outcome_without_age = outcome;
    }
}

void verdict_fail(struct verdict *verdict, const char *name, enum outcome outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(verdict, name, false, format, arguments);
    va_end(arguments);
    decide(verdict, outcomes[outcome].name, outcomes[outcome].status);
}

void verdict_fail_body(struct verdict *verdict, const char *outcome, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(verdict, "body", false, format, arguments);
    va_end(arguments);
    decide(verdict, outcome, 200);
}
