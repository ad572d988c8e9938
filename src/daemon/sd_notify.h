/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_SD_NOTIFY_H
#define PRESENCED_DAEMON_SD_NOTIFY_H

/* The service manager: notifications and passed sockets (sd_notify(3), sd_listen_fds(3)). Only sd_notify.c
 * uses libsystemd. If the daemon was started by hand, notifications have no effect and there are no passed
 * sockets. Main thread only. */

#include "presenced/str.h"

#define SERVICE_STATUS_SIZE 512

/* `status` is one line of UTF-8 for people. */
void service_tell_status(const char *status);
void service_tell_ready(const char *status);
void service_tell_reloading(void);
void service_tell_stopping(const char *status);

/* Extends the timeout of the current start or stop to `more_ms` from now; never shortens it. */
void service_extend(uint64_t more_ms);

/* Returns how long the manager waits for a ping before it ends the daemon, in ms; 0: it does not. */
uint64_t service_watchdog_ms(void);
void service_ping(void);

/* Calls `visit` for each passed descriptor, which it owns from then on, with the name from the socket unit
 * ("unknown" if there is none). Returns 0 or -errno. */
int service_each_passed(void (*visit)(void *cls, int fd, const char *name), void *cls);

/* Returns whether `fd` is a listening stream socket of IPv4, IPv6 or Unix. */
bool service_is_listening(int fd);

#endif
