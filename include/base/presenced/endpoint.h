/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ENDPOINT_H
#define PRESENCED_ENDPOINT_H

/* An address to listen on, as the option `listen` names it. Any thread may call everything here. */

#include "presenced/str.h"

#include <sys/socket.h>
#include <sys/un.h>

enum endpoint_kind {
    ENDPOINT_TCP,
    ENDPOINT_UNIX,
    ENDPOINT_SYSTEMD, /* a socket passed by the service manager */
};

struct endpoint {
    enum endpoint_kind kind;
    bool is_passed; /* the service manager has already bound the socket */
    unsigned line;  /* line of the configuration that names it; 0: none */
    socklen_t sockaddr_len;
    struct sockaddr_storage sockaddr; /* set for ENDPOINT_TCP and ENDPOINT_UNIX */
};

#define ENDPOINT_TEXT_SIZE (sizeof(((struct sockaddr_un *)0)->sun_path) + 8)

/* Parses 192.0.2.1:8443, [2001:db8::1]:8443, localhost:8443 (127.0.0.1), unix:/absolute/path or systemd. Port
 * 0 means any free port. Returns false for any other text. Host names are not resolved, so that the service
 * can start while DNS is down. */
bool endpoint_parse(struct str text, struct endpoint *ret_endpoint);

/* Writes the text that endpoint_parse() accepts, NUL-terminated. */
void endpoint_format(const struct endpoint *endpoint, char ret_text[static ENDPOINT_TEXT_SIZE]);

/* Returns whether sockets cannot be bound to both endpoints: they have the same address or path, or one is
 * the wildcard address of the other's family. Two endpoints passed by the service manager never conflict,
 * because both are bound already. Port 0 conflicts with nothing. Paths are compared as text, ignoring "."
 * components and repeated slashes. */
bool endpoint_conflicts(const struct endpoint *a, const struct endpoint *b);

/* Returns whether the endpoint is a Unix socket or a loopback address. Returns false for ENDPOINT_SYSTEMD,
 * whose address is only known from the socket itself. */
bool endpoint_is_local(const struct endpoint *endpoint);

#endif
