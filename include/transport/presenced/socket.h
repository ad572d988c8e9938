/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SOCKET_H
#define PRESENCED_SOCKET_H

/* Listening sockets of our own making. One thread. */

#include "presenced/endpoint.h"

/* The file of a Unix socket, to be told from one that another process has put in its place. Path "": none. */
struct socket_file {
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    dev_t device;
    ino_t inode;
};

/* Who may connect to a Unix socket: its owner, or its group too. */
#define SOCKET_MODE_OWNER 0600
#define SOCKET_MODE_GROUP 0660

/* Binds and listens, close-on-exec and non-blocking. A Unix socket gets this mode; one left over by a dead
 * process is replaced, one that a living process listens on is not (-EADDRINUSE). IPv6 sockets take IPv6
 * only. `ret_file` is for socket_file_remove(). 0, or -errno. */
int socket_listen(const struct endpoint *endpoint, mode_t mode, struct socket_file *ret_file, int *ret_fd);

/* Removes the file, where it still is the same, and forgets it. */
void socket_file_remove(struct socket_file *file);

/* The address a socket is bound to: tells the port where the endpoint said 0. */
int socket_endpoint(int fd, struct endpoint *ret_endpoint);

#endif
