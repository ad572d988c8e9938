/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SILENCE_H
#define PRESENCED_SILENCE_H

/* Whether the events of an app have stopped coming: where, at the rate of the last minutes, twenty of them
 * are missing in a row, it is not chance. One thread. */

#include <stdbool.h>
#include <stdint.h>

struct silence {
    bool is_silent;
    uint64_t n_events;
    uint64_t last_event_ms;
    uint64_t looked_ms;
    double events_per_ms; /* a moving average */
};

void silence_init(struct silence *silence, uint64_t n_events, uint64_t now_ms);

/* Now and then, with the events so far. Whether it has begun or ended since the last look. */
bool silence_look(struct silence *silence, uint64_t n_events, uint64_t now_ms);

#endif
