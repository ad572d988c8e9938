/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_HOST_H
#define PRESENCED_STATUS_HOST_H

/* The Host header as a guard: a web page whose own name was made to resolve to this machine (DNS rebinding)
 * cannot help naming itself there. Any thread. */

#include "presenced/str.h"

/* Whether `host`, a Host header's value, names localhost, an IP literal (IPv6 in brackets) or one of `names`,
 * without regard to case or port. */
bool host_is_allowed(struct str host, const struct str *names, size_t n_names);

#endif
