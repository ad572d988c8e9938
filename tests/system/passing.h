/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_PASSING_H
#define PRESENCED_TESTS_PASSING_H

/* Sockets that are passed to the daemon, as a service manager does. They are inherited by what is spawned. */

#include "victim.h"

#define PASSED_MAX 4

struct passing {
    const char *names; /* with ':' between them */
    size_t n;
    int fds[PASSED_MAX];
};

/* A shell puts them where they belong, for only it knows its process's number beforehand. */
struct pass_command {
    char script[512];
    const char *words[5]; /* the daemon's own follow */
};

void pass_command_init(struct pass_command *command, const struct passing *passing);

/* Starts a daemon that they are passed to, and returns at once. */
struct victim *passing_spawn(struct sandbox *sandbox, const char *config, const struct passing *passing);

/* Waits until it says that it is ready, too. */
struct victim *passing_start(struct sandbox *sandbox, const char *config, const struct passing *passing);

/* A socket that listens at a free port of 127.0.0.1, and its port. */
int passing_socket(void);
uint16_t passing_port(int fd);

#endif
