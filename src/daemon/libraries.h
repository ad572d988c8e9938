/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_LIBRARIES_H
#define PRESENCED_DAEMON_LIBRARIES_H

/* The versions of those libraries whose behaviour we work around, and which of them are tested. Any
 * thread. */

#include <stdbool.h>

struct library_range {
    const char *lowest;
    const char *highest;
};

/* Whether `version` ("1.0.1"; what follows the numbers is ignored) is in the range, its ends included. */
bool library_is_tested(const char *version, struct library_range range);

/* Logs a warning for each library that runs in a version outside of the tested range. */
void log_untested_libraries(void);

#endif
