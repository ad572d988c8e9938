/* SPDX-License-Identifier: MIT */
/* Socket activation: `listen = systemd` uses the sockets that the service manager keeps open and passes to
 * each process it starts. A socket belongs to the section of its name (FileDescriptorName= of its unit). */
#include "parts.h"

#include "presenced/log.h"
#include "presenced/setup.h"
#include "presenced/socket.h"

#include <errno.h>
#include <fcntl.h>

static bool wants_passed(const struct endpoint_list *list)
{
    bool wants = false;
    for (size_t i = 0; i < list->n; i++) {
        wants |= list->items[i].kind == ENDPOINT_SYSTEMD;
    }
    return wants;
}

static const struct endpoint_list *listen_of(const struct config *config, unsigned listener)
{
    return listener == CALLBACK_LISTENER ? &config->callback.listen : &config->status.listen;
}

static const struct config_lines *lines_of(const struct config *config, unsigned listener)
{
    return listener == CALLBACK_LISTENER ? &config->callback.lines : &config->status.lines;
}

/* The state of one call of start_activation(). */
struct passing {
    struct daemon *daemon;
    struct buf errors;
};

static void add_error(struct passing *passing, unsigned listener, const char *what)
{
    const struct config *config = passing->daemon->config;
    const char *name = daemon_listener_names[listener];
    config_append_place(&passing->errors, &config->files,
                        config_line(lines_of(config, listener), name, "listen"));
    buf_appendf(&passing->errors, ": [%s] listen: %s\n", name, what);
}

/* Returns the listener called `name` if it is configured to take passed sockets, else N_LISTENERS. */
static unsigned find_taker(const struct config *config, const char *name)
{
    unsigned listener = 0;
    while (listener < N_LISTENERS && (strcmp(name, daemon_listener_names[listener]) != 0 ||
                                      !wants_passed(listen_of(config, listener)))) {
        listener++;
    }
    return listener;
}

/* Makes the socket non-blocking: systemd passes blocking ones, and another thread may accept a connection
 * first. Returns false if it is not a usable listening socket. */
static bool prepare(int fd, struct endpoint *ret_endpoint)
{
    int flags = fcntl(fd, F_GETFL);
    return service_is_listening(fd) && flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           socket_endpoint(fd, ret_endpoint) == 0;
}

static size_t n_passed_to(const struct passed *passed, unsigned listener)
{
    size_t n = 0;
    for (size_t i = 0; i < passed->n; i++) {
        n += passed->items[i].listener == listener;
    }
    return n;
}

/* Includes the sockets that the daemon opens itself. */
static size_t n_sockets_of(const struct daemon *daemon, unsigned listener)
{
    const struct endpoint_list *list = listen_of(daemon->config, listener);
    size_t n = n_passed_to(&daemon->passed, listener);
    for (size_t i = 0; i < list->n; i++) {
        n += list->items[i].kind != ENDPOINT_SYSTEMD;
    }
    return n;
}

static void take(void *cls, int fd, const char *name)
{
    struct passing *passing = cls;
    struct passed *passed = &passing->daemon->passed;
    struct activation_socket socket = {.fd = fd, .listener = find_taker(passing->daemon->config, name)};
    if (socket.listener == N_LISTENERS) {
        log_warning("a passed socket is not used: no section of its name says listen = systemd",
                    log_text("name", name));
    } else if (!prepare(fd, &socket.endpoint)) {
        add_error(passing, socket.listener,
                  "what systemd passed is no listening stream socket of IPv4, IPv6 or Unix");
    } else if (n_sockets_of(passing->daemon, socket.listener) == CONFIG_N_LISTEN_MAX) {
        add_error(passing, socket.listener, "systemd passed too many sockets: there may be 16, with its own");
    } else {
        socket.endpoint.is_passed = true;
        passed->items[passed->n++] = socket;
        return;
    }
    (void)close(fd);
}

static void find_missing(struct passing *passing)
{
    const struct daemon *daemon = passing->daemon;
    for (unsigned i = 0; i < N_LISTENERS; i++) {
        if (wants_passed(listen_of(daemon->config, i)) && n_passed_to(&daemon->passed, i) == 0) {
            add_error(
                passing, i,
                "systemd passed no socket of this section's name: FileDescriptorName= in the socket unit gives it");
        }
    }
}

/* Lists the addresses a listener uses: those configured and those of passed sockets. The list is for
 * endpoints_fini(). Returns 0 or -ENOMEM. */
static int list_endpoints(const struct passed *passed, const struct config *config, unsigned listener,
                          struct endpoint_list *ret_list)
{
    const struct endpoint_list *from = listen_of(config, listener);
    struct endpoint_list list = {.items = calloc(from->n + passed->n, sizeof(*list.items))};
    if (list.items == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < from->n; i++) {
        if (from->items[i].kind != ENDPOINT_SYSTEMD) {
            list.items[list.n++] = from->items[i];
        }
    }
    for (size_t i = 0; i < passed->n; i++) {
        if (passed->items[i].listener == listener) {
            list.items[list.n++] = passed->items[i].endpoint;
        }
    }
    *ret_list = list;
    return 0;
}

static void endpoints_fini(struct endpoint_list *list)
{
    free(list->items);
}

int activation_check(const struct daemon *daemon, const struct config *config, struct buf *errors)
{
    cleanup(endpoints_fini) struct endpoint_list callback = {NULL, 0};
    cleanup(endpoints_fini) struct endpoint_list status = {NULL, 0};
    int r = list_endpoints(&daemon->passed, config, CALLBACK_LISTENER, &callback);
    if (r < 0) {
        return r;
    }
    r = list_endpoints(&daemon->passed, config, STATUS_LISTENER, &status);
    return r < 0 ? r : config_check_endpoints(config, &callback, &status, errors);
}

/* Returns 0 or -errno. In both cases there may be lines in `passing->errors`. */
static int take_all(struct passing *passing)
{
    struct buf *errors = &passing->errors;
    int r = service_each_passed(take, passing);
    if (r < 0 || errors->len > 0) {
        return errors->failed ? -ENOMEM : r;
    }
    find_missing(passing);
    if (errors->len == 0) {
        r = activation_check(passing->daemon, passing->daemon->config, errors);
    }
    return errors->failed ? -ENOMEM : r;
}

int start_activation(struct daemon *daemon)
{
    struct passing passing = {.daemon = daemon};
    int r = take_all(&passing);
    if (r != -ENOMEM && passing.errors.len > 0) {
        setup_log_lines(LOG_LEVEL_ERROR, &passing.errors);
        r = START_MISCONFIGURED;
    }
    buf_fini(&passing.errors);
    return r;
}

void stop_activation(struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->passed.n; i++) {
        cleanup_closep(&daemon->passed.items[i].fd);
    }
}
