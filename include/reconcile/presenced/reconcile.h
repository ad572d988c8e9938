/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_H
#define PRESENCED_RECONCILE_H

/* Asks Tencent what its callbacks left open, and corrects the table by the answers. A thread of its own asks,
 * for each app that has a key: everyone after a gap, then users in doubt (table_mark()), then everybody again
 * and again. It never delays an event. Any thread may call everything here but new and free. */

#include "presenced/metric.h"
#include "presenced/secret.h"
#include "presenced/table.h"
#include "presenced/user_event.h"

#define RECONCILE_N_HOSTS 2
#define RECONCILE_HOST_MAX 128
#define RECONCILE_PROBLEM_SIZE 160

/* Descriptors that it needs: connections and what libcurl opens. */
#define RECONCILE_N_DESCRIPTORS 48

/* Tencent's regions, by the numbers of the option. */
#define RECONCILE_N_REGIONS 7

/* Borrowed. */
struct reconcile_app {
    uint16_t app;
    struct str admin;
    struct str secret_key;
    struct str api_url; /* "https://host:port"; empty: the hosts of `region` */
    unsigned region;
};

struct reconcile_config {
    const struct reconcile_app *apps;
    size_t n_apps;
    uint64_t calls_per_second; /* of an app */
    uint64_t stale_after_ms;
    uint64_t sweep_ms; /* 0: only those online */
};

/* What a reload exchanges, made ready. */
struct reconcile_settings;

/* 0; -EINVAL for an admin that is none; -ENOTSUP where OpenSSL cannot sign; -ENOMEM. */
int reconcile_prepare(const struct table *table, const struct reconcile_config *config,
                      struct reconcile_settings **ret_settings);
size_t reconcile_settings_n(const struct reconcile_settings *settings); /* apps that they have */
uint16_t reconcile_settings_app(const struct reconcile_settings *settings, size_t at);
void reconcile_discard(struct reconcile_settings *settings);
DEFINE_CLEANUP(struct reconcile_settings *, reconcile_discard)

/* Where what an answer has changed is remembered, a device at a time; from the thread. `add` NULL: nowhere.
 */
struct reconcile_history {
    void (*add)(void *cls, uint64_t app_id, struct str user_id, const struct user_event *event);
    void *cls;
};

/* Other nodes that ask about the same app: each user is asked about by one of them. Called from the thread.
 * Functions NULL: there are none. */
struct reconcile_sharing {
    /* How many nodes ask about the app's users, this one being one of them. `*ret_n_lost` grows each time
     * that one of them has gone: this node may have to ask about some of its users. */
    unsigned (*n_nodes)(void *cls, uint16_t app, uint64_t *ret_n_lost);
    /* Whether it is this node that is to ask about the user. */
    bool (*is_ours)(void *cls, uint16_t app, struct str user_id);
    void *cls;
};

struct reconcile;

/* Starts the thread. Consumes the settings where it succeeds. 0 or -errno. */
int reconcile_new(struct table *table, const struct reconcile_history *history,
                  const struct reconcile_sharing *sharing, struct reconcile_settings *settings,
                  struct reconcile **ret_reconcile);
void reconcile_free(struct reconcile *reconcile);
DEFINE_CLEANUP(struct reconcile *, reconcile_free)

/* From now on, and for all that is asked later. Consumes the settings. */
void reconcile_adopt(struct reconcile *reconcile, struct reconcile_settings *settings);

/* Events that this node was to hear may have been lost: it asks about everyone, whoever is asked about by
 * other nodes too. */
void reconcile_gap(struct reconcile *reconcile);

/* A person asks about up to so many users, now; about none: whether Tencent answers. */
#define RECONCILE_N_INQUIRED_MAX 100

#define RECONCILE_NOT_ASKED 1 /* nobody asks for that app */
#define RECONCILE_BUSY 2      /* another inquiry is under way */

/* `on_answer` is called from the thread when reconcile_take_answer() has an answer: within the time-out of a
 * call. 0, one of the above, or -ENOMEM. */
int reconcile_inquire(struct reconcile *reconcile, uint16_t app, const struct str *users, size_t n_users,
                      void (*on_answer)(void *cls), void *cls);

/* Hands over the answer, a JSON object (presenced-api(7)), empty where memory was gone. False: not yet. */
bool reconcile_take_answer(struct reconcile *reconcile, struct buf *ret_answer);

/* Why a user was asked about. */
enum reconcile_cause {
    RECONCILE_GAP,   /* everyone was */
    RECONCILE_DOUBT, /* an event left open which of several devices it is about; or a call has failed */
    RECONCILE_ROUND, /* nothing: everybody's turn comes again and again */
    RECONCILE_ORDER, /* a person asked */
    RECONCILE_N_CAUSES,
};

struct str reconcile_cause_name(enum reconcile_cause cause); /* "gap" */

/* Rows corrected. */
struct reconcile_corrections {
    uint64_t n_ended;  /* were shown online, and were not */
    uint64_t n_begun;  /* were not, and were */
    uint64_t n_others; /* push_online for offline, or the other way round */
};

/* Of one app, since the start. */
struct reconcile_stats {
    uint64_t n_calls;
    uint64_t n_calls_failed;
    uint64_t n_users_asked;
    uint64_t n_confirmed; /* users of whom all was as known */
    struct reconcile_corrections corrections[RECONCILE_N_CAUSES];
    uint64_t n_waiting; /* users marked as in doubt */
    uint64_t n_gaps;
    uint64_t calls_per_second;            /* that are allowed at the moment */
    uint64_t n_nodes;                     /* that share the asking; 1: this one asks about everybody */
    uint64_t last_answer_unix_ms;         /* 0: none yet */
    uint64_t last_sweep_unix_ms;          /* when everybody had been asked about */
    uint64_t last_sweep_ms;               /* how long that took */
    int64_t clock_ahead_ms;               /* Tencent's clock against ours, from Date; at least */
    uint64_t clock_uncertainty_ms;        /* and so much more at most */
    unsigned problem_code;                /* ErrorCode, or 0 */
    char problem[RECONCILE_PROBLEM_SIZE]; /* what keeps it from asking, or makes answers doubtful; "": nothing
                                           */
};

/* False where nobody asks for that app. */
bool reconcile_stats(struct reconcile *reconcile, uint16_t app, struct reconcile_stats *ret_stats);

/* `app` is the value of their label. */
void reconcile_metrics(const struct reconcile_stats *stats, struct str app,
                       const struct metric_visitor *visitor);

#endif
