/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_ADDRESS_BOUND_H
#define PRESENCED_HTTP_ADDRESS_BOUND_H

/* Limits the number of open connections per address. Any thread may call everything here. */

#include "presenced/address.h"

struct address_bound;

/* At most `max_each` connections per address and `max_all` in total, which limits the memory. Returns 0 or
 * -ENOMEM. */
int address_bound_new(unsigned max_each, unsigned max_all, struct address_bound **ret_bound);
void address_bound_free(struct address_bound *bound);
DEFINE_CLEANUP(struct address_bound *, address_bound_free)

/* Counts one more connection. Returns false if the address has reached its limit. IPv6 addresses are counted
 * by /64 prefix, which is what a provider assigns to one customer. */
bool address_bound_add(struct address_bound *bound, const struct address *address);

/* Reverts a successful address_bound_add(). */
void address_bound_remove(struct address_bound *bound, const struct address *address);

#endif
