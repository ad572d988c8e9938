/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ASKER_H
#define PRESENCED_ASKER_H

/* Asks Tencent about the users of one app, and takes what it answers. Called by the reconcile thread alone,
 * but for asker_stats(), which any thread may call. */

#include "calls.h"
#include "settings.h"

struct asker;

/* Takes over the settings where it succeeds; history and sharing outlive it. Begins with a gap. 0 or -ENOMEM.
 */
int asker_new(struct table *table, struct calls *calls, const struct reconcile_history *history,
              const struct reconcile_sharing *sharing, struct app_settings *settings,
              struct asker **ret_asker);

/* Ends its calls. */
void asker_free(struct asker *asker);
DEFINE_CLEANUP(struct asker *, asker_free)

/* Asks with other settings from now on, and takes them over. */
void asker_adopt(struct asker *asker, struct app_settings *settings);

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
