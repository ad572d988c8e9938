/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_PASSING_H
#define PRESENCED_TESTS_PASSING_H

/* Passes sockets to the daemon, as a service manager does. Spawned programs inherit them. */

#include "victim.h"

#define PASSED_MAX 4

struct passing {
    const char *names; /* separated by ':' */
    size_t n;
    int fds[PASSED_MAX];
};

/* A shell command that moves the sockets to the expected descriptors, sets LISTEN_PID to its own process id,
 * and then executes the daemon. */
struct pass_command {
    char script[512];
    const char *words[5]; /* to be put before the daemon's command; ended by NULL */
};

void pass_command_init(struct pass_command *command, const struct passing *passing);

/* Starts a daemon with these sockets, and returns at once. */
struct victim *passing_spawn(struct sandbox *sandbox, const char *config, const struct passing *passing);

/* The same, but waits until the daemon reports that it is ready. */
struct victim *passing_start(struct sandbox *sandbox, const char *config, const struct passing *passing);

/* Return a socket that listens on a free port of 127.0.0.1, and the port of such a socket. */
int passing_socket(void);
uint16_t passing_port(int fd);

#endif
