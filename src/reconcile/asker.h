/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ASKER_H
#define PRESENCED_ASKER_H

/* Queries Tencent about the users of one app and handles the answers. For the reconcile thread only, except
 * asker_stats(), which any thread may call. */

#include "calls.h"
#include "settings.h"

struct asker;

/* Starts with a gap. Moves the settings out of `settings` if it succeeds. `history` and `sharing` are
 * borrowed. Returns 0 or -ENOMEM. */
int asker_new(struct table *table, struct calls *calls, const struct reconcile_history *history,
              const struct reconcile_sharing *sharing, struct app_settings *settings,
              struct asker **ret_asker);

/* Aborts its calls. */
void asker_free(struct asker *asker);
DEFINE_CLEANUP(struct asker *, asker_free)

/* Aborts its calls and replaces the settings, which are moved out of `settings`. */
void asker_adopt(struct asker *asker, struct app_settings *settings);

uint16_t asker_app(const struct asker *asker);

/* Makes it ask about all users, including those of other nodes. */
void asker_gap(struct asker *asker);

/* Makes the call for an inquiry at once. The inquiry is borrowed until inquiry_end(). */
void asker_inquire(struct asker *asker, struct inquiry *inquiry);

/* Called once a second: makes the calls that are due. */
void asker_tick(struct asker *asker);

/* Handles a finished call of this asker, which is consumed, and makes further calls that are due. */
void asker_take(struct asker *asker, struct call *call);

void asker_stats(struct asker *asker, struct reconcile_stats *ret_stats);

#endif
