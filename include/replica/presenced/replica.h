/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_H
#define PRESENCED_REPLICA_H

/* Several nodes with one table, by way of Valkey or Redis ("the engine"). Each node has the whole table in
 * memory and answers from it; the engine holds every row, for nodes that start, and logs of what changed.
 * Rows merge by the order of row.h, so what is sent twice or late does no harm: whatever the engine loses,
 * the nodes that have it send it again. A thread of its own does all that; nobody waits for it. Any thread
 * may call everything here but replica_start() and replica_stop(). */

#include "presenced/metric.h"
#include "presenced/replica_url.h"
#include "presenced/table.h"

struct replica;

/* Borrowed until replica_stop(). */
struct replica_config {
    const struct replica_url *url;
    struct str user;     /* empty: the engine's default one */
    struct str password; /* empty: none */
    const char *ca_file; /* of rediss://, PEM; "": the system's */
    const char *node;    /* this node's name, for people who look at the engine */
    struct table *table;

    /* Another node has told of an event of this user, which has changed it here: what was told, and no more.
     * Not called for what a comparison of all rows brings. May be NULL. */
    void (*on_told)(void *cls, const struct user *user);
    /* forgotten_before of an app may have been raised, which is no change. May be NULL. */
    void (*on_forgotten)(void *cls);
    /* Whether others who follow the change log are so far behind that what can wait shall. May be NULL. */
    bool (*is_behind)(void *cls);
    void *cls;
};

/* Returns at once, whether or not the engine can be reached. 0 or -errno. */
int replica_start(const struct replica_config *config, struct replica **ret_replica);

/* Sends what was not sent yet, for a second or two at most, and ends. Takes NULL. */
void replica_stop(struct replica *replica);
DEFINE_CLEANUP(struct replica *, replica_stop)

/* NULL: all is well, or nothing was found yet. Else a constant text, "replication: …". */
const char *replica_problem(const struct replica *replica);

/* Whether the table does not have yet what the other nodes have. False, too, where the engine was not to be
 * had for a while: this node takes events then, rather than none. */
bool replica_is_learning(const struct replica *replica);

enum replica_state {
    REPLICA_CONNECTING,
    REPLICA_MEETING, /* all rows are being compared */
    REPLICA_FOLLOWING,
};

const char *replica_state_name(enum replica_state state);

struct replica_stats {
    enum replica_state state;
    uint64_t connected;     /* 1 or 0 */
    bool evicts;            /* the engine throws rows away when its memory is full */
    uint64_t sent_revision; /* changes up to it are in the engine */
    uint64_t lag;           /* changes that it has not yet */
    uint64_t unread;        /* entries of the engine's logs that were not read yet, as of a second ago */
    uint64_t n_rows_sent;
    uint64_t n_entries_read;
    uint64_t n_users_changed; /* by other nodes */
    uint64_t n_connections;   /* made to the engine, two of them counting as one */
    uint64_t n_meetings;
    uint64_t n_missed;    /* times that entries were missed, or the engine held other data */
    uint64_t n_resent;    /* times that the whole table was sent, for changes were lost from the log */
    uint64_t n_failures;  /* connections lost or not made, and writes refused */
    uint64_t n_malformed; /* rows that could not be read */
    uint64_t n_full;      /* users for whom max_users left no room */
    uint64_t n_nodes;     /* that live, this one being one of them; 0: not known */
};

void replica_stats(struct replica *replica, struct replica_stats *ret_stats);
void replica_metrics(struct replica *replica, const struct metric_visitor *visitor);

/* Who asks Tencent about whom: nodes that ask about the same app share its users. */

/* The apps that this node asks about from now on; at first none. */
void replica_set_asked(struct replica *replica, const uint16_t *apps, size_t n_apps);

/* How many nodes share the asking about an app's users; 1: this node is to ask about all of them, for it is
 * the only one, or does not know of the others. `*ret_n_lost` grows each time that a node is found to be
 * gone, or that the others are lost sight of. */
unsigned replica_n_asking(struct replica *replica, uint16_t app, uint64_t *ret_n_lost);

/* Whether it is this node that is to ask about the user. */
bool replica_asks_here(struct replica *replica, uint16_t app, struct str user_id);

/* The version of hiredis at build time. */
const char *replica_library_version(void);

#endif
