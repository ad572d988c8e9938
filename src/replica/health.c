/* SPDX-License-Identifier: MIT */
#include "health.h"

#include "presenced/log.h"

void health_init(struct health *health)
{
    (void)pthread_mutex_init(&health->lock, NULL);
}

void health_fini(struct health *health)
{
    (void)pthread_mutex_destroy(&health->lock);
}

void health_fail(struct health *health, const struct failure *failure)
{
    atomic_fetch_add(&health->n_failures, 1);
    if (atomic_exchange(&health->problem, failure->problem) != failure->problem) {
        log_error("replication fails: trying again", log_text("problem", failure->problem),
                  log_text("detail", failure->detail));
    }
}

void health_recover(struct health *health)
{
    if (atomic_exchange(&health->problem, NULL) != NULL) {
        log_notice("replication works again");
    }
}

void health_learn(struct health *health, uint64_t n_users_changed)
{
    if (!atomic_exchange(&health->has_learnt, true)) {
        log_notice("replication: met", log_u64("users_changed", n_users_changed));
    }
}

void health_give_up_learning(struct health *health)
{
    if (!atomic_exchange(&health->has_learnt, true)) {
        log_warning("replication: going on without what other nodes know, until the engine can be reached");
    }
}

void health_publish(struct health *health, const struct replica_stats *stats)
{
    (void)pthread_mutex_lock(&health->lock);
    health->stats = *stats;
    (void)pthread_mutex_unlock(&health->lock);
}

void health_read(struct health *health, struct replica_stats *ret_stats)
{
    (void)pthread_mutex_lock(&health->lock);
    *ret_stats = health->stats;
    (void)pthread_mutex_unlock(&health->lock);
    ret_stats->n_failures = atomic_load(&health->n_failures);
}
