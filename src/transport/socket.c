/* SPDX-License-Identifier: MIT */
#include "presenced/socket.h"

#include "presenced/cleanup.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/stat.h>

/* The kernel reduces it to net.core.somaxconn. */
#define BACKLOG 4096

static int set_option(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof(on)) == 0 ? 0 : -errno;
}

/* Returns whether a process still listens on the Unix socket at this path. A file that is not a socket counts
 * as alive, because it must not be removed. */
static bool is_alive(const struct endpoint *endpoint)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&endpoint->sockaddr;
    struct stat status;
    if (lstat(un->sun_path, &status) != 0) {
        return false;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return true;
    }
    cleanup(cleanup_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                            0); /* the listener need not accept the connection */
    return fd < 0 || connect(fd, (const struct sockaddr *)un, endpoint->sockaddr_len) == 0 ||
           errno != ECONNREFUSED;
}

static void identify_file(const struct sockaddr_un *un, struct socket_file *ret_file)
{
    struct stat status;
    if (lstat(un->sun_path, &status) == 0) {
        *ret_file = (struct socket_file){.device = status.st_dev, .inode = status.st_ino};
        memcpy(ret_file->path, un->sun_path, sizeof(ret_file->path));
    }
}

void socket_file_remove(struct socket_file *file)
{
    struct stat status;
    if (file->path[0] != '\0' && lstat(file->path, &status) == 0 && status.st_dev == file->device &&
        status.st_ino == file->inode) {
        (void)unlink(file->path);
    }
    file->path[0] = '\0';
}

static int bind_unix(int fd, const struct endpoint *endpoint, mode_t mode, struct socket_file *ret_file)
{
    const struct sockaddr_un *un = (const struct sockaddr_un *)&endpoint->sockaddr;
    if (is_alive(endpoint)) {
        return -EADDRINUSE;
    }
    if (unlink(un->sun_path) != 0 && errno != ENOENT) {
        return -errno;
    }
    /* fchmod() on the socket before bind() sets the mode of the new file, so that there is no moment in which
     * others could connect. */
    if (fchmod(fd, mode) != 0 || bind(fd, (const struct sockaddr *)un, endpoint->sockaddr_len) != 0) {
        return -errno;
    }
    identify_file(un, ret_file);
    return chmod(un->sun_path, mode) == 0 ? 0 : -errno;
}

static int bind_tcp(int fd, const struct endpoint *endpoint)
{
    int r = set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (r < 0) {
        return r;
    }
    if (endpoint->sockaddr.ss_family == AF_INET6) {
        r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
        if (r < 0) {
            return r;
        }
    }
    return bind(fd, (const struct sockaddr *)&endpoint->sockaddr, endpoint->sockaddr_len) == 0 ? 0 : -errno;
}

int socket_listen(const struct endpoint *endpoint, mode_t mode, struct socket_file *ret_file, int *ret_fd)
{
    struct socket_file file = {.path = ""};
    int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    cleanup(cleanup_closep) int fd = socket(endpoint->sockaddr.ss_family, type, 0);
    if (fd < 0) {
        return -errno;
    }
    int r = endpoint->kind == ENDPOINT_UNIX ? bind_unix(fd, endpoint, mode, &file) : bind_tcp(fd, endpoint);
    if (r == 0 && listen(fd, BACKLOG) != 0) {
        r = -errno;
    }
    if (r < 0) {
        socket_file_remove(&file);
        return r;
    }
    *ret_file = file;
    *ret_fd = take_fd(&fd);
    return 0;
}

int socket_endpoint(int fd, struct endpoint *ret_endpoint)
{
    struct endpoint endpoint = {.sockaddr_len = sizeof(endpoint.sockaddr)};
    if (getsockname(fd, (struct sockaddr *)&endpoint.sockaddr, &endpoint.sockaddr_len) != 0) {
        return -errno;
    }
    endpoint.kind = endpoint.sockaddr.ss_family == AF_UNIX ? ENDPOINT_UNIX : ENDPOINT_TCP;
    *ret_endpoint = endpoint;
    return 0;
}
