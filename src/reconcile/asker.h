/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ASKER_H
#define PRESENCED_ASKER_H

/* Who asks for one app: whom, how fast, and what becomes of the answers. The reconciling thread alone; but
 * asker_stats() from any. */

#include "calls.h"
#include "presenced/reconcile.h"

/* Of one app, its own. */
struct asker_settings {
    uint16_t app;
    uint64_t sdkappid;
    char admin[257];
    struct secret *key;
    char urls[RECONCILE_N_HOSTS][RECONCILE_HOST_MAX];
    unsigned n_urls;
    uint64_t calls_per_second;
    uint64_t stale_after_ms;
    uint64_t sweep_ms;
};

void asker_settings_fini(struct asker_settings *settings);

struct asker;

/* Takes over the settings where it succeeds; history and sharing outlive it. Begins with a gap. 0 or -ENOMEM.
 */
int asker_new(struct table *table, struct calls *calls, const struct reconcile_history *history,
              const struct reconcile_sharing *sharing, struct asker_settings *settings,
              struct asker **ret_asker);

/* Ends its calls. */
void asker_free(struct asker *asker);
DEFINE_CLEANUP(struct asker *, asker_free)

/* Others from now on; takes them over. */
void asker_adopt(struct asker *asker, struct asker_settings *settings);

uint16_t asker_app(const struct asker *asker);

/* Everyone is to be asked about, also those whom other nodes ask about. */
void asker_gap(struct asker *asker);

/* Asks what a person wants to know, at once; the inquiry is borrowed until inquiry_end(). */
void asker_inquire(struct asker *asker, struct inquiry *inquiry);

/* Once a second: asks what is due. */
void asker_tick(struct asker *asker);

/* A call of this owner has ended, which is consumed; asks more where there is more. */
void asker_take(struct asker *asker, struct call *call);

void asker_stats(struct asker *asker, struct reconcile_stats *ret_stats);

#endif
