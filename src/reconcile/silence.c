/* SPDX-License-Identifier: MIT */
#include "silence.h"

#include <string.h>

#define N_MISSING 20.0
#define AVERAGE_MS 600000.0
#define SHORTEST_MS 10000 /* minimum duration, because bursts are not a rate */

void silence_init(struct silence *silence, uint64_t n_events, uint64_t now_ms)
{
    memset(silence, 0, sizeof(*silence));
    silence->n_events = n_events;
    silence->last_event_ms = now_ms;
    silence->checked_ms = now_ms;
}

bool silence_look(struct silence *silence, uint64_t n_events, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - silence->checked_ms;
    bool was_silent = silence->is_silent;
    if (elapsed_ms == 0) {
        return false;
    }
    uint64_t n_new = n_events - silence->n_events;
    silence->n_events = n_events;
    silence->checked_ms = now_ms;
    if (n_new > 0) {
        silence->last_event_ms = now_ms;
        silence->is_silent = false;
    }
    if (!was_silent) {
        double weight = (double)elapsed_ms / (AVERAGE_MS + (double)elapsed_ms);
        silence->events_per_ms += ((double)n_new / (double)elapsed_ms - silence->events_per_ms) * weight;
    }
    uint64_t silent_ms = now_ms - silence->last_event_ms;
    if (silent_ms >= SHORTEST_MS && silence->events_per_ms * (double)silent_ms >= N_MISSING) {
        silence->is_silent = true;
    }
    return silence->is_silent != was_silent;
}
