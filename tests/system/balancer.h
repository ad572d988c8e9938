/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_BALANCER_H
#define PRESENCED_TESTS_BALANCER_H

/* The real nginx and HAProxy as conf/examples sets them up, but for addresses and paths. The caller comes
 * from 127.0.0.9 and the balancer from 127.0.0.1, so a node can tell them apart. */

#include "client.h"

enum balancer_kind { NGINX, HAPROXY, N_BALANCERS };

/* The tag of tests with it, too. */
extern const char *const balancer_names[N_BALANCERS];

#define BALANCER_CALLER "127.0.0.9"

struct replacement {
    const char *from;
    const char *to;
};

struct balancer {
    uint16_t port;
    pid_t pid;
};

/* Starts it with an example, "" or "several-nodes/", in which these addresses are replaced; its log is
 * access.log of the sandbox. */
struct balancer balancer_start(struct sandbox *sandbox, enum balancer_kind kind, const char *folder,
                               const struct replacement *addresses, size_t n_addresses);

/* HAProxy with a configuration of the test's own, in which @PORT@ is where it is to listen. */
struct balancer balancer_start_haproxy(struct sandbox *sandbox, const char *config);

/* Ends it. */
void balancer_stop(const struct balancer *balancer);

/* A client that speaks HTTPS with it, from BALANCER_CALLER. */
struct client *balancer_caller(const struct balancer *balancer, const struct sandbox *sandbox);

/* Waits until it says 200 to /readyz. */
void balancer_await(const struct balancer *balancer, const struct sandbox *sandbox);

/* Sends a callback of the app EVENT_APP, signed with `token`: a Login of that user, whatever the command.
 * What client_try() says. */
CURLcode balancer_post(struct client *caller, const char *token, const char *command, const char *user,
                       struct answer *ret_answer);

#endif
