/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ENDPOINT_H
#define PRESENCED_ENDPOINT_H

/* Where a listener listens, as `listen` in the configuration names it. Any thread may call everything here.
 */

#include "presenced/str.h"

#include <sys/socket.h>
#include <sys/un.h>

enum endpoint_kind {
    ENDPOINT_TCP,
    ENDPOINT_UNIX,
    ENDPOINT_SYSTEMD, /* a socket that the service manager passes */
};

struct endpoint {
    enum endpoint_kind kind;
    bool is_passed; /* its socket is open: the service manager has bound it */
    unsigned line;  /* of the configuration that names it; 0: none does */
    socklen_t sockaddr_len;
    struct sockaddr_storage sockaddr; /* of ENDPOINT_TCP and ENDPOINT_UNIX */
};

#define ENDPOINT_TEXT_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path) + 8)

/* 192.0.2.1:8443, [2001:db8::1]:8443, localhost:8443 (the IPv4 one), unix:/absolute/path or systemd. Port 0
 * is any free port. False for anything else. Names are not looked up: a service must come up while DNS is
 * down. */
bool endpoint_parse(struct str text, struct endpoint *ret_endpoint);

/* The text that endpoint_parse() takes, NUL-terminated. */
void endpoint_format(const struct endpoint *endpoint, char ret_text[static ENDPOINT_TEXT_SIZE]);

/* Whether there cannot be sockets at both: it is the same address or path, or one is all addresses of the
 * other's family. Two that are passed are open both; any two free ports (0) are different; paths are compared
 * as text, but for what does not matter in it. */
bool endpoint_conflicts(const struct endpoint *a, const struct endpoint *b);

/* A Unix socket, or 127.0.0.0/8 or ::1; false for systemd's, of which only the socket itself can tell. */
bool endpoint_is_local(const struct endpoint *endpoint);

#endif
