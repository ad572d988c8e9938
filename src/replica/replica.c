/* SPDX-License-Identifier: MIT */
/* The thread of replication, which connects again after each failure, and the functions that other threads
 * call. */
#include "presenced/replica.h"

#include "presenced/clock.h"
#include "session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

/* After this long without an engine, serve without what other nodes know. */
#define LEARNING_PATIENCE_MS 10000
#define PAUSE_MIN_MS 100
#define PAUSE_MAX_MS 5000
#define N_DOUBLINGS_MAX 6
#define STEADY_MS 10000 /* after a connection that lasted this long the next pause is short again */

struct replica {
    struct replica_config config;
    struct primary_config primary_config;
    struct changes *changes;
    char run[PEERS_RUN_LEN + 1];
    struct peers *peers;
    struct health health;
    struct session session;
    uint64_t started_ms;
    unsigned n_attempts; /* consecutive attempts that did not last */
    pthread_t thread;
    bool has_thread;
};

/* Returns the pause before the next attempt: twice the last one, minus a random part of up to a half, so
 * that nodes that lost the engine together do not all return together. */
static int pause_ms(struct replica *replica)
{
    uint32_t random = 0;
    unsigned most = PAUSE_MIN_MS << (replica->n_attempts < N_DOUBLINGS_MAX ? replica->n_attempts
                                                                           : N_DOUBLINGS_MAX);
    most = most < PAUSE_MAX_MS ? most : PAUSE_MAX_MS;
    replica->n_attempts++;
    (void)!getrandom(&random, sizeof(random), 0);
    return (int)(most - random % (most / 2));
}

static void attempt(struct replica *replica)
{
    struct failure failure;
    uint64_t began_ms = clock_monotonic_ms();
    int r = session_run(&replica->session, &failure);
    uint64_t now_ms = clock_monotonic_ms();
    if (now_ms - began_ms > STEADY_MS) {
        replica->n_attempts = 0;
    }
    if (r < 0) {
        health_fail(&replica->health, &failure);
    }
    if (now_ms - replica->started_ms > LEARNING_PATIENCE_MS) {
        health_give_up_learning(&replica->health);
    }
}

static void *run(void *cls)
{
    struct replica *replica = cls;
    while (!session_is_ending(&replica->session)) {
        attempt(replica);
        session_pause(&replica->session, pause_ms(replica));
    }
    return NULL;
}

static int start_thread(struct replica *replica)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int r = -pthread_create(&replica->thread, NULL, run, replica);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    replica->has_thread = r == 0;
    if (r == 0) {
        (void)pthread_setname_np(replica->thread, "replica");
    }
    return r;
}

static int start(struct replica *replica)
{
    uint64_t name;
    if (getrandom(&name, sizeof(name), 0) != (ssize_t)sizeof(name)) {
        return -errno;
    }
    (void)snprintf(replica->run, sizeof(replica->run), "%016" PRIx64, name);
    int r = peers_new(replica->config.table, replica->run, &replica->peers);
    if (r < 0) {
        return r;
    }
    const struct session_config config = {&replica->config, &replica->primary_config, replica->run,
                                          replica->peers, &replica->health};
    r = session_init(&replica->session, &config);
    return r < 0 ? r : start_thread(replica);
}

int replica_start(const struct replica_config *config, struct replica **ret_replica)
{
    struct replica *replica = calloc(1, sizeof(*replica));
    if (replica == NULL) {
        return -ENOMEM;
    }
    replica->config = *config;
    replica->primary_config = (struct primary_config){
        .url = config->url,
        .user = config->user,
        .password = config->password,
        .ca_file = config->ca_file,
        .node = config->node,
    };
    replica->changes = table_changes(config->table);
    replica->started_ms = clock_monotonic_ms();
    replica->session.wake_fd = -1;
    replica->session.sender.changes_fd = -1;
    health_init(&replica->health);
    int r = start(replica);
    if (r < 0) {
        replica_stop(replica);
        return r;
    }
    *ret_replica = replica;
    return 0;
}

void replica_stop(struct replica *replica)
{
    if (replica == NULL) {
        return;
    }
    if (replica->has_thread) {
        session_end(&replica->session);
        (void)pthread_join(replica->thread, NULL);
    }
    session_fini(&replica->session);
    peers_free(replica->peers);
    health_fini(&replica->health);
    free(replica);
}

const char *replica_problem(const struct replica *replica)
{
    return atomic_load_explicit(&replica->health.problem, memory_order_acquire);
}

bool replica_is_learning(const struct replica *replica)
{
    return !atomic_load_explicit(&replica->health.has_learnt, memory_order_acquire);
}

const char *replica_state_name(enum replica_state state)
{
    static const char *const names[] = {
        [REPLICA_CONNECTING] = "connecting",
        [REPLICA_MEETING] = "meeting",
        [REPLICA_FOLLOWING] = "following",
    };
    return names[state];
}

void replica_stats(struct replica *replica, struct replica_stats *ret_stats)
{
    struct replica_stats stats;
    health_read(&replica->health, &stats);
    uint64_t last_revision = changes_last_revision(replica->changes);
    stats.lag = last_revision > stats.sent_revision ? last_revision - stats.sent_revision : 0;
    stats.n_nodes = peers_n_living(replica->peers);
    *ret_stats = stats;
}

void replica_set_asked(struct replica *replica, const uint16_t *apps, size_t n_apps)
{
    peers_set_asked(replica->peers, apps, n_apps);
    session_wake(&replica->session); /* so that they are announced at once */
}

unsigned replica_n_asking(struct replica *replica, uint16_t app, uint64_t *ret_n_lost)
{
    return peers_n_asking(replica->peers, app, ret_n_lost);
}

bool replica_asks_here(struct replica *replica, uint16_t app, struct str user_id)
{
    return peers_is_ours(replica->peers, app, user_id);
}

const char *replica_library_version(void)
{
    return link_library_version();
}
