/* SPDX-License-Identifier: MIT */
#include "supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* What the manager does not get it does without: nothing here is worth an error. */
static void tell(const char *message)
{
    (void)sd_notify(0, message);
}

static void tell_state(const char *state, const char *status)
{
    char message[SUPERVISOR_STATUS_SIZE + 64];
    (void)snprintf(message, sizeof(message), "%s%s%s", state,
                   status == NULL ? "" : "\nSTATUS=", status == NULL ? "" : status);
    tell(message);
}

void supervisor_tell_status(const char *status)
{
    (void)sd_notifyf(0, "STATUS=%s", status);
}

void supervisor_tell_ready(const char *status)
{
    tell_state("READY=1", status);
}

/* The time tells the manager that this is the answer to its SIGHUP, and not to one before. */
void supervisor_tell_reloading(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_us = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=reading the configuration again",
                     now_us);
}

void supervisor_tell_stopping(const char *status)
{
    tell_state("STOPPING=1", status);
}

void supervisor_extend(uint64_t more_ms)
{
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, more_ms * 1000);
}

uint64_t supervisor_watchdog_ms(void)
{
    uint64_t us = 0;
    return sd_watchdog_enabled(0, &us) > 0 ? us / 1000 : 0;
}

void supervisor_beat(void)
{
    tell("WATCHDOG=1");
}

int supervisor_each_passed(void (*visit)(void *cls, int fd, const char *name), void *cls)
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

bool supervisor_is_listening(int fd)
{
    return sd_is_socket(fd, AF_INET, SOCK_STREAM, 1) > 0 || sd_is_socket(fd, AF_INET6, SOCK_STREAM, 1) > 0 ||
           sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
}
