/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include "presenced/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

struct wire {
    int fd;
    SSL *ssl; /* NULL: plain */
};

struct wire *wire_open(uint16_t port)
{
    struct wire *wire = calloc(1, sizeof(*wire));
    ck_assert_ptr_nonnull(wire);
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_msg(wire->fd >= 0, "socket: %s", strerror(errno));
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int r = connect(wire->fd, (struct sockaddr *)&address, sizeof(address));
    ck_assert_msg(r == 0, "connect: %s", strerror(errno));
    (void)setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    ck_assert_int_eq(fcntl(wire->fd, F_SETFL, O_NONBLOCK), 0);
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes where the daemon may have closed */
    return wire;
}

void wire_free(struct wire *wire)
{
    if (wire == NULL) {
        return;
    }
    SSL_free(wire->ssl);
    (void)close(wire->fd);
    free(wire);
}

int wire_fd(const struct wire *wire)
{
    return wire->fd;
}

SSL *wire_ssl(const struct wire *wire)
{
    return wire->ssl;
}

static bool wait_for(const struct wire *wire, short events, uint64_t deadline_ms)
{
    uint64_t now_ms = clock_monotonic_ms();
    struct pollfd poll_fd = {.fd = wire->fd, .events = events};
    return now_ms < deadline_ms && poll(&poll_fd, 1, (int)(deadline_ms - now_ms)) > 0;
}

/* TLS. */

static SSL_CTX *make_context(const struct sandbox *sandbox, const struct wire_tls *options)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    ck_assert_ptr_nonnull(context);
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/ca.pem", sandbox_path(sandbox));
    ck_assert_int_eq(SSL_CTX_load_verify_locations(context, path, NULL), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    /* Security level 0 lets OpenSSL offer TLS 1.1, so that it is the daemon that refuses. */
    SSL_CTX_set_security_level(context, 0);
    ck_assert_int_eq(SSL_CTX_set_min_proto_version(context, options->min_version), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(context, options->max_version), 1);
    if (options->certificate != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s.pem", sandbox_path(sandbox), options->certificate);
        ck_assert_int_eq(SSL_CTX_use_certificate_file(context, path, SSL_FILETYPE_PEM), 1);
        (void)snprintf(path, sizeof(path), "%s/%s.key", sandbox_path(sandbox), options->certificate);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM), 1);
    }
    return context;
}

/* Waits for what OpenSSL needs after `result`. False when that is nothing: the connection is over. */
static bool wait_for_ssl(struct wire *wire, int result, uint64_t deadline_ms)
{
    switch (SSL_get_error(wire->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return wait_for(wire, POLLIN, deadline_ms);
    case SSL_ERROR_WANT_WRITE:
        return wait_for(wire, POLLOUT, deadline_ms);
    default:
        return false;
    }
}

void wire_prepare_tls(struct wire *wire, const struct sandbox *sandbox, const struct wire_tls *options)
{
    SSL_CTX *context = make_context(sandbox, options);
    wire->ssl = SSL_new(context);
    SSL_CTX_free(context);
    ck_assert_ptr_nonnull(wire->ssl);
    ck_assert_int_eq(SSL_set_fd(wire->ssl, wire->fd), 1);
    if (options->algorithms != NULL) {
        ck_assert_int_eq(SSL_set1_sigalgs_list(wire->ssl, options->algorithms), 1);
    }
    if (options->groups != NULL) {
        ck_assert_int_eq(SSL_set1_groups_list(wire->ssl, options->groups), 1);
    }
    if (options->server_name != NULL) {
        ck_assert_int_eq(SSL_set_tlsext_host_name(wire->ssl, options->server_name), 1);
    }
    if (options->session != NULL) {
        ck_assert_int_eq(SSL_set_session(wire->ssl, options->session), 1);
    }
}

bool wire_shake_hands(struct wire *wire)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    int result;
    while ((result = SSL_connect(wire->ssl)) != 1) {
        if (!wait_for_ssl(wire, result, deadline_ms)) {
            return false;
        }
    }
    return true;
}

bool wire_start_tls(struct wire *wire, const struct sandbox *sandbox, const struct wire_tls *options)
{
    wire_prepare_tls(wire, sandbox, options);
    return wire_shake_hands(wire);
}

/* Bytes. */

/* Sends some; 0 when none could be, -1 when the connection is over. */
static ssize_t send_some(struct wire *wire, struct str bytes, uint64_t deadline_ms)
{
    if (wire->ssl != NULL) {
        int n = SSL_write(wire->ssl, bytes.ptr, (int)bytes.len);
        return n > 0 ? n : wait_for_ssl(wire, n, deadline_ms) ? 0 : -1;
    }
    ssize_t n = send(wire->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
    if (n >= 0) {
        return n;
    }
    return (errno == EAGAIN || errno == EINTR) && wait_for(wire, POLLOUT, deadline_ms) ? 0 : -1;
}

bool wire_send(struct wire *wire, struct str bytes)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (bytes.len > 0) {
        ssize_t n = send_some(wire, bytes, deadline_ms);
        if (n < 0) {
            return false;
        }
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
    return true;
}

bool wire_send_text(struct wire *wire, const char *text)
{
    return wire_send(wire, str_from(text));
}

enum read_result {
    READ_BYTES,
    READ_NOTHING, /* the deadline has passed */
    READ_END,
};

static enum read_result read_plain(struct wire *wire, char *bytes, size_t size, uint64_t deadline_ms,
                                   size_t *ret_n)
{
    if (!wait_for(wire, POLLIN, deadline_ms)) {
        return READ_NOTHING;
    }
    ssize_t n = recv(wire->fd, bytes, size, 0);
    *ret_n = n > 0 ? (size_t)n : 0;
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ? READ_BYTES : READ_END;
}

static enum read_result read_tls(struct wire *wire, char *bytes, size_t size, uint64_t deadline_ms,
                                 size_t *ret_n)
{
    int n = SSL_read(wire->ssl, bytes, (int)size);
    *ret_n = n > 0 ? (size_t)n : 0;
    if (n > 0 || wait_for_ssl(wire, n, deadline_ms)) {
        return READ_BYTES;
    }
    return SSL_get_error(wire->ssl, n) == SSL_ERROR_WANT_READ ? READ_NOTHING : READ_END;
}

static enum read_result read_some(struct wire *wire, uint64_t deadline_ms, struct buf *out)
{
    static const size_t size = 16384;
    char *bytes = buf_reserve(out, size);
    ck_assert_ptr_nonnull(bytes);
    size_t n = 0;
    enum read_result result = wire->ssl != NULL ? read_tls(wire, bytes, size, deadline_ms, &n)
                                                : read_plain(wire, bytes, size, deadline_ms, &n);
    out->len += n;
    return result;
}

enum wire_end wire_read_to_end(struct wire *wire, uint64_t timeout_ms, struct buf *out)
{
    uint64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    enum read_result result;
    while ((result = read_some(wire, deadline_ms, out)) == READ_BYTES) {}
    return result == READ_END ? WIRE_CLOSED : WIRE_OPEN;
}

bool wire_receive(struct wire *wire, struct buf *out)
{
    enum read_result result = read_some(wire, clock_monotonic_ms() + HARNESS_DEADLINE_MS, out);
    ck_assert_msg(result != READ_NOTHING, "nothing more came after: %s", buf_text(out));
    return result == READ_BYTES;
}

void wire_await(struct wire *wire, const char *text, struct buf *out)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (strstr(buf_text(out), text) == NULL) {
        ck_assert_msg(read_some(wire, deadline_ms, out) == READ_BYTES, "no \"%s\" but: %s", text,
                      buf_text(out));
    }
}
