/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_HEALTH_H
#define PRESENCED_REPLICA_HEALTH_H

/* The state of replication: written by its thread, read by any. */

#include "failure.h"
#include "presenced/replica.h"

#include <pthread.h>
#include <stdatomic.h>

struct health {
    _Atomic(const char *) problem;
    /* The table has what the other nodes know, or this node no longer waits for it. */
    _Atomic bool has_learnt;
    _Atomic uint64_t n_failures;
    pthread_mutex_t lock; /* protects `stats` */
    struct replica_stats stats;
};

void health_init(struct health *health);
void health_fini(struct health *health);

/* Records a failure; logged if the problem differs from the one before. */
void health_fail(struct health *health, const struct failure *failure);

/* Clears the problem, if any: something has worked that would not have worked with it. */
void health_recover(struct health *health);

/* Records that the table has what the engine has. */
void health_learn(struct health *health, uint64_t n_users_changed);

/* Records that this node serves without waiting for that. */
void health_give_up_learning(struct health *health);

/* Writes and reads the statistics. n_failures is maintained by health_fail(). */
void health_publish(struct health *health, const struct replica_stats *stats);
void health_read(struct health *health, struct replica_stats *ret_stats);

#endif
