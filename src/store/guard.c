/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

/* More than the number of stores that a process has open. */
#define N_GUARDS_MAX 8

static struct guard *_Atomic guards[N_GUARDS_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int result;
static struct sigaction previous;

static struct guard *find(uintptr_t address)
{
    for (unsigned i = 0; i < N_GUARDS_MAX; i++) {
        struct guard *guard = atomic_load(&guards[i]);
        if (guard != NULL && address - (uintptr_t)guard->memory < guard->size) {
            return guard;
        }
    }
    return NULL;
}

/* Replaces the whole mapping, because the rest of the file must not be mixed with what is lost. Uses only
 * system calls and atomics, as required in a signal handler. */
static bool replace(struct guard *guard)
{
    int saved = errno;
    bool is_replaced = mmap(guard->memory, guard->size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == guard->memory;
    atomic_store(&guard->is_lost, true);
    errno = saved;
    return is_replaced;
}

static void on_sigbus(int number, siginfo_t *info, void *unused)
{
    struct guard *guard = info->si_code == BUS_ADRERR ? find((uintptr_t)info->si_addr) : NULL;
    (void)unused;
    if (guard != NULL && replace(guard)) {
        return;
    }
    /* Restores the previous handler, which then gets the signal: a faulting access is repeated, and a signal
     * sent by a process is raised again. */
    (void)sigaction(number, &previous, NULL);
    if (info->si_code <= 0) {
        (void)raise(number);
    }
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};
    (void)sigemptyset(&action.sa_mask);
    result = sigaction(SIGBUS, &action, &previous) == 0 ? 0 : -errno;
}

int guard_begin(struct guard *guard, void *memory, size_t size)
{
    (void)pthread_once(&once, install);
    if (result < 0) {
        return result;
    }
    guard->memory = memory;
    guard->size = size;
    atomic_store(&guard->is_lost, false);
    for (unsigned i = 0; i < N_GUARDS_MAX; i++) {
        struct guard *expected = NULL;
        if (atomic_compare_exchange_strong(&guards[i], &expected, guard)) {
            return 0;
        }
    }
    return -ENOSPC;
}

void guard_end(struct guard *guard)
{
    for (unsigned i = 0; i < N_GUARDS_MAX; i++) {
        struct guard *found = guard;
        (void)atomic_compare_exchange_strong(&guards[i], &found, NULL);
    }
}
