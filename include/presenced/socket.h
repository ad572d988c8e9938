/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SOCKET_H
#define PRESENCED_SOCKET_H

/* Listening sockets of our own making. Start-up only. */

#include "presenced/endpoint.h"

/* Binds and listens, close-on-exec and non-blocking. A Unix socket gets mode 0660; one left over by a dead
 * process is replaced, one that a living process listens on is not (-EADDRINUSE). IPv6 sockets take IPv6
 * only. 0, or -errno. */
int socket_listen(const struct endpoint *endpoint, int *ret_fd);

/* The address a socket is bound to: tells the port where the endpoint said 0. */
int socket_endpoint(int fd, struct endpoint *ret_endpoint);

#endif
