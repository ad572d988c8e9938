/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ORDERS_H
#define PRESENCED_CTL_ORDERS_H

/* Orders at the control socket, which are answered when they are carried out. */

#include "client.h"

/* 0 for an answer of 200 (done) or 409 (refused); else an exit status: it has been said why. `ret_answer` is
 * empty before, and for answer_fini(). */
int order_give(const struct arguments *arguments, const char *path, struct str body,
               struct answer *ret_answer);

#endif
