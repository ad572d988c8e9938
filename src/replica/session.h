/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_SESSION_H
#define PRESENCED_REPLICA_SESSION_H

/* The work while an engine is connected: compares all rows if necessary, sends changes, reads those of other
 * nodes, and checks the engine once a second. The state survives the connection. For one thread;
 * session_wake() and session_end() may be called by any. */

#include "health.h"
#include "meeting.h"
#include "peers.h"
#include "sender.h"

/* Borrowed. */
struct session_config {
    const struct replica_config *replica;
    const struct primary_config *primary;
    const char *run; /* identifies this process, in PEERS_RUN_LEN characters */
    struct peers *peers;
    struct health *health;
};

struct session {
    struct session_config config;
    int wake_fd;
    _Atomic bool is_ending;
    struct primary primary;
    struct log_reader reader;
    struct gather gather;
    struct sender sender;
    struct meeting meeting;
    bool is_connected;
    bool evicts; /* of the last connected engine */
    uint64_t next_check_ms;
    unsigned n_checks;
    uint64_t unread; /* as of the last check */
    uint64_t n_connections;
    uint64_t n_missed;
    uint64_t n_resent;
};

/* Returns 0 or -errno, after which session_fini() must be called, too. */
int session_init(struct session *session, const struct session_config *config);
void session_fini(struct session *session);

/* Connects and serves until something fails or, after session_end(), everything was sent. Returns 0 or
 * -errno. */
int session_run(struct session *session, struct failure *ret_failure);

/* Makes the thread check what there is to do. */
void session_wake(struct session *session);

/* Makes the thread end after sending pending changes, for about two seconds at most. */
void session_end(struct session *session);
bool session_is_ending(const struct session *session);

/* Waits for `pause_ms`, or until session_end(). */
void session_pause(struct session *session, int pause_ms);

#endif
