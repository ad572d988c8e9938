/* SPDX-License-Identifier: MIT */
/* `freeze PID NAME` stops the thread of that name until the process has ended. */
#include "../system/freeze.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int main(int argc, char **argv)
{
    int status = 0;
    if (argc != 3) {
        (void)fprintf(stderr, "usage: freeze PID NAME\n");
        return 2;
    }
    pid_t thread = freeze_begin((pid_t)strtol(argv[1], NULL, 10), argv[2]);
    if (thread < 0) {
        (void)fprintf(stderr, "freeze: %s: %s\n", argv[2], strerror(-thread));
        return 1;
    }
    (void)printf("%d\n", (int)thread);
    (void)fflush(stdout);
    while (waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status)) {}
    return 0;
}
