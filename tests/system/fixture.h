/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_SYSTEM_FIXTURE_H
#define PRESENCED_TESTS_SYSTEM_FIXTURE_H

/* A daemon in a sandbox and a request that it answers, for suites about connections to its callback
 * listener. */

#include "event.h"
#include "wire.h"

struct fixture {
    struct sandbox *sandbox;
    struct instance *instance;
    struct client *status; /* plain HTTP, for the status listener */
};

extern struct fixture fixture;

#define FIXTURE_TLS "certificate = @DIR@/server.pem\nprivate_key = @DIR@/server.key\n"
#define FIXTURE_CALLBACK "[callback]\nlisten = 127.0.0.1:0\n"
#define FIXTURE_REST "[status]\nlisten = 127.0.0.1:0\n[app 1400000000]\n"

#define FIXTURE_POST \
    "POST /?SdkAppid=1400000000&CallbackCommand=State.StateChange HTTP/1.1\r\nHost: localhost\r\n"
#define FIXTURE_LOGIN \
    "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}"
#define FIXTURE_REQUEST FIXTURE_POST "Content-Length: 86\r\n\r\n" FIXTURE_LOGIN
_Static_assert(sizeof(FIXTURE_LOGIN) - 1 == 86, "Content-Length is correct");

/* Starts the daemon in the existing sandbox, or in a new one. */
void fixture_start(const char *config);
void fixture_stop(void);

/* Connects to the callback listener; with `is_tls`, also completes the handshake. */
struct wire *fixture_connect(bool is_tls);

/* Sends FIXTURE_REQUEST and expects an answer with this status. The connection stays open. */
void fixture_request(struct wire *wire, int status);

/* Checks that another client is served. */
void fixture_expect_service(const char *scheme);

/* Waits until the callback listener has exactly `n` connections. */
void fixture_await_connections(size_t n);

#endif
