/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_H
#define PRESENCED_RECONCILE_H

/* Queries Tencent for the presence of users and corrects the table by the answers. A thread of its own does
 * so for each app that has a key: for all users after a gap, for users in doubt (table_mark()), and for
 * everybody in regular rounds. It never delays an event. Any thread may call everything here except
 * reconcile_new() and reconcile_free(). */

#include "presenced/metric.h"
#include "presenced/secret.h"
#include "presenced/table.h"
#include "presenced/user_event.h"

#define RECONCILE_N_HOSTS 2
#define RECONCILE_HOST_MAX 128
#define RECONCILE_PROBLEM_SIZE 160

/* Maximum number of file descriptors used, for connections and by libcurl. */
#define RECONCILE_N_DESCRIPTORS 48

/* Tencent's regions, numbered as in the configuration. */
#define RECONCILE_N_REGIONS 7

/* Everything in it is borrowed for the call. */
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
    uint64_t calls_per_second; /* per app */
    uint64_t stale_after_ms;
    uint64_t sweep_ms; /* 0: no rounds over all users, only over those online */
};

/* What a reload replaces, prepared in advance. */
struct reconcile_settings;

/* Checks and copies a configuration. Returns 0; -EINVAL if an admin or URL is invalid; -ENOTSUP if OpenSSL
 * cannot sign; or -ENOMEM. The settings are for reconcile_new(), reconcile_adopt() or
 * reconcile_discard(). */
int reconcile_prepare(const struct table *table, const struct reconcile_config *config,
                      struct reconcile_settings **ret_settings);
size_t reconcile_settings_n(const struct reconcile_settings *settings); /* number of apps */
uint16_t reconcile_settings_app(const struct reconcile_settings *settings, size_t at);
void reconcile_discard(struct reconcile_settings *settings);
DEFINE_CLEANUP(struct reconcile_settings *, reconcile_discard)

/* Receives an event for each device that an answer has changed; called from the thread. `add` may be
 * NULL. */
struct reconcile_history {
    void (*add)(void *cls, uint64_t app_id, struct str user_id, const struct user_event *event);
    void *cls;
};

/* How nodes that ask about the same app share its users, so that one of them asks about each user. Called
 * from the thread. Without functions there are no other nodes. */
struct reconcile_sharing {
    /* Returns how many nodes ask about the app's users, including this one. `*ret_n_lost` grows each time
     * one of them is gone, so that this node may have to ask about some of its users. */
    unsigned (*n_nodes)(void *cls, uint16_t app, uint64_t *ret_n_lost);
    /* Returns whether this node must ask about the user. */
    bool (*is_ours)(void *cls, uint16_t app, struct str user_id);
    void *cls;
};

struct reconcile;

/* Starts the thread. `history` and `sharing` are copied. Returns 0, and then the settings are consumed, or
 * -errno. */
int reconcile_new(struct table *table, const struct reconcile_history *history,
                  const struct reconcile_sharing *sharing, struct reconcile_settings *settings,
                  struct reconcile **ret_reconcile);
void reconcile_free(struct reconcile *reconcile);
DEFINE_CLEANUP(struct reconcile *, reconcile_free)

/* Replaces the settings for all later calls. Consumes `settings`. */
void reconcile_adopt(struct reconcile *reconcile, struct reconcile_settings *settings);

/* Reports that events for this node may have been lost. It then asks about all users, including those of
 * other nodes. */
void reconcile_gap(struct reconcile *reconcile);

/* An inquiry of a person: about up to this many users, at once; about none, it checks whether Tencent
 * answers. */
#define RECONCILE_N_INQUIRED_MAX 100

#define RECONCILE_NOT_ASKED 1 /* the app has no key, so Tencent is not asked about it */
#define RECONCILE_BUSY 2      /* another inquiry is in progress */

/* Starts an inquiry. The users are copied. `on_answer` is called from the thread when
 * reconcile_take_answer() has an answer, within the timeout of a call. Returns 0, one of the above, or
 * -ENOMEM. */
int reconcile_inquire(struct reconcile *reconcile, uint16_t app, const struct str *users, size_t n_users,
                      void (*on_answer)(void *cls), void *cls);

/* Moves the answer to `ret_answer`: a JSON object (presenced-api(7)), or empty if there was no memory.
 * Returns false if there is no answer yet. */
bool reconcile_take_answer(struct reconcile *reconcile, struct buf *ret_answer);

/* Why a user was asked about. */
enum reconcile_cause {
    RECONCILE_GAP,   /* after a gap, in which events may have been lost */
    RECONCILE_DOUBT, /* an event did not tell which of several devices it concerns, or a call failed */
    RECONCILE_ROUND, /* a regular round */
    RECONCILE_ORDER, /* an inquiry */
    RECONCILE_N_CAUSES,
};

struct str reconcile_cause_name(enum reconcile_cause cause); /* for example "gap" */

/* Numbers of corrected rows. */
struct reconcile_corrections {
    uint64_t n_ended;  /* were online here and are not at Tencent */
    uint64_t n_begun;  /* were not online here and are at Tencent */
    uint64_t n_others; /* changed between push_online and offline */
};

/* Statistics of one app since the start. */
struct reconcile_stats {
    uint64_t n_calls;
    uint64_t n_calls_failed;
    uint64_t n_users_asked;
    uint64_t n_confirmed; /* users whose rows all agreed with Tencent */
    struct reconcile_corrections corrections[RECONCILE_N_CAUSES];
    uint64_t n_waiting; /* users marked as in doubt */
    uint64_t n_gaps;
    uint64_t calls_per_second;     /* currently allowed */
    uint64_t n_nodes;              /* that share the app's users; 1: this node asks about all */
    uint64_t last_answer_unix_ms;  /* 0: none yet */
    uint64_t last_sweep_unix_ms;   /* end of the last round over all users; 0: none yet */
    uint64_t last_sweep_ms;        /* duration of that round */
    int64_t clock_ahead_ms;        /* lower bound of how far Tencent's clock is ahead of ours, from Date */
    uint64_t clock_uncertainty_ms; /* upper bound minus lower bound */
    unsigned problem_code;         /* Tencent's ErrorCode, or 0 */
    char problem[RECONCILE_PROBLEM_SIZE]; /* what prevents queries or makes answers doubtful; "": nothing */
};

/* Gets the statistics of an app. Returns false if Tencent is not asked about it. */
bool reconcile_stats(struct reconcile *reconcile, uint16_t app, struct reconcile_stats *ret_stats);

/* Reports the metrics, with `app` as the value of their label. */
void reconcile_metrics(const struct reconcile_stats *stats, struct str app,
                       const struct metric_visitor *visitor);

#endif
