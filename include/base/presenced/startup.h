/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STARTUP_H
#define PRESENCED_STARTUP_H

/* What a process inherits and cannot rely on. Each once, from the main thread, before all else. */

/* Opens those of the descriptors 0, 1 and 2 that are closed on /dev/null: else the next file or socket would
 * get such a number, and what is meant for a terminal would be written into it. 0 or -errno. */
int startup_open_standard_fds(void);

/* Signals that people and limits send and that would end the process by default: SIGUSR1 and SIGUSR2; SIGPIPE
 * and SIGXFSZ, whose write fails all the same, with EPIPE and EFBIG. */
void startup_ignore_signals(void);

#endif
