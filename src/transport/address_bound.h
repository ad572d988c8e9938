/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_ADDRESS_BOUND_H
#define PRESENCED_HTTP_ADDRESS_BOUND_H

/* How many connections each address has open, and no more than so many. Any thread. */

#include "presenced/address.h"

struct address_bound;

/* At most `max_each` connections an address, `max_all` in all (which bounds the memory). 0 or -ENOMEM. */
int address_bound_new(unsigned max_each, unsigned max_all, struct address_bound **ret_bound);
void address_bound_free(struct address_bound *bound);
DEFINE_CLEANUP(struct address_bound *, address_bound_free)

/* Counts one more connection; false when the address has its share. IPv6 addresses are counted by their /64,
 * which is what one customer of a network gets. */
bool address_bound_add(struct address_bound *bound, const struct address *address);

/* Takes back what address_bound_add() has counted. */
void address_bound_remove(struct address_bound *bound, const struct address *address);

#endif
