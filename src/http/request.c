/* SPDX-License-Identifier: MIT */
#include "connection.h"

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
