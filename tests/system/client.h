/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_CLIENT_H
#define PRESENCED_TESTS_CLIENT_H

/* An HTTP client (libcurl) that keeps its connection, as Tencent does. Each client is used by one thread.
 * wire.h sends malformed requests. */

#include "harness.h"

#include <curl/curl.h>

struct client;

struct answer {
    long status;
    struct buf head; /* status line and headers */
    struct buf body;
    long n_connects; /* new connections made for the request; 0: an existing one was used */
};

void answer_fini(struct answer *answer);

/* Returns whether the answer has a header, given as "Name: value". Case is ignored. */
bool answer_has_header(struct answer *answer, const char *header);

/* Returns a client for SCHEME://127.0.0.1:PORT. */
struct client *client_new(const char *scheme, uint16_t port);
void client_free(struct client *client);
DEFINE_CLEANUP(struct client *, client_free)

/* Makes the client trust the sandbox's CA, which HTTPS needs. */
void client_trust(struct client *client, const struct sandbox *sandbox);

/* Makes the client present the certificate NAME.pem of the sandbox (pki.h). */
void client_certificate(struct client *client, const struct sandbox *sandbox, const char *name);

/* Makes the client connect to the Unix socket of that name in the sandbox. */
void client_unix(struct client *client, const struct sandbox *sandbox, const char *name);

/* Returns the handle, for options that only one test needs. */
CURL *client_handle(struct client *client);

struct client_request {
    const char *method; /* NULL: GET */
    const char *target; /* sent unchanged */
    /* "Name: value", ended by NULL; NULL: none. "Name:" removes a header that libcurl would add. */
    const char *const *headers;
    const char *body; /* NULL: none */
};

/* Sends a request. `ret_answer` must be passed to answer_fini(), whatever is returned. */
CURLcode client_try(struct client *client, const struct client_request *request, struct answer *ret_answer);

/* Send a request and fail the test if there is no answer. */
void client_send(struct client *client, const struct client_request *request, struct answer *ret_answer);
void client_get(struct client *client, const char *target, struct answer *ret_answer);
void client_post(struct client *client, const char *target, const char *body, struct answer *ret_answer);

/* Return whether the answer to a GET, which must be 200, contains `text`, and wait until it does. */
bool client_sees(struct client *client, const char *target, const char *text);
void client_await(struct client *client, const char *target, const char *text);

#endif
