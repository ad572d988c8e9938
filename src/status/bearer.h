/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_BEARER_H
#define PRESENCED_STATUS_BEARER_H

/* Bearer tokens (RFC 6750). Any thread may call everything here. */

#include "presenced/str.h"

/* Returns whether `authorization`, the value of an Authorization header, contains `token`, which is not
 * empty. The time taken does not depend on the token's bytes. */
bool bearer_matches(struct str authorization, struct str token);

#endif
