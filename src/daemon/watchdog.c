/* SPDX-License-Identifier: MIT */
/* The watchdog: the service manager restarts the daemon if it gets no ping for some time. A ping is sent
 * only if, since the one before, every thread of the listeners and the thread that writes the store have
 * gone through their loops, and every lock of the table could be taken. A disk that does not respond does
 * not stop the pings, because a new process would have to wait for it, too. */
#include "parts.h"

#include "sd_notify.h"

/* Number of checks within the manager's timeout: if one finds a thread busy, there is time for another. */
#define CHECKS_PER_TIMEOUT 4

enum { STORE_PART = N_LISTENERS, CONTROL_PART, N_PARTS };

static bool made_progress(struct daemon *daemon, unsigned part)
{
    if (part == STORE_PART) {
        return daemon->store == NULL || store_made_progress(daemon->store);
    }
    const struct http_listener *listener = part == CONTROL_PART ? daemon->control_listener
                                                                : daemon->listeners[part];
    return listener == NULL || transport_listener_made_progress(http_listener_transport(listener));
}

/* Checks all parts, because this wakes idle threads, whose next check then succeeds. */
static bool all_made_progress(struct daemon *daemon)
{
    struct watchdog *watchdog = &daemon->watchdog;
    for (unsigned part = 0; part < N_PARTS; part++) {
        watchdog->moved |= made_progress(daemon, part) ? 1U << part : 0;
    }
    return watchdog->moved == (1U << N_PARTS) - 1;
}

int start_watchdog(struct daemon *daemon)
{
    uint64_t timeout_ms = service_watchdog_ms();
    daemon->watchdog.interval_ms = timeout_ms / CHECKS_PER_TIMEOUT + (timeout_ms % CHECKS_PER_TIMEOUT != 0);
    return 0;
}

uint64_t watchdog_look(struct daemon *daemon, uint64_t now_ms)
{
    struct watchdog *watchdog = &daemon->watchdog;
    if (watchdog->interval_ms == 0) {
        return UINT64_MAX;
    }
    if (now_ms >= watchdog->next_ms) {
        watchdog->next_ms = now_ms + watchdog->interval_ms;
        if (all_made_progress(daemon)) {
            table_pass_locks(daemon->table);
            watchdog->moved = 0;
            service_ping();
        }
    }
    return watchdog->next_ms;
}
