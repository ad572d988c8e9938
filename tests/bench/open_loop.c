/* SPDX-License-Identifier: MIT */
/* Callbacks at a fixed rate over kept TLS connections: open_loop PORT RATE SECONDS TARGET. A request is due
 * every 1/RATE s and leaves then, or when a connection is free; its time counts from when it was due, so a
 * server that makes others wait cannot hide it. Prints in ms: p50 p90 p99 p99.9 max. With RATE 0 each
 * connection sends as soon as it has its answer; prints how many a second that makes. */
#include "presenced/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N_CONNECTIONS 32
#define N_USERS 100000
#define SECOND_NS UINT64_C(1000000000)
#define REST_EACH_NS 1000000
#define REST_NS 120000

struct connection {
    int fd;
    SSL *ssl;
    uint64_t due_ns;
    size_t answer_len;
    char answer[1024];
};

struct load {
    uint64_t rate;       /* 0: none */
    uint64_t n_requests; /* all that are due */
    uint64_t start_ns;
    uint64_t rested_ns;
    uint64_t end_ns;
    const char *target;
    int epoll_fd;
    struct connection connections[N_CONNECTIONS];
    /* A ring of those that have nothing to do, so that each has its turn. */
    struct connection *idle[N_CONNECTIONS];
    uint64_t n_idled;
    uint64_t n_sent;
    uint64_t n_answered;
    uint32_t *took_us;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "open_loop: %s\n", what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static void open_connection(struct load *load, struct connection *connection, SSL_CTX *tls,
                            const struct sockaddr_in *server)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    *connection = (struct connection){.fd = fd, .ssl = SSL_new(tls)};
    if (fd < 0 || connect(fd, (const struct sockaddr *)server, sizeof(*server)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
        fail("cannot connect");
    }
    if (connection->ssl == NULL || SSL_set_fd(connection->ssl, fd) != 1 ||
        SSL_connect(connection->ssl) != 1) {
        fail("no handshake");
    }
    if (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("no epoll");
    }
    load->idle[load->n_idled++ % N_CONNECTIONS] = connection;
}

static void open_all(struct load *load, uint16_t port)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (tls == NULL || load->epoll_fd < 0) {
        fail("no TLS");
    }
    SSL_CTX_set_read_ahead(tls, 1); /* one recv() a record */
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        open_connection(load, &load->connections[i], tls, &server);
    }
    SSL_CTX_free(tls);
}

static void close_all(struct load *load)
{
    for (size_t i = 0; i < N_CONNECTIONS; i++) {
        SSL_free(load->connections[i].ssl);
        (void)close(load->connections[i].fd);
    }
    (void)close(load->epoll_fd);
}

static void send_request(struct load *load, struct connection *connection, uint64_t due_ns)
{
    char body[512];
    char request[2048];
    int body_len = snprintf(
        body, sizeof(body),
        "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":%llu,\"Info\":{\"Action\":"
        "\"Login\",\"To_Account\":\"user%06llu\",\"Reason\":\"Register\"},\"KickedDevice\":"
        "[{\"Platform\":\"Windows\"},{\"Platform\":\"Android\"}]}",
        (unsigned long long)clock_unix_ms(), (unsigned long long)load->n_sent % N_USERS);
    int len = snprintf(request, sizeof(request),
                       "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       load->target, body_len, body);
    if (len >= (int)sizeof(request)) {
        fail("the target is too long");
    }
    connection->due_ns = due_ns;
    connection->answer_len = 0;
    load->n_sent++;
    if (SSL_write(connection->ssl, request, len) != len) {
        fail("cannot send");
    }
}

static uint64_t next_due_ns(const struct load *load)
{
    return load->start_ns + (load->rate == 0 ? 0 : load->n_sent * SECOND_NS / load->rate);
}

static void send_due(struct load *load)
{
    while (load->n_sent < load->n_idled && load->n_sent < load->n_requests && next_due_ns(load) <= now_ns()) {
        send_request(load, load->idle[load->n_sent % N_CONNECTIONS], next_due_ns(load));
    }
}

/* Whole, by its length; anything but OK ends the run. */
static bool is_answered(struct connection *connection)
{
    connection->answer[connection->answer_len] = '\0';
    const char *body = strstr(connection->answer, "\r\n\r\n");
    const char *length = strcasestr(connection->answer, "\r\nContent-Length: ");
    if (body == NULL || length == NULL) {
        return false;
    }
    body += strlen("\r\n\r\n");
    if (strlen(body) < strtoul(length + strlen("\r\nContent-Length: "), NULL, 10)) {
        return false;
    }
    if (strstr(body, "\"ActionStatus\":\"OK\"") == NULL) {
        fail(connection->answer);
    }
    return true;
}

/* False while there is none. */
static bool read_answer(struct connection *connection)
{
    do {
        size_t space = sizeof(connection->answer) - 1 - connection->answer_len;
        int n = SSL_read(connection->ssl, connection->answer + connection->answer_len, (int)space);
        if (n <= 0) {
            /* A session ticket is no answer. */
            if (SSL_get_error(connection->ssl, n) != SSL_ERROR_WANT_READ) {
                fail("the connection has ended");
            }
            return false;
        }
        connection->answer_len += (size_t)n;
        if (is_answered(connection)) {
            return true;
        }
    } while (SSL_has_pending(connection->ssl));
    return false;
}

static void take_answer(struct load *load, struct connection *connection)
{
    if (!read_answer(connection)) {
        return;
    }
    if (load->took_us != NULL) {
        load->took_us[load->n_answered] = (uint32_t)((now_ns() - connection->due_ns) / 1000);
    }
    load->n_answered++;
    load->idle[load->n_idled++ % N_CONNECTIONS] = connection;
}

static bool is_done(const struct load *load)
{
    return load->rate == 0 ? now_ns() >= load->end_ns : load->n_answered == load->n_requests;
}

/* Who sleeps is woken late, and the server would be blamed for it; who never sleeps is made to for 50 ms by
 * the kernel where others wait for the processor. So, little and often. */
static void rest(struct load *load)
{
    if (now_ns() - load->rested_ns >= REST_EACH_NS) {
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = REST_NS}, NULL);
        load->rested_ns = now_ns();
    }
}

static void run(struct load *load)
{
    struct epoll_event events[N_CONNECTIONS];
    while (!is_done(load)) {
        send_due(load);
        rest(load);
        int n = epoll_wait(load->epoll_fd, events, N_CONNECTIONS, 0);
        if (n < 0 && errno != EINTR) {
            fail("no epoll");
        }
        for (int i = 0; i < n; i++) {
            take_answer(load, events[i].data.ptr);
        }
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_times(struct load *load)
{
    static const unsigned permille[] = {500, 900, 990, 999};
    qsort(load->took_us, load->n_requests, sizeof(load->took_us[0]), compare);
    for (size_t i = 0; i < sizeof(permille) / sizeof(permille[0]); i++) {
        uint32_t took_us = load->took_us[load->n_requests * permille[i] / 1000];
        (void)printf("%.3f ", took_us / 1000.0);
    }
    (void)printf("%.3f\n", load->took_us[load->n_requests - 1] / 1000.0);
}

int main(int argc, char **argv)
{
    struct load load = {.n_requests = UINT64_MAX};
    if (argc != 5) {
        fail("PORT RATE SECONDS TARGET");
    }
    uint64_t seconds = strtoul(argv[3], NULL, 10);
    load.rate = strtoul(argv[2], NULL, 10);
    load.target = argv[4];
    if (load.rate > 0) {
        load.n_requests = load.rate * seconds;
        load.took_us = calloc(load.n_requests, sizeof(load.took_us[0]));
        if (load.took_us == NULL || load.n_requests == 0) {
            fail("nothing to do, or no memory for it");
        }
    }
    (void)prctl(PR_SET_TIMERSLACK, 1); /* 50 us later otherwise */
    open_all(&load, (uint16_t)strtoul(argv[1], NULL, 10));
    load.start_ns = now_ns();
    load.end_ns = load.start_ns + seconds * SECOND_NS;
    run(&load);
    if (load.rate > 0) {
        print_times(&load);
    } else {
        (void)printf("%llu\n", (unsigned long long)(load.n_answered / seconds));
    }
    close_all(&load);
    free(load.took_us);
    return 0;
}
