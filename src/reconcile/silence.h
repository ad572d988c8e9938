/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SILENCE_H
#define PRESENCED_SILENCE_H

/* Detects that the events of an app have stopped: at the average rate of the last ten minutes, at least
 * twenty events in succession are missing, which is unlikely to be chance. For one thread. */

#include <stdbool.h>
#include <stdint.h>

struct silence {
    bool is_silent;
    uint64_t n_events;
    uint64_t last_event_ms;
    uint64_t checked_ms;
    double events_per_ms; /* moving average */
};

void silence_init(struct silence *silence, uint64_t n_events, uint64_t now_ms);

/* Called regularly with the number of events so far. Returns whether silence has begun or ended since the
 * last call. */
bool silence_look(struct silence *silence, uint64_t n_events, uint64_t now_ms);

#endif
