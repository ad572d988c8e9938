/* SPDX-License-Identifier: MIT */
/* A new TLS connection for each request, with a full handshake or resumed, which wrk cannot do:
 * connections PORT 1.2|1.3 full|resumed SECONDS TARGET BODY. Prints how many requests were answered 200.
 * connections PORT stalled N SECONDS: N connections that stop in the middle of a ClientHello. */
#include "presenced/cleanup.h"
#include "presenced/clock.h"
#include "presenced/str.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>

#define N_THREADS 16

struct load {
    struct sockaddr_in server;
    SSL_CTX *tls;
    bool resumed;
    uint64_t until_ms;
    struct buf request;
};

struct client {
    const struct load *load;
    pthread_t thread;
    SSL_SESSION *session; /* the newest */
    uint64_t n_answered;
    uint64_t n_resumed;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "connections: %s\n", what);
    exit(1);
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct client *client = SSL_get_app_data(ssl);
    SSL_SESSION_free(client->session);
    client->session = session;
    return 1;
}

static int open_connection(const struct load *load)
{
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&load->server, sizeof(load->server)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
        fail("cannot connect");
    }
    return fd;
}

/* The whole answer: it ends with the connection. */
static void exchange(struct client *client, SSL *ssl)
{
    char answer[4096];
    size_t len = 0;
    int n = 0;
    const struct buf *request = &client->load->request;
    if (SSL_connect(ssl) != 1 || SSL_write(ssl, request->ptr, (int)request->len) != (int)request->len) {
        fail("no handshake");
    }
    while (len < sizeof(answer) && (n = SSL_read(ssl, answer + len, (int)(sizeof(answer) - len))) > 0) {
        len += (size_t)n;
    }
    if (!str_starts_with((struct str){answer, len}, STR("HTTP/1.1 200 "))) {
        fail("no answer");
    }
    client->n_answered++;
    client->n_resumed += SSL_session_reused(ssl) == 1;
    (void)SSL_shutdown(ssl);
}

static void *run(void *cls)
{
    struct client *client = cls;
    while (clock_monotonic_ms() < client->load->until_ms) {
        cleanup(cleanup_closep) int fd = open_connection(client->load);
        SSL *ssl = SSL_new(client->load->tls);
        if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_set_app_data(ssl, client) != 1) {
            fail("out of memory");
        }
        if (client->load->resumed && client->session != NULL) {
            (void)SSL_set_session(ssl, client->session);
        }
        exchange(client, ssl);
        SSL_free(ssl);
    }
    SSL_SESSION_free(client->session);
    return NULL;
}

static int stall(const struct load *load, size_t n)
{
    /* The heads of a record and of what is in it: 512 bytes are to come. */
    static const uint8_t begin[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
    for (size_t i = 0; i < n; i++) {
        if (send(open_connection(load), begin, sizeof(begin), MSG_NOSIGNAL) != (ssize_t)sizeof(begin)) {
            fail("cannot send");
        }
    }
    uint64_t now_ms = clock_monotonic_ms();
    (void)poll(NULL, 0, load->until_ms > now_ms ? (int)(load->until_ms - now_ms) : 0);
    return 0;
}

static void prepare_tls(struct load *load, int version)
{
    load->tls = SSL_CTX_new(TLS_client_method());
    if (load->tls == NULL || SSL_CTX_set_min_proto_version(load->tls, version) != 1 ||
        SSL_CTX_set_max_proto_version(load->tls, version) != 1) {
        fail("no TLS");
    }
    (void)SSL_CTX_set_options(load->tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_session_cache_mode(load->tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(load->tls, keep_session);
}

int main(int argc, char **argv)
{
    struct load load = {.server = {.sin_family = AF_INET}};
    struct client clients[N_THREADS] = {0};
    uint64_t n_answered = 0;
    uint64_t n_resumed = 0;
    bool stalls = argc == 5 && strcmp(argv[2], "stalled") == 0;
    if (argc != 7 && !stalls) {
        fail("PORT 1.2|1.3 full|resumed SECONDS TARGET BODY, or PORT stalled N SECONDS");
    }
    load.server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load.server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    load.until_ms = clock_monotonic_ms() + strtoul(argv[4], NULL, 10) * 1000;
    if (stalls) {
        return stall(&load, strtoul(argv[3], NULL, 10));
    }
    load.resumed = strcmp(argv[3], "resumed") == 0;
    buf_appendf(&load.request,
                "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                argv[5], strlen(argv[6]), argv[6]);
    prepare_tls(&load, strcmp(argv[2], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
    for (size_t i = 0; i < N_THREADS; i++) {
        clients[i].load = &load;
        if (pthread_create(&clients[i].thread, NULL, run, &clients[i]) != 0) {
            fail("no thread");
        }
    }
    for (size_t i = 0; i < N_THREADS; i++) {
        (void)pthread_join(clients[i].thread, NULL);
        n_answered += clients[i].n_answered;
        n_resumed += clients[i].n_resumed;
    }
    /* The first connection of each thread has nothing to resume. */
    if (load.resumed ? n_resumed + N_THREADS < n_answered : n_resumed > 0) {
        fail("the handshakes are not what was asked for");
    }
    (void)printf("%llu\n", (unsigned long long)n_answered);
    buf_fini(&load.request);
    SSL_CTX_free(load.tls);
    return 0;
}
