/* SPDX-License-Identifier: MIT */
/* From the answer of one node to the answer of another that shows it: replication_delay CALLBACK_PORT
 * STATUS_PORT ROUNDS TARGET. Each round logs a user in there, at a node that takes plain HTTP, and asks here
 * for it until it is online. Prints in ms: p50 p90 p99 max. */
#include "presenced/clock.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_US UINT64_C(10000000)

static void fail(const char *what)
{
    (void)fprintf(stderr, "replication_delay: %s\n", what);
    exit(1);
}

static int connect_to(const char *port)
{
    const int yes = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        fail("cannot connect");
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    return fd;
}

/* Sends a request and takes an answer, which comes whole or in two pieces: its head and its body. */
static const char *ask(int fd, const char *format, ...)
{
    static char text[4096];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (write(fd, text, (size_t)len) != len) {
        fail("cannot send");
    }
    size_t n = 0;
    for (;;) {
        ssize_t got = read(fd, text + n, sizeof(text) - 1 - n);
        if (got <= 0) {
            fail("no answer");
        }
        n += (size_t)got;
        text[n] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        const char *length = strcasestr(text, "content-length:");
        if (body != NULL && length != NULL &&
            n >= (size_t)(body + 4 - text) + strtoul(length + strlen("content-length:"), NULL, 10)) {
            return text;
        }
    }
}

static void log_in(int fd, const char *target, unsigned user)
{
    char body[256];
    int len = snprintf(body, sizeof(body),
                       "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\","
                       "\"To_Account\":\"delay%d-%u\",\"Reason\":\"Register\"}}",
                       (int)getpid(), user);
    const char *answer = ask(fd, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s",
                             target, len, body);
    if (strstr(answer, "\"OK\"") == NULL) {
        fail(answer);
    }
}

static uint32_t measure(int callback, int status, const char *target, unsigned user)
{
    log_in(callback, target, user);
    uint64_t begin_us = clock_monotonic_us();
    while (strstr(ask(status, "GET /v1/users/delay%d-%u HTTP/1.1\r\nHost: localhost\r\n\r\n", (int)getpid(),
                      user),
                  "\"online\"") == NULL) {
        if (clock_monotonic_us() - begin_us > DEADLINE_US) {
            fail("it never comes");
        }
    }
    return (uint32_t)(clock_monotonic_us() - begin_us);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fail("CALLBACK_PORT STATUS_PORT ROUNDS TARGET");
    }
    static const struct timespec pause = {.tv_nsec = 2000000};
    unsigned n = (unsigned)strtoul(argv[3], NULL, 10);
    int callback = connect_to(argv[1]);
    int status = connect_to(argv[2]);
    uint32_t *took_us = calloc(n + 1, sizeof(*took_us));
    for (unsigned i = 0; took_us != NULL && i < n; i++) {
        took_us[i] = measure(callback, status, argv[4], i);
        (void)nanosleep(&pause, NULL);
    }
    if (took_us == NULL || n == 0) {
        fail("nothing to measure");
    }
    qsort(took_us, n, sizeof(*took_us), compare);
    (void)printf("%.2f %.2f %.2f %.2f\n", took_us[n / 2] / 1e3, took_us[n * 90 / 100] / 1e3,
                 took_us[n * 99 / 100] / 1e3, took_us[n - 1] / 1e3);
    free(took_us);
    return 0;
}
