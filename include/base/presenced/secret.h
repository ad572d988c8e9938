/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SECRET_H
#define PRESENCED_SECRET_H

/* A secret in memory: in a page of its own that is locked into memory, excluded from core files, and wiped
 * when it is freed. Any thread may call these functions; a secret is used by one thread at a time. */

#include "presenced/str.h"

#define SECRET_SIZE_MAX 4000

struct secret;

/* Copies `bytes`. Returns 0; -EFBIG for more than SECRET_SIZE_MAX bytes; or -ENOMEM. If the process may not
 * lock memory, the page is left unlocked. */
int secret_new(struct str bytes, struct secret **ret_secret);
void secret_free(struct secret *secret);
DEFINE_CLEANUP(struct secret *, secret_free)

/* Returns the bytes, valid until secret_free(). Returns an empty text for NULL. */
struct str secret_str(const struct secret *secret);

#endif
