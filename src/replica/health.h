/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_HEALTH_H
#define PRESENCED_REPLICA_HEALTH_H

/* How replication stands: written by its thread, and read by any. */

#include "failure.h"
#include "presenced/replica.h"

#include <pthread.h>
#include <stdatomic.h>

struct health {
    _Atomic(const char *) problem;
    _Atomic bool has_learnt; /* what the other nodes know; or it waits for that no more */
    _Atomic uint64_t n_failures;
    pthread_mutex_t lock; /* of `stats` */
    struct replica_stats stats;
};

void health_init(struct health *health);
void health_fini(struct health *health);

/* Something has failed; logged where it is another problem than before. */
void health_fail(struct health *health, const struct failure *failure);

/* Something has worked that would not have while there is a problem. */
void health_recover(struct health *health);

/* The table has what the engine has. */
void health_learn(struct health *health, uint64_t n_users_changed);

/* This node serves without that. */
void health_give_up_learning(struct health *health);

/* What is counted, but for n_failures. */
void health_publish(struct health *health, const struct replica_stats *stats);
void health_read(struct health *health, struct replica_stats *ret_stats);

#endif
