/* SPDX-License-Identifier: MIT */
#include "presenced/startup.h"

#include "presenced/array.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

int startup_open_standard_fds(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
            /* open() returns the lowest free number, which is this one. */
            if (open("/dev/null", O_RDWR) < 0) {
                return -errno;
            }
        }
    }
    return 0;
}

void startup_ignore_signals(void)
{
    static const int ignored[] = {SIGPIPE, SIGUSR1, SIGUSR2, SIGXFSZ};
    for (size_t i = 0; i < N_ELEMENTS(ignored); i++) {
        (void)signal(ignored[i], SIG_IGN);
    }
}
