/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The layout of the header:
 *
 *   0  signature, 12 bytes
 *  12  version (2) | command: 0 LOCAL, 1 PROXY
 *  13  family: 0 unspecified, 1 IPv4, 2 IPv6, 3 Unix | transport: 0 unspecified, 1 stream, 2 datagram
 *  14  length of all that follows, big-endian
 *  16  source, destination, their ports; then TLVs
 *
 * It is read as it arrives, and not a byte more: what follows belongs to TLS or HTTP. */
/* clang-format on */
#include "proxy_header.h"

#include "peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static const struct str signature = {"\r\n\r\n\0\r\nQUIT\n", 12};
static const struct str version_1 = {"PROXY ", 6};

#define FIXED_BYTES 16
#define INET_BYTES 12
#define INET6_BYTES 36

enum { VERSION_2_LOCAL = 0x20, VERSION_2_PROXY = 0x21 };
enum { UNSPECIFIED = 0x00, INET_STREAM = 0x11, INET6_STREAM = 0x21, UNIX_STREAM = 0x31 };

struct proxy_reader {
    size_t n_read;
    char bytes[PROXY_HEADER_EVALUATED];
};

static bool may_become(struct str bytes, struct str text)
{
    size_t n = bytes.len < text.len ? bytes.len : text.len;
    return n == 0 || memcmp(bytes.ptr, text.ptr, n) == 0;
}

static int refused(enum transport_proxy_refusal why, struct proxy_header *ret_header)
{
    ret_header->refusal = why;
    return PROXY_HEADER_REFUSED;
}

static int incomplete(size_t n_bytes, struct proxy_header *ret_header)
{
    ret_header->n_bytes = n_bytes;
    return PROXY_HEADER_INCOMPLETE;
}

static int parse_signature(struct str bytes, struct proxy_header *ret_header)
{
    bool is_version_1 = may_become(bytes, version_1);
    if (!is_version_1 && !may_become(bytes, signature)) {
        return refused(TRANSPORT_PROXY_MISSING, ret_header);
    }
    if (is_version_1 && bytes.len >= version_1.len) {
        return refused(TRANSPORT_PROXY_VERSION_1, ret_header);
    }
    return bytes.len < FIXED_BYTES ? incomplete(FIXED_BYTES, ret_header) : 0;
}

static struct address inet_source(const char *at)
{
    struct sockaddr_in sockaddr = {.sin_family = AF_INET};
    memcpy(&sockaddr.sin_addr, at, sizeof(sockaddr.sin_addr));
    return address_from_sockaddr((const struct sockaddr *)&sockaddr);
}

static struct address inet6_source(const char *at)
{
    struct sockaddr_in6 sockaddr = {.sin6_family = AF_INET6};
    memcpy(&sockaddr.sin6_addr, at, sizeof(sockaddr.sin6_addr));
    return address_from_sockaddr((const struct sockaddr *)&sockaddr);
}

/* Returns how many bytes the addresses of a family have; false for a family that is not valid for a stream.
 */
static bool find_family(unsigned family, size_t *ret_n_bytes)
{
    switch (family) {
    case INET_STREAM:
        *ret_n_bytes = INET_BYTES;
        return true;
    case INET6_STREAM:
        *ret_n_bytes = INET6_BYTES;
        return true;
    case UNSPECIFIED:
    case UNIX_STREAM:
        *ret_n_bytes = 0; /* their addresses are not evaluated */
        return true;
    default:
        return false;
    }
}

int proxy_header_parse(struct str bytes, struct proxy_header *ret_header)
{
    size_t n_addresses = 0;
    int r = parse_signature(bytes, ret_header);
    if (r != 0) {
        return r;
    }
    unsigned command = (unsigned char)bytes.ptr[12];
    unsigned family = (unsigned char)bytes.ptr[13];
    size_t length = (size_t)(unsigned char)bytes.ptr[14] << 8 | (unsigned char)bytes.ptr[15];
    struct proxy_header header = {.n_bytes = FIXED_BYTES + length};
    if ((command != VERSION_2_LOCAL && command != VERSION_2_PROXY) ||
        (command == VERSION_2_PROXY && (!find_family(family, &n_addresses) || length < n_addresses))) {
        return refused(TRANSPORT_PROXY_MALFORMED, ret_header);
    }
    if (header.n_bytes > PROXY_HEADER_MAX) {
        return refused(TRANSPORT_PROXY_TOO_LONG, ret_header);
    }
    if (bytes.len < FIXED_BYTES + n_addresses) {
        return incomplete(header.n_bytes, ret_header);
    }
    header.names_peer = n_addresses > 0;
    if (header.names_peer) {
        header.peer = family == INET_STREAM ? inet_source(bytes.ptr + FIXED_BYTES)
                                            : inet6_source(bytes.ptr + FIXED_BYTES);
    }
    *ret_header = header;
    return 0;
}

static const struct {
    const char *name;
    const char *text;
} refusals[TRANSPORT_N_PROXY_REFUSALS] = {
#define REFUSAL_AS_ROW(id, name, text) [TRANSPORT_PROXY_##id] = {name, text},
    TRANSPORT_PROXY_REFUSALS(REFUSAL_AS_ROW)
#undef REFUSAL_AS_ROW
};

const char *transport_proxy_refusal_name(enum transport_proxy_refusal refusal)
{
    return refusals[refusal].name;
}

const char *transport_proxy_refusal_text(enum transport_proxy_refusal refusal)
{
    return refusals[refusal].text;
}

bool proxy_header_is_expected(const struct transport_connection *connection)
{
    struct transport_shared *shared = worker_of(connection)->shared;
    return shared->config.takes_proxy_header && peer_is_trusted(shared, &connection->peer);
}

int proxy_header_expect(struct transport_connection *connection)
{
    connection->proxy_reader = calloc(1, sizeof(*connection->proxy_reader));
    return connection->proxy_reader == NULL ? -ENOMEM : 0;
}

static void count_refusal(struct transport_connection *connection, enum transport_proxy_refusal why)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    transport_count(&worker_of(connection)->counters.n_proxy_refused[why]);
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning("connection of a trusted proxy refused",
                    log_text("listener", transport_worker_name(connection->worker)),
                    log_text("reason", transport_proxy_refusal_text(why)),
                    log_address("peer", &connection->peer), log_u64("suppressed", n_suppressed));
    }
}

/* The header is not part of a request. With TLS its bytes are not counted; without, the kernel has counted
 * them (deadlines.c). */
static void finish(struct transport_connection *connection, const struct proxy_header *header)
{
    free(take_pointer(connection->proxy_reader));
    if (worker_of(connection)->shared->config.tls == NULL) {
        connection->n_received += header->n_bytes;
    }
    if (!header->names_peer) {
        return;
    }
    connection->peer = header->peer;
    if (!peer_count_connection(connection)) {
        transport_count(&worker_of(connection)->counters.n_refused_per_address);
        transport_connection_close(connection);
    }
}

static size_t n_stored(const struct proxy_reader *reader)
{
    return reader->n_read < sizeof(reader->bytes) ? reader->n_read : sizeof(reader->bytes);
}

static ssize_t receive(int fd, char *to, size_t n_room, size_t n_wanted)
{
    return recv(fd, to, n_wanted < n_room ? n_wanted : n_room, 0);
}

/* Reads bytes up to a total of `n_bytes`; those that are not evaluated are discarded. Returns as recv(). */
static ssize_t read_up_to(struct transport_connection *connection, size_t n_bytes)
{
    struct proxy_reader *reader = connection->proxy_reader;
    char discarded[512];
    size_t n_before = n_stored(reader);
    size_t n_wanted = n_bytes - reader->n_read;
    ssize_t n = n_before < sizeof(reader->bytes)
                    ? receive(connection->watch.fd, reader->bytes + n_before,
                              sizeof(reader->bytes) - n_before, n_wanted)
                    : receive(connection->watch.fd, discarded, sizeof(discarded), n_wanted);
    reader->n_read += n > 0 ? (size_t)n : 0;
    return n;
}

/* A connection closed before it sent anything was only a check whether the port is open. */
static void handle_close(struct transport_connection *connection)
{
    if (connection->proxy_reader->n_read > 0) {
        count_refusal(connection, TRANSPORT_PROXY_CUT);
    }
    transport_connection_close(connection);
}

void proxy_header_is_ready(struct transport_connection *connection)
{
    struct proxy_reader *reader = connection->proxy_reader;
    for (;;) {
        struct proxy_header header;
        int r = proxy_header_parse((struct str){reader->bytes, n_stored(reader)}, &header);
        if (r == PROXY_HEADER_REFUSED) {
            count_refusal(connection, header.refusal);
            transport_connection_close(connection);
            return;
        }
        if (r == 0 && reader->n_read == header.n_bytes) {
            finish(connection, &header);
            return;
        }
        ssize_t n = read_up_to(connection, header.n_bytes);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            handle_close(connection);
            return;
        }
    }
}

void proxy_header_give_up(struct transport_connection *connection)
{
    count_refusal(connection, TRANSPORT_PROXY_TIMED_OUT);
}
