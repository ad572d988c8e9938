/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ORDERS_H
#define PRESENCED_CTL_ORDERS_H

/* Gives orders to the daemon at its control socket. An order is answered when it has been executed. */

#include "client.h"

/* Posts `body` to `path`. Returns 0 for an answer with status 200 (done) or 409 (refused), or an exit status
 * after printing the error. `ret_answer` must be empty before the call, and must be passed to answer_fini()
 * in either case. */
int order_give(const struct arguments *arguments, const char *path, struct str body,
               struct answer *ret_answer);

#endif
