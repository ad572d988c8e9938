/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_H
#define PRESENCED_REPLICA_H

/* Replication of the table between several nodes by way of Valkey or Redis ("the engine"). Each node has the
 * whole table in memory and answers queries from it. The engine holds every row, for nodes that start, and
 * logs of recent changes. Rows are merged by the order of row.h, so rows that are sent twice or late do no
 * harm, and whatever the engine loses is sent again by the nodes that have it. All of this happens on a
 * thread of its own, for which nobody waits. Any thread may call everything here except replica_start() and
 * replica_stop(). */

#include "presenced/metric.h"
#include "presenced/replica_url.h"
#include "presenced/table.h"

struct replica;

/* Everything in it is borrowed until replica_stop(). The callbacks are called on the thread of
 * replication. */
struct replica_config {
    const struct replica_url *url;
    struct str user;     /* empty: the engine's default user */
    struct str password; /* empty: no password */
    const char *ca_file; /* for rediss://, in PEM; "": the certificates of the system */
    const char *node;    /* this node's name, for people who look at the engine */
    struct table *table;

    /* Called when an event at another node has changed `user` here. `user` has only the rows that the other
     * node sent. Not called for changes found by a comparison of all rows. May be NULL. */
    void (*on_told)(void *cls, const struct user *user);
    /* Called when forgotten_before of an app may have been raised, which causes no entry in the change log.
     * May be NULL. */
    void (*on_forgotten)(void *cls);
    /* Returns whether other followers of the change log are so far behind that reading all rows should wait.
     * May be NULL. */
    bool (*is_behind)(void *cls);
    void *cls;
};

/* Starts the thread, whether or not the engine can be reached. Returns 0 or -errno. */
int replica_start(const struct replica_config *config, struct replica **ret_replica);

/* Sends pending changes, for about two seconds at most, and stops. Takes NULL. */
void replica_stop(struct replica *replica);
DEFINE_CLEANUP(struct replica *, replica_stop)

/* Returns NULL if no problem is known, else a constant text, "replication: …". */
const char *replica_problem(const struct replica *replica);

/* Returns whether this node has yet to learn what the other nodes know. False, too, once the engine has been
 * unreachable for a while, because serving without that knowledge is better than not serving. */
bool replica_is_learning(const struct replica *replica);

enum replica_state {
    REPLICA_CONNECTING,
    REPLICA_MEETING, /* all rows are compared with the engine's */
    REPLICA_FOLLOWING,
};

const char *replica_state_name(enum replica_state state);

struct replica_stats {
    enum replica_state state;
    uint64_t connected;     /* 1 or 0 */
    bool evicts;            /* the engine may evict rows when its memory is full */
    uint64_t sent_revision; /* changes up to it are in the engine */
    uint64_t lag;           /* number of changes not in the engine yet */
    uint64_t unread;        /* entries of the engine's logs not read yet, as of a second ago */
    uint64_t n_rows_sent;
    uint64_t n_entries_read;
    uint64_t n_users_changed; /* users changed here by other nodes */
    uint64_t n_connections;   /* times the engine was connected to */
    uint64_t n_meetings;
    uint64_t n_missed;    /* times entries were missed, or the engine held other data */
    uint64_t n_resent;    /* times the whole table was sent because the change log had lost changes */
    uint64_t n_failures;  /* connections that failed or were lost, and refused writes */
    uint64_t n_malformed; /* rows that could not be decoded */
    uint64_t n_full;      /* users of other nodes for whom max_users left no room */
    uint64_t n_nodes;     /* live nodes, including this one; 0: unknown */
};

void replica_stats(struct replica *replica, struct replica_stats *ret_stats);
void replica_metrics(struct replica *replica, const struct metric_visitor *visitor);

/* Sharing of reconciliation: nodes that ask Tencent about the same app share its users. */

/* Sets the apps that this node asks about from now on; initially none. */
void replica_set_asked(struct replica *replica, const uint16_t *apps, size_t n_apps);

/* Returns how many nodes share the users of an app. 1: this node must ask about all of them, because it is
 * the only one or does not know the others. `*ret_n_lost` counts how often a node was found to be gone, or
 * contact to all others was lost. */
unsigned replica_n_asking(struct replica *replica, uint16_t app, uint64_t *ret_n_lost);

/* Returns whether this node must ask about the user. */
bool replica_asks_here(struct replica *replica, uint16_t app, struct str user_id);

/* Returns the version of hiredis at build time. */
const char *replica_library_version(void);

#endif
