/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_FREEZE_H
#define PRESENCED_TESTS_FREEZE_H

/* Stops one thread of another process while the others go on, as a deadlock or an endless loop would. A
 * signal stops all of a process, but a tracer can stop one thread. */

#include <sys/types.h>

/* By its name, of a process that the caller may trace. The thread, or -errno; -ESRCH: none has that name. It
 * stands still until freeze_end(), or until the caller ends. */
pid_t freeze_begin(pid_t pid, const char *name);
int freeze_end(pid_t thread);

#endif
