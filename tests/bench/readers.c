/* SPDX-License-Identifier: MIT */
/* Readers of GET /v1/events, plain: readers PORT N. Prints "ready" when each has its first bytes, and reads
 * on until SIGTERM; then prints how many bytes came in all, and how many of the readers were cut off. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static volatile sig_atomic_t is_over;

static void end(int number)
{
    (void)number;
    is_over = 1;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void open_reader(int epoll_fd, uint16_t port)
{
    static const char request[] = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct epoll_event event = {.events = EPOLLIN};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1) {
        fail("cannot connect");
    }
    event.data.fd = fd;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        fail("epoll_ctl");
    }
}

int main(int argc, char **argv)
{
    static char bytes[65536];
    static bool has_some[65536];
    struct epoll_event events[256];
    struct rlimit limit;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    unsigned long n_readers = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    unsigned long n_ready = 0;
    unsigned long n_cut = 0;
    uint64_t n_bytes = 0;
    if (argc != 3 || n_readers > 60000) {
        (void)fprintf(stderr, "usage: readers PORT N\n");
        return 2;
    }
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = end}, NULL);
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    for (unsigned long i = 0; i < n_readers; i++) {
        open_reader(epoll_fd, (uint16_t)strtoul(argv[1], NULL, 10));
    }
    while (!is_over) {
        int n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            ssize_t len = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
            if (len == 0 || (len < 0 && errno != EAGAIN)) {
                (void)close(fd);
                n_cut++;
                continue;
            }
            n_bytes += len > 0 ? (uint64_t)len : 0;
            if (!has_some[fd % 65536]) {
                has_some[fd % 65536] = true;
                n_ready++;
            }
        }
        if (n_ready == n_readers) {
            (void)printf("ready\n");
            (void)fflush(stdout);
            n_ready++;
        }
    }
    (void)printf("%llu %lu\n", (unsigned long long)n_bytes, n_cut);
    return 0;
}
