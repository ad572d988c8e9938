/* SPDX-License-Identifier: MIT */
/* A beat says that the daemon serves, so it takes more than a timer: since the beat before, every thread of
 * the listeners and the one that writes the store have gone round, and every lock of the table was free for a
 * moment. Where one thread stands still there is no beat, and the service manager starts the daemon anew. A
 * disk that stands still is no reason: a new process would wait for it too. */
#include "parts.h"

#include "sd_notify.h"

/* Looks within the time that the manager waits: one that finds a thread busy costs no beat in time. */
#define LOOKS_A_TIMEOUT 4

enum { STORE_PART = N_LISTENERS, CONTROL_PART, N_PARTS };

static bool has_moved(struct daemon *daemon, unsigned part)
{
    if (part == STORE_PART) {
        return daemon->store == NULL || store_made_progress(daemon->store);
    }
    const struct http_listener *listener = part == CONTROL_PART ? daemon->control_listener
                                                                : daemon->listeners[part];
    return listener == NULL || transport_listener_made_progress(http_listener_transport(listener));
}

/* All are asked, for that wakes those who idle. */
static bool all_have_moved(struct daemon *daemon)
{
    struct watchdog *watchdog = &daemon->watchdog;
    for (unsigned part = 0; part < N_PARTS; part++) {
        watchdog->moved |= has_moved(daemon, part) ? 1U << part : 0;
    }
    return watchdog->moved == (1U << N_PARTS) - 1;
}

int start_watchdog(struct daemon *daemon)
{
    uint64_t timeout_ms = service_watchdog_ms();
    daemon->watchdog.interval_ms = timeout_ms / LOOKS_A_TIMEOUT + (timeout_ms % LOOKS_A_TIMEOUT != 0);
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
        if (all_have_moved(daemon)) {
            table_pass_locks(daemon->table);
            watchdog->moved = 0;
            service_ping();
        }
    }
    return watchdog->next_ms;
}
