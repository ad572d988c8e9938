/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_CHECK_H
#define PRESENCED_JSON_CHECK_H

/* Whether bytes are one whole JSON text as RFC 8259 has it, in valid UTF-8. It stands before cJSON 1.7.15,
 * which lets pass what a signed but hostile or broken caller could send: bad UTF-8, raw control bytes, 01,
 * whatever follows a NUL. Any thread may call everything here; nothing is allocated. */

#include "presenced/str.h"

#define JSON_CHECK_DEPTH_MAX 64
#define JSON_CHECK_NUMBER_MAX 63 /* characters: all that cJSON 1.7.15 reads of one */

/* Outcome, name for counters, text for people. */
#define JSON_CHECK_OUTCOMES(X)                                                            \
    X(EMPTY, "empty", "the body is empty")                                                \
    X(BOM, "bom", "the body begins with a byte order mark, which JSON does not allow")    \
    X(TRUNCATED, "truncated", "the body is not JSON: it ends too early")                  \
    X(SYNTAX, "syntax", "the body is not JSON")                                           \
    X(TRAILING, "trailing", "the body is not JSON: something follows the first value")    \
    X(NUMBER, "number", "the body is not JSON: a number is malformed")                    \
    X(NUMBER_LENGTH, "number_length", "a number in the body has more than 63 characters") \
    X(CONTROL, "control", "the body is not JSON: a string holds a raw control character") \
    X(ESCAPE, "escape", "the body is not JSON: a string holds a malformed escape")        \
    X(NUL, "nul", "a string in the body holds \\u0000, which is not accepted")            \
    X(SURROGATE, "surrogate", "a string in the body holds half of a surrogate pair")      \
    X(UTF8, "utf8", "the body is not valid UTF-8")                                        \
    X(DEPTH, "depth", "the body is nested more than 64 levels deep")

enum json_check_outcome {
    JSON_CHECK_OK,
#define JSON_CHECK_AS_ENUM(id, name, text) JSON_CHECK_##id,
    JSON_CHECK_OUTCOMES(JSON_CHECK_AS_ENUM)
#undef JSON_CHECK_AS_ENUM
        JSON_CHECK_N_OUTCOMES,
};

/* 0, or the first outcome met. \u0000 is refused though it is JSON: it would cut a C string short. */
int json_check(struct str text);

#endif
