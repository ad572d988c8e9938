/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_HOST_H
#define PRESENCED_STATUS_HOST_H

/* Checks the Host header, as a defence against DNS rebinding: a web page whose own name was made to resolve
 * to this machine sends that name in Host. Any thread may call this. */

#include "presenced/str.h"

/* Returns whether `host`, the value of a Host header, is localhost, an IP literal (IPv6 in brackets) or one
 * of `names`. Case and port are ignored. */
bool host_is_allowed(struct str host, const struct str *names, size_t n_names);

#endif
