/* SPDX-License-Identifier: MIT */
#include "presenced/request.h"

#include "connection.h"

struct header_search {
    struct str name;
    unsigned left;
    struct str found;
};

static enum MHD_Result visit_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                    const char *value, size_t value_size)
{
    struct header_search *search = cls;
    (void)kind;
    if (!str_equal_fold((struct str){key, key_size}, search->name)) {
        return MHD_YES;
    }
    if (search->left-- > 0) {
        return MHD_YES;
    }
    search->found = (struct str){value == NULL ? "" : value, value_size};
    return MHD_NO;
}

struct str http_request_header(const struct http_request *request, const char *name, unsigned nth)
{
    struct http_connection *connection = request->connection;
    struct header_search search = {.name = str_from(name), .left = nth};
    (void)MHD_get_connection_values_n(connection->mhd, MHD_HEADER_KIND, visit_header, &search);
    return search.found;
}

bool http_request_has_client_certificate(const struct http_request *request)
{
    struct http_connection *connection = request->connection;
    return connection->tls != NULL && tls_session_has_client_certificate(connection->tls);
}
