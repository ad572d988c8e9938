/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_SUITE_H
#define PRESENCED_TESTS_SUITE_H

#include <check.h>

/* Returns the suite of the program. Defined by each test_*.c and called by runner.c. */
Suite *test_suite(void);

#endif
