/* SPDX-License-Identifier: MIT */
#include "connection.h"

#include <sys/socket.h>

struct str http_request_header(const struct http_request *request, const char *name, unsigned nth)
{
    const struct http_connection *connection = request->connection;
    return mhd_header(connection->loop->mhd, str_from(name), nth);
}

const char *http_request_client_problem(const struct http_request *request)
{
    const struct http_connection *connection = request->connection;
    return connection->transport.tls == NULL ? "client_ca is set, and the connection has no TLS"
                                             : tls_session_client_problem(connection->transport.tls);
}

bool http_request_peer_uid(const struct http_request *request, uid_t *ret_uid)
{
    const struct http_connection *connection = request->connection;
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t own_len = sizeof(own);
    struct ucred peer;
    socklen_t peer_len = sizeof(peer);
    int fd = connection->transport.watch.fd;
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 || own.ss_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) != 0) {
        return false;
    }
    *ret_uid = peer.uid;
    return true;
}
