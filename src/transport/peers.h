/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_PEERS_H
#define PRESENCED_TRANSPORT_PEERS_H

/* How a listener treats the peer of a connection. */

#include "worker.h"

/* Returns whether the peer is in transport_config.trusted_proxies or is the peer of a Unix socket. */
bool peer_is_trusted(struct transport_shared *shared, const struct address *peer);

/* Counts a connection by its peer's address. Returns false if the address has reached its limit. */
bool peer_count_connection(struct transport_connection *connection);

#endif
