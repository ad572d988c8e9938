/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SECRET_H
#define PRESENCED_SECRET_H

/* Bytes that nobody is to find: in a page of their own that is not swapped out, is in no core file, and is
 * wiped at the end. Any thread, one at a time each. */

#include "presenced/str.h"

#define SECRET_SIZE_MAX 4000

struct secret;

/* A copy. 0; -EFBIG beyond SECRET_SIZE_MAX; -ENOMEM. Where the process may not lock memory, that is left out.
 */
int secret_new(struct str bytes, struct secret **ret_secret);
void secret_free(struct secret *secret);
DEFINE_CLEANUP(struct secret *, secret_free)

/* Valid until its end; empty for NULL. */
struct str secret_str(const struct secret *secret);

#endif
