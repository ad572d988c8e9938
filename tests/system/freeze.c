/* SPDX-License-Identifier: MIT */
#include "freeze.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

static bool has_name(pid_t pid, const char *thread, const char *name)
{
    char path[300];
    char text[32] = "";
    (void)snprintf(path, sizeof(path), "/proc/%d/task/%s/comm", (int)pid, thread);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool is_read = fgets(text, sizeof(text), file) != NULL;
    (void)fclose(file);
    text[strcspn(text, "\n")] = '\0';
    return is_read && strcmp(text, name) == 0;
}

static pid_t find_thread(pid_t pid, const char *name)
{
    char path[64];
    pid_t found = -ESRCH;
    (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    if (tasks == NULL) {
        return -errno;
    }
    for (struct dirent *entry; found < 0 && (entry = readdir(tasks)) != NULL;) {
        if (has_name(pid, entry->d_name, name)) {
            found = (pid_t)strtol(entry->d_name, NULL, 10);
        }
    }
    (void)closedir(tasks);
    return found;
}

pid_t freeze_begin(pid_t pid, const char *name)
{
    int status = 0;
    pid_t thread = find_thread(pid, name);
    if (thread < 0) {
        return thread;
    }
    if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) != 0 || ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) != 0 ||
        waitpid(thread, &status, __WALL) != thread) {
        return -errno;
    }
    return WIFSTOPPED(status) ? thread : -ECHILD;
}

int freeze_end(pid_t thread)
{
    return ptrace(PTRACE_DETACH, thread, NULL, NULL) == 0 ? 0 : -errno;
}
