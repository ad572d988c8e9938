/* SPDX-License-Identifier: MIT */
#include "sd_notify.h"

#include "presenced/clock.h"

#include <inttypes.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

/* Errors of sd_notify() are ignored, because the daemon works without a service manager. */

void service_tell_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void service_tell_ready(const char *status)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* The time shows the manager that this is the response to its latest SIGHUP, not to an earlier one. */
void service_tell_reloading(void)
{
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading the configuration again",
                     clock_monotonic_us());
}

void service_tell_stopping(const char *status)
{
    (void)sd_notifyf(0, "STOPPING=1\nSTATUS=%s", status);
}

void service_extend(uint64_t more_ms)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, more_ms * 1000);
}

uint64_t service_watchdog_ms(void)
{
    uint64_t us = 0;
    return sd_watchdog_enabled(0, &us) > 0 ? us / 1000 : 0;
}

void service_ping(void)
{
    (void)sd_notify(0, "WATCHDOG=1");
}

int service_each_passed(void (*visit)(void *cls, int fd, const char *name), void *cls)
{
    char **names = NULL;
    int n = sd_listen_fds_with_names(0, &names);
    for (int i = 0; i < n; i++) {
        visit(cls, SD_LISTEN_FDS_START + i, names[i]);
        free(names[i]);
    }
    free(names);
    return n < 0 ? n : 0;
}

bool service_is_listening(int fd)
{
    return sd_is_socket(fd, AF_INET, SOCK_STREAM, 1) > 0 || sd_is_socket(fd, AF_INET6, SOCK_STREAM, 1) > 0 ||
           sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
}
