/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_FORWARDED_H
#define PRESENCED_CALLBACK_FORWARDED_H

/* Determines the client's address behind trusted proxies. Each proxy appends the address from which it
 * received the request to X-Forwarded-For, so the list is evaluated from the right, as long as the elements
 * were added by trusted proxies. Any thread may call everything here. */

#include "presenced/address.h"

#define FORWARDED_HOPS_MAX 32 /* elements examined, including empty ones */

/* Returns the right-most address of the list that is not in a `trusted` network, if `peer` is in one;
 * otherwise returns `peer`. `values` are the values of the headers in the order received; addresses may carry
 * a port. Evaluation stops at an element that is not an address, or after FORWARDED_HOPS_MAX elements, and
 * returns the last valid address. The peer of a Unix socket has no address; it is trusted if there is any
 * trusted network. */
struct address forwarded_client(const struct address *peer, const struct str *values, size_t n_values,
                                const struct network *trusted, size_t n_trusted);

#endif
