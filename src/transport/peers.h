/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TRANSPORT_PEERS_H
#define PRESENCED_TRANSPORT_PEERS_H

/* Who a connection's peer is to its listener. */

#include "worker.h"

/* One of transport_config.trusted_proxies, or a Unix socket's peer. */
bool peer_is_trusted(struct transport_shared *shared, const struct address *peer);

/* Counts a connection by its peer's address; false when that has its share already. */
bool peer_take_share(struct transport_connection *connection);

#endif
