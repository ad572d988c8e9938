/* SPDX-License-Identifier: MIT */
/* Requests whose answers are pending because the outcome is not certain yet (an event is OK once it is
 * durable). Uses the mechanism of libmicrohttpd: the connection is suspended in its handler; when it is
 * resumed, the handler is called again and queues the reply. */
#include "connection.h"

static struct http_connection *connection_of(struct waiter *waiter)
{
    return (struct http_connection *)(void *)((char *)waiter -
                                              offsetof(struct http_connection, answer_waiter));
}

void waiting_begin(struct http_connection *connection)
{
    struct http_worker *worker = http_worker_of(connection);
    connection->exchange.stage = EXCHANGE_WAIT;
    wait_join(&worker->waiting, &connection->answer_waiter, worker->transport->now_ms);
    transport_count(&worker->counters.n_waiting);
    mhd_suspend(connection->loop->mhd);
}

void waiting_end(struct http_connection *connection)
{
    if (connection->answer_waiter.next == NULL) {
        return;
    }
    wait_leave(&connection->answer_waiter);
    http_count_down(&http_worker_of(connection)->counters.n_waiting);
    mhd_loop_resume(connection->loop);
}

void waiting_answer(struct http_worker *worker)
{
    const struct http_config *config = worker->config;
    struct waiter *waiter = NULL;
    if (wait_first(&worker->waiting) == NULL) {
        return; /* avoids the fence; only this thread adds to the queue */
    }
    /* Either this thread sees the state that has changed meanwhile, or http_listener_wake() sees the pending
     * request. */
    atomic_thread_fence(memory_order_seq_cst);
    while ((waiter = wait_first(&worker->waiting)) != NULL) {
        struct http_connection *connection = connection_of(waiter);
        struct http_reply *reply = config->handler->on_resume(config->handler_cls,
                                                              &connection->exchange.request);
        if (reply == http_reply_later()) {
            return;
        }
        connection->exchange.reply = reply;
        waiting_end(connection);
    }
}
