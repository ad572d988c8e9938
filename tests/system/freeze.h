/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_FREEZE_H
#define PRESENCED_TESTS_FREEZE_H

/* Stops one thread of another process while its other threads continue, to simulate a deadlock or an endless
 * loop. A signal would stop the whole process, but a tracer can stop a single thread. */

#include <sys/types.h>

/* Stops the thread with that name, in a process that the caller may trace, until freeze_end() or until the
 * caller exits. Returns its thread id or -errno; -ESRCH: no thread has that name. */
pid_t freeze_begin(pid_t pid, const char *name);
int freeze_end(pid_t thread);

#endif
