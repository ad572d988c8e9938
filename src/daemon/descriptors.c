/* SPDX-License-Identifier: MIT */
/* Limits the number of connections by the number of file descriptors, once at start: one connection too many
 * would take the descriptor that the store or a reload needs next. */
#include "parts.h"

#include "presenced/log.h"

#include <errno.h>
#include <sys/resource.h>

#define STATUS_MAX_CONNECTIONS 1536 /* two thirds of them may be streams */
#define MIN_CONNECTIONS 16

#define OTHER_DESCRIPTORS 64 /* listening sockets, the log, files being read, those of libraries */

static rlim_t n_needed(const struct daemon *daemon)
{
    bool has_store = daemon->config->store.path[0] != '\0';
    bool has_history = has_store && daemon->config->store.history_ms > 0;
    return OTHER_DESCRIPTORS + RECONCILE_N_DESCRIPTORS + (rlim_t)(has_store ? STORE_N_DESCRIPTORS : 0) +
           (rlim_t)(has_history ? EVENT_HISTORY_N_DESCRIPTORS : 0) +
           HTTP_DESCRIPTORS_A_THREAD * (rlim_t)(n_listener_threads() + CONTROL_THREADS) +
           HTTP_DESCRIPTORS_A_CONNECTION * (rlim_t)CONTROL_MAX_CONNECTIONS;
}

/* Raises the soft limit, which exists for programs that use select(), to the hard limit. `*ret_limit` is the
 * limit now in force. Returns 0 or -errno. */
static int raise_limit(rlim_t *ret_limit)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return -errno;
    }
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    *ret_limit = setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
    return 0;
}

static unsigned lesser(rlim_t a, rlim_t b)
{
    return (unsigned)(a < b ? a : b);
}

/* If there are too few for both listeners, the status listener gets an eighth. */
static void divide(struct daemon *daemon, rlim_t left)
{
    rlim_t n = left / HTTP_DESCRIPTORS_A_CONNECTION;
    unsigned callback = lesser(n - lesser(n / 8, STATUS_MAX_CONNECTIONS),
                               daemon->config->callback.max_connections);
    daemon->max_connections[CALLBACK_LISTENER] = callback;
    daemon->max_connections[STATUS_LISTENER] = lesser(n - callback, STATUS_MAX_CONNECTIONS);
}

int start_descriptors(struct daemon *daemon)
{
    rlim_t needed = n_needed(daemon);
    rlim_t n_connections = (rlim_t)daemon->config->callback.max_connections + STATUS_MAX_CONNECTIONS;
    rlim_t wanted = needed + HTTP_DESCRIPTORS_A_CONNECTION * n_connections;
    rlim_t limit = 0;
    int r = raise_limit(&limit);
    if (r < 0) {
        return r;
    }
    if (limit < needed + MIN_CONNECTIONS) {
        log_error("the limit of open files is too low (ulimit -n, LimitNOFILE=)", log_u64("limit", limit),
                  log_u64("needed", needed + MIN_CONNECTIONS), log_u64("wanted", wanted));
        return -EMFILE;
    }
    divide(daemon, limit - needed);
    if (limit < wanted) {
        log_warning("the limit of open files leaves room for fewer connections (ulimit -n, LimitNOFILE=)",
                    log_u64("callback", daemon->max_connections[CALLBACK_LISTENER]),
                    log_u64("status", daemon->max_connections[STATUS_LISTENER]), log_u64("limit", limit),
                    log_u64("wanted", wanted));
    }
    return 0;
}
