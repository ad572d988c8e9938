/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_FORWARDED_H
#define PRESENCED_CALLBACK_FORWARDED_H

/* Who called, where trusted proxies stand between: each adds the address that it got the request from to the
 * right end of X-Forwarded-For, so the list is believed from there, as far as it was written by proxies that
 * are trusted. Any thread may call everything here. */

#include "presenced/address.h"

#define FORWARDED_HOPS_MAX 32 /* elements looked at, empty ones too */

/* The right-most address of the list that is none of the `trusted` networks', where `peer` is one of them;
 * `peer` itself where it is not. `values` are those of the headers, in the order they were sent; addresses
 * may carry a port. What is no address ends the list: the one to its right is as far as it can be believed,
 * as is the last of FORWARDED_HOPS_MAX. The peer of a Unix socket has no address and is trusted where anybody
 * is. */
struct address forwarded_client(const struct address *peer, const struct str *values, size_t n_values,
                                const struct network *trusted, size_t n_trusted);

#endif
