/* SPDX-License-Identifier: MIT */
#include "peers.h"

bool peer_is_trusted(struct transport_shared *shared, const struct address *peer)
{
    bool trusted = peer->len == 0; /* a Unix socket */
    (void)pthread_rwlock_rdlock(&shared->trusted_lock);
    for (size_t i = 0; i < shared->trusted_proxies->n; i++) {
        trusted |= network_contains(&shared->trusted_proxies->items[i], peer);
    }
    (void)pthread_rwlock_unlock(&shared->trusted_lock);
    return trusted;
}

bool peer_count_connection(struct transport_connection *connection)
{
    struct transport_shared *shared = worker_of(connection)->shared;
    if (shared->addresses == NULL || peer_is_trusted(shared, &connection->peer)) {
        return true;
    }
    connection->is_bounded = address_bound_add(shared->addresses, &connection->peer);
    return connection->is_bounded;
}
