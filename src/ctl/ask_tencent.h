/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ASK_TENCENT_H
#define PRESENCED_CTL_ASK_TENCENT_H

/* Has presenced ask Tencent at once, by an order at the control socket. */

#include "ctl.h"
#include "member.h"

struct tencent {
    cJSON *document;    /* of 200; NULL: it was refused */
    struct buf refusal; /* why, for people */
};

/* About users, or with none whether Tencent answers. `app` 0: the only one. 0, or an exit status: it has been
 * said why. For tencent_fini() in any case. */
int tencent_ask(const struct arguments *arguments, uint64_t app, char *const *users, size_t n_users,
                struct tencent *ret_tencent);
void tencent_fini(struct tencent *tencent);

#endif
