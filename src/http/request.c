/* SPDX-License-Identifier: MIT */
#include "presenced/request.h"

#include "connection.h"
#include "mhd_adapter.h"

struct str http_request_header(const struct http_request *request, const char *name, unsigned nth)
{
    const struct http_connection *connection = request->connection;
    return mhd_connection_header(connection, str_from(name), nth);
}

bool http_request_has_client_certificate(const struct http_request *request)
{
    const struct http_connection *connection = request->connection;
    return connection->tls != NULL && tls_session_has_client_certificate(connection->tls);
}
