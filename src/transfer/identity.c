/* SPDX-License-Identifier: MIT */
#include "identity.h"

#include "presenced/cleanup.h"
#include "presenced/path.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int report(const char *path, const char *what)
{
    (void)fprintf(stderr, "presenced: %s: %s: %s\n", path, what, strerror(errno));
    return 1;
}

/* Returns false if neither the folder nor its parent exists; opening the store then reports it. */
static bool find_owner(const char *path, struct stat *ret_status, bool *ret_is_new)
{
    *ret_is_new = false;
    if (stat(path, ret_status) == 0) {
        return true;
    }
    cleanup(cleanup_freep) char *parent = path_parent(path);
    *ret_is_new = true;
    return parent != NULL && stat(parent, ret_status) == 0;
}

/* Permanent: the process cannot become root again. */
static int drop_privileges(const char *path, const struct stat *owner)
{
    if (setgroups(0, NULL) != 0 || setgid(owner->st_gid) != 0 || setuid(owner->st_uid) != 0) {
        return report(path, "cannot take the identity of its owner");
    }
    return 0;
}

static int wait_for_child(const char *path, pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return report(path, "waitpid");
        }
    }
    if (WIFSIGNALED(status)) {
        (void)fprintf(stderr, "presenced: %s: %s\n", path, strsignal(WTERMSIG(status)));
        return 1;
    }
    return WEXITSTATUS(status) == 0 ? 0 : 1;
}

static int run_as(const struct stat *owner, const char *path, int (*run)(void *cls), void *cls)
{
    pid_t parent = getpid();
    (void)fflush(NULL); /* or both processes would write the buffered output */
    pid_t pid = fork();
    if (pid < 0) {
        return report(path, "fork");
    }
    if (pid > 0) {
        return wait_for_child(path, pid);
    }
    int r = drop_privileges(path, owner);
    /* After become(), because a change of identity clears this setting. */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (r == 0) {
        r = getppid() == parent ? run(cls) : 1;
    }
    _exit(r);
}

int identity_run(const char *path, int (*run)(void *cls), void *cls)
{
    struct stat owner;
    bool is_new = false;
    if (geteuid() != 0 || !find_owner(path, &owner, &is_new)) {
        return run(cls);
    }
    if (owner.st_uid != 0) {
        return run_as(&owner, path, run, cls);
    }
    if (is_new) {
        (void)fprintf(stderr,
                      "presenced: %s: a new store will belong to root, as the folder that it is in does\n",
                      path);
    }
    return run(cls);
}
