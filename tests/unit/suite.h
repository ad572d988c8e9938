/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_SUITE_H
#define PRESENCED_TESTS_SUITE_H

#include <check.h>

/* What each test_*.c defines, and runner.c runs. */
Suite *test_suite(void);

#endif
