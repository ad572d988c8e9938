/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_MUST_H
#define PRESENCED_TESTS_MUST_H

#include <check.h>

/* An assertion for conditions that are checked many thousand times: libcheck writes the location of each of
 * its assertions to a file, even of those that hold. */
#define must(condition)                     \
    do {                                    \
        if (!(condition)) {                 \
            ck_abort_msg("%s", #condition); \
        }                                   \
    } while (0)

#endif
