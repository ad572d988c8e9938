/* SPDX-License-Identifier: MIT */
/* What src/http/cork.c makes of setsockopt(), for all of the process; and what stands in for it. */
#include "suite.h"

#include "presenced/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int option_of(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof(value);
    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, option, &value, &len), 0);
    return value;
}

START_TEST(no_socket_is_corked)
{
    cleanup(cleanup_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &(int){1}, sizeof(int)), -1);
    ck_assert_int_eq(errno, ENOPROTOOPT); /* what libmicrohttpd takes for "there are no corks here" */
    ck_assert_int_eq(option_of(fd, TCP_CORK), 0);
}
END_TEST

START_TEST(every_other_option_is_the_kernels)
{
    cleanup(cleanup_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &(int){0}, sizeof(int)), 0);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(option_of(fd, TCP_NODELAY), 1);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, 1), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_eq(setsockopt(-1, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)), -1);
    ck_assert_int_eq(errno, EBADF);
}
END_TEST

/* libmicrohttpd sets TCP_NODELAY no more, so connections have it from their listener's socket. */
START_TEST(connections_do_not_wait_for_acknowledgements)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    const struct http_listener_config config = {.name = "test", .n_threads = 1, .max_connections = 1};
    cleanup(http_listener_freep) struct http_listener *listener = NULL;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cleanup(cleanup_closep) int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(listening, (struct sockaddr *)&address, len), 0);
    ck_assert_int_eq(listen(listening, 1), 0);
    ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&address, &len), 0);
    ck_assert_int_eq(http_listener_new(&config, &listener), 0);
    ck_assert_int_eq(http_listener_add_socket(listener, listening, false), 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&address, len), 0);
    cleanup(cleanup_closep) int server = accept(listening, NULL, NULL);
    ck_assert_int_eq(option_of(server, TCP_NODELAY), 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("cork");
    TCase *tcase = tcase_create("cork");
    tcase_add_test(tcase, no_socket_is_corked);
    tcase_add_test(tcase, every_other_option_is_the_kernels);
    tcase_add_test(tcase, connections_do_not_wait_for_acknowledgements);
    suite_add_tcase(suite, tcase);
    return suite;
}
