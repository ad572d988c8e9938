/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_LIBRARIES_H
#define PRESENCED_DAEMON_LIBRARIES_H

/* Checks the versions of the libraries whose behaviour presenced works around. Any thread. */

#include <stdbool.h>

struct library_range {
    const char *lowest;
    const char *highest;
};

/* Returns whether `version` ("1.0.1"; text after the numbers is ignored) is in the range, including its
 * ends. */
bool library_is_tested(const char *version, struct library_range range);

/* Logs a warning for each library whose version is outside the tested range. */
void log_untested_libraries(void);

#endif
