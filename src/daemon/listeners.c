/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/log.h"
#include "presenced/socket.h"

#include <assert.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

/* The status listener has few clients: one thread is enough, and its limits are fixed. */
#define STATUS_THREADS 1
#define STATUS_IDLE_TIMEOUT_MS 75000
#define STATUS_REQUEST_TIMEOUT_MS 10000
#define STATUS_STREAM_TIMEOUT_MS 30000

/* Memory of a connection, all of which becomes resident and is cleared by libmicrohttpd for each request.
 * The heads of callbacks are well below 1 KiB; those of browsers, with their cookies, are larger. */
#define CALLBACK_CONNECTION_MEMORY_BYTES ((size_t)8 * 1024)
#define STATUS_CONNECTION_MEMORY_BYTES ((size_t)16 * 1024)

static_assert(CONFIG_N_LISTEN_MAX <= TRANSPORT_N_SOCKETS_MAX, "there is room for all configured sockets");

const char *const daemon_listener_names[N_LISTENERS] = {"callback", "status"};

static struct transport_listener *transport_of(const struct daemon *daemon, unsigned which)
{
    return http_listener_transport(daemon->listeners[which]);
}

static int bind_endpoint(struct daemon *daemon, struct transport_listener *listener,
                         const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT_SIZE];
    int fd = -1;
    int r = socket_listen(endpoint, SOCKET_MODE_GROUP, &daemon->socket_files[daemon->n_socket_files], &fd);
    if (r < 0) {
        endpoint_format(endpoint, text);
        log_error("cannot listen", log_text("address", text), log_errno("error", r));
        return r;
    }
    daemon->n_socket_files++;
    return transport_listener_add_socket(listener, fd, false);
}

static int add_passed(struct daemon *daemon, unsigned which)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < daemon->passed.n; i++) {
        struct activation_socket *socket = &daemon->passed.items[i];
        if (socket->listener == which) {
            r = transport_listener_add_socket(transport_of(daemon, which), take_fd(&socket->fd), true);
        }
    }
    return r;
}

static int make_listener(struct daemon *daemon, unsigned which, const struct transport_config *transport,
                         const struct http_config *http, const struct endpoint_list *endpoints)
{
    int r = http_listener_new(transport, http, &daemon->listeners[which]);
    for (size_t i = 0; r == 0 && i < endpoints->n; i++) {
        if (endpoints->items[i].kind != ENDPOINT_SYSTEMD) {
            r = bind_endpoint(daemon, transport_of(daemon, which), &endpoints->items[i]);
        }
    }
    return r == 0 ? add_passed(daemon, which) : r;
}

/* Returns the number of cores this process may use, which a container or taskset may restrict; 1 to 256. */
static unsigned n_cores(void)
{
    cpu_set_t cores;
    long n = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores)
                                                              : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 256 ? 256 : (unsigned)n;
}

static int make_callback_listener(struct daemon *daemon)
{
    const struct config_callback *from = &daemon->config->callback;
    const struct http_config http = {
        .handler = callback_handler(),
        .handler_cls = daemon->callback,
        .max_body_bytes = from->max_body_bytes,
        .connection_memory_bytes = CALLBACK_CONNECTION_MEMORY_BYTES,
    };
    const struct transport_config transport = {
        .name = daemon_listener_names[CALLBACK_LISTENER],
        .tls = daemon->tls[CALLBACK_LISTENER],
        .n_threads = n_cores(),
        .max_connections = daemon->max_connections[CALLBACK_LISTENER],
        .max_connections_per_address = (unsigned)from->max_connections_per_address,
        .trusted_proxies = from->trusted_proxies.items,
        .n_trusted_proxies = from->trusted_proxies.n,
        .takes_proxy_header = from->proxy_protocol == CONFIG_PROXY_PROTOCOL_V2,
        .idle_timeout_ms = from->idle_timeout_ms,
        .request_timeout_ms = from->request_timeout_ms,
    };
    return make_listener(daemon, CALLBACK_LISTENER, &transport, &http, &from->listen);
}

static int make_status_listener(struct daemon *daemon)
{
    const struct http_config http = {
        .handler = status_handler(),
        .handler_cls = daemon->status,
        .max_body_bytes = STATUS_MAX_BODY_BYTES,
        .connection_memory_bytes = STATUS_CONNECTION_MEMORY_BYTES,
    };
    const struct transport_config transport = {
        .name = daemon_listener_names[STATUS_LISTENER],
        .tls = daemon->tls[STATUS_LISTENER],
        .n_threads = STATUS_THREADS,
        .max_connections = daemon->max_connections[STATUS_LISTENER],
        .idle_timeout_ms = STATUS_IDLE_TIMEOUT_MS,
        .request_timeout_ms = STATUS_REQUEST_TIMEOUT_MS,
        .stream_timeout_ms = STATUS_STREAM_TIMEOUT_MS,
    };
    return make_listener(daemon, STATUS_LISTENER, &transport, &http, &daemon->config->status.listen);
}

unsigned n_listener_threads(void)
{
    return n_cores() + STATUS_THREADS;
}

static void log_listening(const struct transport_listener *listener, const char *name)
{
    char text[ENDPOINT_TEXT_SIZE];
    struct endpoint endpoint;
    for (unsigned i = 0; i < transport_listener_n_sockets(listener); i++) {
        if (socket_endpoint(transport_listener_socket(listener, i), &endpoint) == 0) {
            endpoint_format(&endpoint, text);
            log_notice("listening", log_text("listener", name), log_text("address", text));
        }
    }
}

/* Sets whether other threads may wake the listeners. */
static void set_may_wake(struct daemon *daemon, bool may_wake)
{
    (void)pthread_mutex_lock(&daemon->wake_lock);
    daemon->may_wake = may_wake;
    (void)pthread_mutex_unlock(&daemon->wake_lock);
}

void wake_waiting_answers(struct daemon *daemon)
{
    (void)pthread_mutex_lock(&daemon->wake_lock);
    if (daemon->may_wake) {
        http_listener_wake(daemon->listeners[CALLBACK_LISTENER]);
    }
    (void)pthread_mutex_unlock(&daemon->wake_lock);
}

void wake_streams(struct daemon *daemon)
{
    (void)pthread_mutex_lock(&daemon->wake_lock);
    if (daemon->may_wake) {
        http_listener_wake_streams(daemon->listeners[STATUS_LISTENER]);
    }
    (void)pthread_mutex_unlock(&daemon->wake_lock);
}

/* Binds all sockets before the first request is served, so that a failed start has served none. */
int start_listeners(struct daemon *daemon)
{
    int r = make_callback_listener(daemon);
    if (r != 0) {
        return r;
    }
    r = make_status_listener(daemon);
    if (r != 0) {
        return r;
    }
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        r = transport_listener_start(transport_of(daemon, i));
        if (r != 0) {
            return r;
        }
    }
    set_may_wake(daemon, true);
    wake_waiting_answers(daemon); /* earlier calls had no effect */
    wake_streams(daemon);
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        log_listening(transport_of(daemon, i), daemon_listener_names[i]);
    }
    return 0;
}

static void remove_socket_files(struct daemon *daemon)
{
    while (daemon->n_socket_files > 0) {
        socket_file_remove(&daemon->socket_files[--daemon->n_socket_files]);
    }
}

/* Frees the status listener first, because its replies show the counters of the other. */
void stop_listeners(struct daemon *daemon)
{
    set_may_wake(daemon, false);
    remove_socket_files(daemon);
    for (unsigned i = N_LISTENERS; i-- > 0;) {
        http_listener_free(daemon->listeners[i]);
        daemon->listeners[i] = NULL;
    }
}

void begin_draining(struct daemon *daemon)
{
    if (daemon->drained_ms != 0) {
        return;
    }
    daemon->drained_ms = clock_monotonic_ms();
    atomic_store(&daemon->readiness, STATUS_DRAINING);
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        transport_listener_drain(http_listener_transport(daemon->listeners[i]));
    }
    log_notice("draining");
}

void pause_listeners(struct daemon *daemon)
{
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        transport_listener_pause(transport_of(daemon, i));
    }
    remove_socket_files(daemon);
}

/* Waits in short steps, between which the watchdog is served. */
static void await_idle(struct daemon *daemon, struct transport_listener *listener, uint64_t until_ms)
{
    uint64_t now_ms;
    uint64_t step_ms;
    do {
        now_ms = clock_monotonic_ms();
        uint64_t look_ms = watchdog_look(daemon, now_ms);
        uint64_t next_ms = look_ms < until_ms ? look_ms : until_ms;
        step_ms = next_ms > now_ms ? next_ms - now_ms : 0;
    } while (!transport_listener_wait_idle(listener, step_ms) && now_ms < until_ms);
}

void drain_listeners(struct daemon *daemon)
{
    uint64_t until_ms = clock_monotonic_ms() + daemon->config->callback.request_timeout_ms;
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        await_idle(daemon, transport_of(daemon, i), until_ms);
    }
    if (daemon->control_listener != NULL) {
        await_idle(daemon, http_listener_transport(daemon->control_listener), until_ms);
    }
}
