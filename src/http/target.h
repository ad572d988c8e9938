/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_TARGET_H
#define PRESENCED_HTTP_TARGET_H

/* Splits the target of a request line. Pure function; any thread may call it. */

#include "presenced/str.h"

/* Returns path and query of a target in origin form (/path?query) or absolute form (http://host/path?query),
 * which servers must accept, too (RFC 9112, section 3.2.2). Both point into `target` and are still
 * percent-encoded. A missing path is "/" in the absolute form. The query begins after the first '?'; its ptr
 * is NULL if there is none. If `target.ptr` is NULL, so are both. */
void target_split(struct str target, struct str *ret_path, struct str *ret_query);

#endif
