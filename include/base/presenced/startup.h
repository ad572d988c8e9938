/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STARTUP_H
#define PRESENCED_STARTUP_H

/* Sets up what the process inherits. Each function is called once by the main thread, before anything else.
 */

/* Opens those of the file descriptors 0, 1 and 2 that are closed on /dev/null. Otherwise the next file or
 * socket would get one of these numbers, and output for the terminal would be written into it. Returns 0 or
 * -errno. */
int startup_open_standard_fds(void);

/* Ignores signals that would end the process by default: SIGUSR1 and SIGUSR2, and SIGPIPE and SIGXFSZ. A
 * write that would raise one of the last two still fails, with EPIPE or EFBIG. */
void startup_ignore_signals(void);

#endif
