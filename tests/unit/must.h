/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_MUST_H
#define PRESENCED_TESTS_MUST_H

#include <check.h>

/* ck_assert for what is checked many thousand times: libcheck writes the place of each of its assertions to a
 * file, also of those that hold. */
#define must(condition)                     \
    do {                                    \
        if (!(condition)) {                 \
            ck_abort_msg("%s", #condition); \
        }                                   \
    } while (0)

#endif
