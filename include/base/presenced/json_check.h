/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_CHECK_H
#define PRESENCED_JSON_CHECK_H

/* Checks that bytes are exactly one JSON text (RFC 8259) in valid UTF-8. It runs before cJSON 1.7.15, which
 * accepts input that a hostile or broken caller could sign and send: invalid UTF-8, raw control characters,
 * 01, anything after a NUL. Nothing is allocated. Any thread may call everything here. */

#include "presenced/str.h"

#define JSON_CHECK_DEPTH_MAX 64
#define JSON_CHECK_NUMBER_MAX 63 /* characters; cJSON 1.7.15 reads no more of a number */

/* Outcome, its name in counters, and the text shown to people. */
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

/* Returns 0 or the first problem found, an enum json_check_outcome. \u0000 is rejected although it is valid
 * JSON, because it would truncate a C string. */
int json_check(struct str text);

#endif
