/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_BEARER_H
#define PRESENCED_STATUS_BEARER_H

/* Bearer tokens (RFC 6750). Any thread. */

#include "presenced/str.h"

/* Whether `authorization`, an Authorization header's value, shows `token`, which is not empty. How long that
 * takes tells nothing of the token. */
bool bearer_matches(struct str authorization, struct str token);

#endif
