/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_SYSTEM_FIXTURE_H
#define PRESENCED_TESTS_SYSTEM_FIXTURE_H

/* One daemon in a sandbox, and a request that it answers, for suites about connections to its callback
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
_Static_assert(sizeof(FIXTURE_LOGIN) - 1 == 86, "as Content-Length says");

/* In a sandbox that is there already, or else a new one. */
void fixture_start(const char *config);
void fixture_stop(void);

/* To the callback listener; with `is_tls` the handshake is done. */
struct wire *fixture_connect(bool is_tls);

/* Sends FIXTURE_REQUEST and takes its answer; the connection is kept. */
void fixture_request(struct wire *wire, int status);

/* Somebody else is served. */
void fixture_expect_service(const char *scheme);

/* Until the callback listener has so many connections. */
void fixture_await_connections(size_t n);

#endif
