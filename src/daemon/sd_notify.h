/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_SD_NOTIFY_H
#define PRESENCED_DAEMON_SD_NOTIFY_H

/* The service manager: what it is told and what it hands over (sd_notify(3), sd_listen_fds(3)); the only file
 * that knows libsystemd. Where the daemon was started by hand nobody listens, and nothing is handed over.
 * Main thread only. */

#include "presenced/str.h"

#define SERVICE_STATUS_SIZE 512

/* `status` is a line for people in UTF-8. */
void service_tell_status(const char *status);
void service_tell_ready(const char *status);
void service_tell_reloading(void);
void service_tell_stopping(const char *status);

/* What is going on, starting or stopping, may take so much longer from now on; never makes it shorter. */
void service_extend(uint64_t more_ms);

/* For how long the manager waits for a beat before it ends the daemon; 0: it does not. */
uint64_t service_watchdog_ms(void);
void service_ping(void);

/* Hands every descriptor that was passed to `visit`, which closes it, with the name that its socket unit
 * gives it ("unknown" where none does). 0, or -errno. */
int service_each_passed(void (*visit)(void *cls, int fd, const char *name), void *cls);

/* Whether it is a listening stream socket of IPv4, IPv6 or Unix. */
bool service_is_listening(int fd);

#endif
