/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SOCKET_H
#define PRESENCED_SOCKET_H

/* Creates listening sockets. For one thread at a time. */

#include "presenced/endpoint.h"

/* Identifies the file of a Unix socket, to distinguish it from one that another process has put in its place.
 * Path "": none. */
struct socket_file {
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    dev_t device;
    ino_t inode;
};

/* Modes of a Unix socket: its owner may connect, or its group, too. */
#define SOCKET_MODE_OWNER 0600
#define SOCKET_MODE_GROUP 0660

/* Binds a socket and listens on it; close-on-exec and non-blocking. A Unix socket gets `mode`; a stale one
 * left by a dead process is replaced, but not one that a process still listens on (-EADDRINUSE). IPv6 sockets
 * accept IPv6 only. `ret_file` is for socket_file_remove(). Returns 0 or -errno. */
int socket_listen(const struct endpoint *endpoint, mode_t mode, struct socket_file *ret_file, int *ret_fd);

/* Removes the file if it is still the same, and clears `file`. */
void socket_file_remove(struct socket_file *file);

/* Returns the address a socket is bound to, with the real port if the endpoint had port 0. Returns 0 or
 * -errno. */
int socket_endpoint(int fd, struct endpoint *ret_endpoint);

#endif
