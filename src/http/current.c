/* SPDX-License-Identifier: MIT */
/* Whose request libmicrohttpd is working on when it says that it refuses one: it does not say whose.
 *
 * Over TLS all connections share a daemon (without, see mhd_loop.h). Most of the time it is the one that
 * asked for bytes, or called us, last. But of a record that is larger than its buffer the library reads the
 * rest from GnuTLS, later and without asking us; so the connections that have such a rest are kept in a list,
 * with what they had left when somebody asked last: the one that has less now has been read since. */
#include "worker.h"

static void remember_rests(struct http_worker *worker)
{
    for (struct http_connection *one = worker->half_read; one != NULL; one = one->next_half_read) {
        one->n_rest_bytes = tls_session_n_rest_bytes(one->tls);
    }
}

static void begin_half_read(struct http_connection *connection)
{
    if (!connection->is_half_read) {
        connection->is_half_read = true;
        connection->next_half_read = connection->worker->half_read;
        connection->worker->half_read = connection;
    }
}

static void look_at_last(struct http_worker *worker)
{
    struct http_connection *last = worker->last_read;
    if (last != NULL && tls_session_n_rest_bytes(last->tls) > 0) {
        begin_half_read(last);
    }
}

void http_current_set(struct http_connection *connection)
{
    struct http_worker *worker = connection->worker;
    if (worker->last_read != connection) {
        look_at_last(worker);
        worker->last_read = connection;
    }
    remember_rests(worker);
}

void http_current_end_round(struct http_worker *worker)
{
    struct http_connection **link = &worker->half_read;
    look_at_last(worker);
    worker->last_read = NULL;
    remember_rests(worker);
    while (*link != NULL) {
        struct http_connection *connection = *link;
        if (connection->n_rest_bytes == 0) {
            *link = connection->next_half_read;
            connection->is_half_read = false;
        } else {
            link = &connection->next_half_read;
        }
    }
}

struct http_connection *http_current(struct http_worker *worker)
{
    look_at_last(worker);
    for (struct http_connection *one = worker->half_read; one != NULL; one = one->next_half_read) {
        if (tls_session_n_rest_bytes(one->tls) != one->n_rest_bytes) {
            return one;
        }
    }
    return worker->last_read;
}

void http_current_forget(struct http_connection *connection)
{
    struct http_connection **link = &connection->worker->half_read;
    if (connection->worker->last_read == connection) {
        connection->worker->last_read = NULL;
    }
    while (connection->is_half_read && *link != NULL) {
        if (*link == connection) {
            *link = connection->next_half_read;
            connection->is_half_read = false;
        } else {
            link = &(*link)->next_half_read;
        }
    }
}
