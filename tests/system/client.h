/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_CLIENT_H
#define PRESENCED_TESTS_CLIENT_H

/* An HTTP client that keeps its connection, as Tencent's does; libcurl. One thread a client. What is sent
 * wrongly on purpose goes through wire.h. */

#include "harness.h"

#include <curl/curl.h>

struct client;

struct answer {
    long status;
    struct buf head; /* status line and headers */
    struct buf body;
    long n_connects; /* connections made for it: 0 where a kept one did */
};

void answer_fini(struct answer *answer);

/* Whether a header stands in the answer as "Name: value", compared without case. */
bool answer_has_header(struct answer *answer, const char *header);

/* "SCHEME://127.0.0.1:PORT" is what it talks to. */
struct client *client_new(const char *scheme, uint16_t port);
void client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free)

/* Believes the sandbox's CA; HTTPS of a client without it does not work. */
void client_trust(struct client *client, const struct sandbox *sandbox);

/* Shows NAME.pem of the sandbox (pki.h). */
void client_certificate(struct client *client, const struct sandbox *sandbox, const char *name);

/* Talks to the sandbox's Unix socket of that name. */
void client_unix(struct client *client, const struct sandbox *sandbox, const char *name);

/* The handle, for options that only one test needs. */
CURL *client_handle(struct client *client);

struct client_request {
    const char *method; /* NULL: GET */
    const char *target; /* sent as it is */
    const char *const
        *headers;     /* "Name: value", ended by NULL; NULL: none. "Name:" takes one of libcurl's away */
    const char *body; /* NULL: none */
};

/* Sends a request; `ret_answer` is for answer_fini() whatever comes back. */
CURLcode client_try(struct client *client, const struct client_request *request, struct answer *ret_answer);

/* The same where an answer is expected. */
void client_send(struct client *client, const struct client_request *request, struct answer *ret_answer);
void client_get(struct client *client, const char *target, struct answer *ret_answer);
void client_post(struct client *client, const char *target, const char *body, struct answer *ret_answer);

/* Whether the answer to a GET, which must be 200, holds `text`; and waits until it does. */
bool client_sees(struct client *client, const char *target, const char *text);
void client_await(struct client *client, const char *target, const char *text);

#endif
