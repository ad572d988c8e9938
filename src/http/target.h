/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_TARGET_H
#define PRESENCED_HTTP_TARGET_H

/* The target of a request line, taken apart. Pure; any thread. */

#include "presenced/str.h"

/* Path and query of a target in origin form (/path?query) or absolute form (http://host/path?query), which a
 * server has to take too (RFC 9112, section 3.2.2). Both point into `target`, still percent-encoded; a path
 * that is not there is "/" in the absolute form. The query begins behind the first '?'; its ptr is NULL where
 * there is none. Where `target.ptr` is NULL, both are. */
void target_split(struct str target, struct str *ret_path, struct str *ret_query);

#endif
