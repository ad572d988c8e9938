/* SPDX-License-Identifier: MIT */
/* The control socket, whose orders the main thread carries out. It has a listener of its own, so that load
 * on the other listeners cannot delay an order. */
#include "parts.h"

#include "presenced/clock.h"
#include "presenced/control.h"
#include "signals.h"

#include <errno.h>
#include <stdio.h>

#define CONTROL_CONNECTION_MEMORY_BYTES ((size_t)8 * 1024)
#define CONTROL_IDLE_TIMEOUT_MS 75000

/* Long enough for a reload that waits for slow files. */
#define CONTROL_REQUEST_TIMEOUT_MS 60000

static const char socket_name[] = "control.sock";

/* Returns false if there is no address for the control socket. */
static bool find_endpoint(const struct config *config, struct endpoint *ret_endpoint)
{
    const char *folders = getenv("RUNTIME_DIRECTORY");
    char text[ENDPOINT_TEXT_SIZE];
    if (config->control.listen.n > 0) {
        *ret_endpoint = config->control.listen.items[0];
        return true;
    }
    if (folders == NULL || folders[0] == '\0') {
        return false;
    }
    int len = (int)strcspn(folders, ":"); /* colons separate several folders; the first is used */
    int n = snprintf(text, sizeof(text), "unix:%.*s/%s", len, folders, socket_name);
    if (n >= (int)sizeof(text) || !endpoint_parse(str_from(text), ret_endpoint)) {
        log_warning("no control socket: what RUNTIME_DIRECTORY names is no folder for one",
                    log_text("folder", folders));
        return false;
    }
    return true;
}

static void wake(void *cls)
{
    struct daemon *daemon = cls;
    signals_wake(daemon->main_thread);
}

static int bind_socket(struct daemon *daemon, const struct endpoint *endpoint)
{
    char text[ENDPOINT_TEXT_SIZE];
    int fd = -1;
    endpoint_format(endpoint, text);
    int r = socket_listen(endpoint, SOCKET_MODE_OWNER, &daemon->control_file, &fd);
    if (r < 0) {
        log_error("cannot listen", log_text("address", text), log_errno("error", r));
        return r;
    }
    log_notice("listening", log_text("listener", "control"), log_text("address", text));
    return transport_listener_add_socket(http_listener_transport(daemon->control_listener), fd, false);
}

int start_control(struct daemon *daemon)
{
    struct endpoint endpoint;
    if (!find_endpoint(daemon->config, &endpoint)) {
        return 0;
    }
    int r = control_new(&(struct control_config){.uid = geteuid(), .wake = wake, .wake_cls = daemon},
                        &daemon->control);
    if (r < 0) {
        return r;
    }
    const struct http_config http = {
        .handler = control_handler(),
        .handler_cls = daemon->control,
        .max_body_bytes = CONTROL_MAX_BODY_BYTES,
        .connection_memory_bytes = CONTROL_CONNECTION_MEMORY_BYTES,
    };
    const struct transport_config transport = {
        .name = "control",
        .n_threads = CONTROL_THREADS,
        .max_connections = CONTROL_MAX_CONNECTIONS,
        .idle_timeout_ms = CONTROL_IDLE_TIMEOUT_MS,
        .request_timeout_ms = CONTROL_REQUEST_TIMEOUT_MS,
    };
    r = http_listener_new(&transport, &http, &daemon->control_listener);
    if (r < 0) {
        return r;
    }
    r = bind_socket(daemon, &endpoint);
    if (r < 0) {
        return r;
    }
    return transport_listener_start(http_listener_transport(daemon->control_listener));
}

void stop_control(struct daemon *daemon)
{
    socket_file_remove(&daemon->control_file);
    http_listener_free(daemon->control_listener);
    daemon->control_listener = NULL;
    control_free(daemon->control);
    daemon->control = NULL;
}

void close_control(struct daemon *daemon)
{
    if (daemon->control == NULL) {
        return;
    }
    struct transport_listener *transport = http_listener_transport(daemon->control_listener);
    control_close(daemon->control);
    http_listener_wake(daemon->control_listener);
    transport_listener_drain(transport);
    transport_listener_pause(transport);
    socket_file_remove(&daemon->control_file);
}

static void drain(struct daemon *daemon)
{
    if (daemon->drained_ms == 0) { /* otherwise it is stopping, or already draining */
        begin_draining(daemon);
        warnings_raise(daemon->warnings, WARNING_DRAINING, 0,
                       "it was told to drain: load balancers send nothing here until it is restarted",
                       clock_monotonic_ms());
    }
}

/* The client waits until Tencent answers, and so do later orders. Frees `question`. */
static enum control_outcome ask(struct daemon *daemon, struct control_question *question, struct buf *lines)
{
    daemon->is_inquiring = begin_inquiry(daemon, question, lines);
    free(question);
    return daemon->is_inquiring ? CONTROL_DONE : CONTROL_REFUSED;
}

/* Carries out an order. `lines` receives the text for the client that gave it. */
static enum control_outcome carry_out(struct daemon *daemon, const struct control_order *order,
                                      struct buf *lines)
{
    switch (order->kind) {
    case CONTROL_RELOAD:
        return reload(daemon, lines) ? CONTROL_DONE : CONTROL_REFUSED;
    case CONTROL_DRAIN:
        drain(daemon);
        return CONTROL_DONE;
    case CONTROL_LOG_LEVEL:
        set_log_level(daemon, order->level);
        return CONTROL_DONE;
    case CONTROL_ASK:
        return ask(daemon, order->question, lines);
    }
    return CONTROL_REFUSED;
}

static void settle(struct daemon *daemon, enum control_outcome outcome, const struct buf *lines)
{
    control_settle(daemon->control, outcome, lines->failed ? STR("") : buf_str(lines));
    http_listener_wake(daemon->control_listener);
}

void carry_out_order(struct daemon *daemon)
{
    struct control_order order;
    cleanup(buf_fini) struct buf lines = {0};
    if (daemon->control == NULL) {
        return;
    }
    if (daemon->is_inquiring && end_inquiry(daemon, &lines)) {
        daemon->is_inquiring = false;
        settle(daemon, lines.len > 0 ? CONTROL_DONE : CONTROL_REFUSED, &lines);
        return;
    }
    if (!control_take(daemon->control, &order)) {
        return;
    }
    enum control_outcome outcome = carry_out(daemon, &order, &lines);
    if (!daemon->is_inquiring) {
        settle(daemon, outcome, &lines);
    }
}
