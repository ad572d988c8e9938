/* SPDX-License-Identifier: MIT */
#include "presenced/socket.h"
#include "suite.h"

#include "presenced/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>

static char folder[64];
static char path[72];
static struct endpoint endpoint;
static struct socket_file file;

static void set_up(void)
{
    char text[80];
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-socket-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/s", folder);
    (void)snprintf(text, sizeof(text), "unix:%s", path);
    ck_assert(endpoint_parse(str_from(text), &endpoint));
}

static void tear_down(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

START_TEST(port_0_finds_one)
{
    struct endpoint any;
    struct endpoint bound;
    cleanup(cleanup_closep) int fd = -1;
    ck_assert(endpoint_parse(STR("127.0.0.1:0"), &any));
    ck_assert_int_eq(socket_listen(&any, SOCKET_MODE_GROUP, &file, &fd), 0);
    ck_assert_int_eq(socket_endpoint(fd, &bound), 0);
    ck_assert_int_eq(bound.kind, ENDPOINT_TCP);
    ck_assert_uint_ne(((struct sockaddr_in *)(void *)&bound.sockaddr)->sin_port, 0);

    cleanup(cleanup_closep) int second = -1;
    ck_assert_int_eq(socket_listen(&bound, SOCKET_MODE_GROUP, &file, &second), -EADDRINUSE);
}
END_TEST

static const mode_t modes[] = {SOCKET_MODE_OWNER, SOCKET_MODE_GROUP};

START_TEST(a_unix_socket_has_its_mode)
{
    struct stat status;
    cleanup(cleanup_closep) int fd = -1;
    ck_assert_int_eq(socket_listen(&endpoint, modes[_i], &file, &fd), 0);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert(S_ISSOCK(status.st_mode));
    ck_assert_int_eq(status.st_mode & 0777, modes[_i]);
}
END_TEST

START_TEST(unix_of_the_living_and_the_dead)
{
    int fd = -1;
    int second = -1;
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &fd), 0);
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &second), -EADDRINUSE);
    (void)close(fd);
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &second), 0);
    (void)close(second);
}
END_TEST

START_TEST(unix_leaves_files_alone)
{
    int fd = -1;
    FILE *other = fopen(path, "w");
    ck_assert_ptr_nonnull(other);
    (void)fclose(other);
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &fd), -EADDRINUSE);
    ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(removes_its_file)
{
    cleanup(cleanup_closep) int fd = -1;
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &fd), 0);
    socket_file_remove(&file);
    ck_assert_int_ne(access(path, F_OK), 0);
    socket_file_remove(&file);
}
END_TEST

/* Somebody has taken ours away, and another process listens there by now. */
START_TEST(leaves_the_file_of_another)
{
    char aside[80];
    struct socket_file others;
    cleanup(cleanup_closep) int fd = -1;
    cleanup(cleanup_closep) int second = -1;
    (void)snprintf(aside, sizeof(aside), "%s.aside", path);
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &fd), 0);
    ck_assert_int_eq(rename(path, aside), 0);
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &others, &second), 0);
    socket_file_remove(&file);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(unlink(aside), 0);
}
END_TEST

START_TEST(tcp_has_no_file)
{
    struct endpoint any;
    cleanup(cleanup_closep) int fd = -1;
    ck_assert(endpoint_parse(STR("127.0.0.1:0"), &any));
    ck_assert_int_eq(socket_listen(&any, SOCKET_MODE_GROUP, &file, &fd), 0);
    socket_file_remove(&file);
}
END_TEST

/* What the configuration is checked by is what the kernel does. */
START_TEST(conflicts_are_those_of_bind)
{
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "0.0.0.0", "[::1]", "[::]"};
    enum { N_HOSTS = sizeof(hosts) / sizeof(hosts[0]) };
    struct endpoint endpoints[2];
    for (unsigned i = 0; i < (unsigned)N_HOSTS * N_HOSTS; i++) {
        cleanup(cleanup_closep) int fd = -1;
        cleanup(cleanup_closep) int second = -1;
        char text[64];
        (void)snprintf(text, sizeof(text), "%s:0", hosts[i / N_HOSTS]);
        ck_assert(endpoint_parse(str_from(text), &endpoints[0]));
        if (socket_listen(&endpoints[0], SOCKET_MODE_GROUP, &file, &fd) < 0) {
            continue; /* a machine without IPv6 */
        }
        ck_assert_int_eq(socket_endpoint(fd, &endpoints[0]), 0);
        uint16_t port = ntohs(((struct sockaddr_in *)(void *)&endpoints[0].sockaddr)->sin_port);
        (void)snprintf(text, sizeof(text), "%s:%u", hosts[i % N_HOSTS], port);
        ck_assert(endpoint_parse(str_from(text), &endpoints[1]));
        int r = socket_listen(&endpoints[1], SOCKET_MODE_GROUP, &file, &second);
        ck_assert_msg(r != -EAFNOSUPPORT && r != -EADDRNOTAVAIL
                          ? (r == -EADDRINUSE) == endpoint_conflicts(&endpoints[0], &endpoints[1])
                          : strchr(text, '[') != NULL,
                      "%s beside %s: %s", text, hosts[i / N_HOSTS], strerror(-r));
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("socket");
    TCase *tcase = tcase_create("socket");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, port_0_finds_one);
    tcase_add_loop_test(tcase, a_unix_socket_has_its_mode, 0, 2);
    tcase_add_test(tcase, unix_of_the_living_and_the_dead);
    tcase_add_test(tcase, unix_leaves_files_alone);
    tcase_add_test(tcase, removes_its_file);
    tcase_add_test(tcase, leaves_the_file_of_another);
    tcase_add_test(tcase, tcp_has_no_file);
    tcase_add_test(tcase, conflicts_are_those_of_bind);
    suite_add_tcase(suite, tcase);
    return suite;
}
