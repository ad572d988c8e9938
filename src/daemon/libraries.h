/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_LIBRARIES_H
#define PRESENCED_DAEMON_LIBRARIES_H

/* Which versions were tested of the libraries that we work around. Any thread. */

#include <stdbool.h>

struct library_range {
    const char *lowest;
    const char *highest;
};

/* Whether a version ("1.0.1"; what follows the numbers is left aside) lies in the range, its ends included.
 */
bool library_is_tested(const char *version, struct library_range range);

/* Warns of each that was not. */
void log_untested_libraries(void);

#endif
