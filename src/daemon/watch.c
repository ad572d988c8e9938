/* SPDX-License-Identifier: MIT */
#include "watch.h"

#define MINUTE_MS UINT64_C(60000)
#define N_HANDSHAKES_MIN 10

bool refusal_watch_look(struct refusal_watch *watch, uint64_t n_ok, uint64_t n_not_ok, uint64_t n_min,
                        uint64_t now_ms)
{
    uint64_t n_new = n_not_ok - watch->n_not_ok;
    bool is_over = n_ok != watch->n_ok || now_ms - watch->last_ms >= 10 * MINUTE_MS;
    watch->n_ok = n_ok;
    watch->n_not_ok = n_not_ok;
    if (is_over) {
        watch->n_since_ok = 0;
    }
    if (n_new > 0) {
        if (watch->n_since_ok == 0) {
            watch->first_ms = now_ms;
        }
        watch->n_since_ok += n_new;
        watch->last_ms = now_ms;
    }
    return watch->n_since_ok >= n_min && now_ms - watch->first_ms >= MINUTE_MS;
}

bool handshake_watch_look(struct handshake_watch *watch, uint64_t n_done, uint64_t n_failed, uint64_t now_ms)
{
    uint64_t done = n_done - watch->n_done;
    uint64_t failed = n_failed - watch->n_failed;
    bool is_enough = done + failed >= N_HANDSHAKES_MIN;
    if (is_enough || now_ms - watch->begin_ms >= 10 * MINUTE_MS) {
        *watch = (struct handshake_watch){n_done, n_failed, now_ms, is_enough && failed > done};
    }
    return watch->has_problem;
}

bool recent_watch_look(struct recent_watch *watch, uint64_t n, uint64_t now_ms)
{
    if (n != watch->n) {
        *watch = (struct recent_watch){n, now_ms, true};
    } else if (now_ms - watch->last_ms >= MINUTE_MS) {
        watch->has_problem = false;
    }
    return watch->has_problem;
}

bool quiet_watch_look(struct quiet_watch *watch, uint64_t stamp, uint64_t quiet_after_ms, uint64_t now_ms)
{
    if (watch->since_ms == 0 || stamp != watch->stamp) {
        *watch = (struct quiet_watch){stamp, now_ms};
    }
    return quiet_after_ms > 0 && now_ms - watch->since_ms >= quiet_after_ms;
}
