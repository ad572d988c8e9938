/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_SESSION_H
#define PRESENCED_REPLICA_SESSION_H

/* What is done with an engine while it is connected: all rows are compared where that is needed, changes are
 * sent as they come, those of other nodes are read, and the engine is looked at once a second. What is known
 * of the engine outlives the connection. One thread; but session_wake() any. */

#include "health.h"
#include "meeting.h"
#include "peers.h"
#include "sender.h"

/* Borrowed. */
struct session_config {
    const struct replica_config *replica;
    const struct primary_config *primary;
    const char *run; /* of this process: PEERS_RUN_LEN characters */
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
    bool evicts; /* the engine that was connected last */
    uint64_t next_look_ms;
    unsigned n_looks;
    uint64_t unread; /* as of the last look */
    uint64_t n_connections;
    uint64_t n_missed;
    uint64_t n_resent;
};

/* 0 or -errno, after which it is for session_fini() too. */
int session_init(struct session *session, const struct session_config *config);
void session_fini(struct session *session);

/* Connects and serves until something fails, or until all is sent at the end. 0 or below. */
int session_run(struct session *session, struct failure *ret_failure);

/* There is something to do. */
void session_wake(struct session *session);

/* The thread is to end: what was not sent yet is sent for a second or two at most. */
void session_end(struct session *session);
bool session_is_ending(const struct session *session);

/* Waits for so long, or until session_end(). */
void session_pause(struct session *session, int pause_ms);

#endif
