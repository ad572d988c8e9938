/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_BALANCER_H
#define PRESENCED_TESTS_BALANCER_H

/* Runs the real nginx and HAProxy with the configurations of conf/examples, in which only addresses and paths
 * are changed. The client connects from 127.0.0.9 and the balancer from 127.0.0.1, so that a node can tell
 * them apart. */

#include "client.h"

enum balancer_kind { NGINX, HAPROXY, N_BALANCERS };

/* The names are also the tags of tests that need the balancer. */
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

/* Starts a balancer with the example in `folder`, "" or "several-nodes/", with the given addresses replaced.
 * It logs to access.log in the sandbox. */
struct balancer balancer_start(struct sandbox *sandbox, enum balancer_kind kind, const char *folder,
                               const struct replacement *addresses, size_t n_addresses);

/* Starts HAProxy with a configuration of the test's own, in which @PORT@ is replaced by the port to listen
 * on. */
struct balancer balancer_start_haproxy(struct sandbox *sandbox, const char *config);

void balancer_stop(const struct balancer *balancer);

/* Returns a client that connects to the balancer over HTTPS, from BALANCER_CALLER. The caller frees it. */
struct client *balancer_caller(const struct balancer *balancer, const struct sandbox *sandbox);

/* Waits until the balancer answers /readyz with 200. */
void balancer_await(const struct balancer *balancer, const struct sandbox *sandbox);

/* Sends a callback for EVENT_APP, signed with `token`. The body is a Login of the user, whatever `command`
 * is. Returns as client_try(). */
CURLcode balancer_post(struct client *caller, const char *token, const char *command, const char *user,
                       struct answer *ret_answer);

#endif
