/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ASK_TENCENT_H
#define PRESENCED_CTL_ASK_TENCENT_H

/* Makes presenced ask Tencent immediately, by an order at the control socket. */

#include "ctl.h"
#include "member.h"

struct tencent {
    cJSON *document;    /* the answer; NULL: the order was refused */
    struct buf refusal; /* why it was refused, safe to print */
};

/* Asks about users of an app; without users, checks that Tencent answers. `app` 0 is the only configured app.
 * Returns 0, also if the order was refused, or an exit status after printing the error. `ret_tencent` must be
 * passed to tencent_fini() in either case. */
int tencent_ask(const struct arguments *arguments, uint64_t app, char *const *users, size_t n_users,
                struct tencent *ret_tencent);
void tencent_fini(struct tencent *tencent);

#endif
