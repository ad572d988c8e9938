/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include "presenced/daemon.h"

#include <pthread.h>

static sigset_t ending_signals(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    return set;
}

sigset_t signals_awaited(void)
{
    sigset_t set = ending_signals();
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGRTMIN); /* sent by signals_wake() */
    return set;
}

void signals_wake(pthread_t thread)
{
    (void)pthread_kill(thread, SIGRTMIN);
}

bool signals_is_end(int number)
{
    return number == SIGTERM || number == SIGINT;
}

void daemon_hold_signals(void)
{
    sigset_t awaited = signals_awaited();
    (void)pthread_sigmask(SIG_BLOCK, &awaited, NULL);
}

bool signals_end_is_pending(void)
{
    sigset_t pending;
    (void)sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1;
}

void signals_let_kill(void)
{
    sigset_t ending = ending_signals();
    (void)pthread_sigmask(SIG_UNBLOCK, &ending, NULL);
}
