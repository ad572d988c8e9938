/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_PARTS_H
#define PRESENCED_DAEMON_PARTS_H

/* The parts of the running daemon. Each is set up by a file of its own from what it needs of the
 * configuration. Main thread only, unless stated otherwise. */

#include "presenced/callback.h"
#include "presenced/config.h"
#include "presenced/control.h"
#include "presenced/event_history.h"
#include "presenced/listener.h"
#include "presenced/log.h"
#include "presenced/reconcile.h"
#include "presenced/replica.h"
#include "presenced/socket.h"
#include "presenced/status.h"
#include "presenced/store.h"
#include "presenced/warnings.h"
#include "sd_notify.h"

#include <pthread.h>
#include <stdatomic.h>

#define NODE_NAME_SIZE 65

enum { CALLBACK_LISTENER, STATUS_LISTENER, N_LISTENERS };

struct reload_counters {
    uint64_t n_successful;
    uint64_t n_failed;
    bool last_successful;
    uint64_t loaded_unix_ms; /* of the configuration in force */
};

/* The control listener is not among the N_LISTENERS: it has no TLS, no passed socket and no counters. */
#define CONTROL_THREADS 1
#define CONTROL_MAX_CONNECTIONS 16

/* Written by the main thread, read by the status listener's threads. */
struct reloads {
    pthread_mutex_t lock;
    struct reload_counters counters;
};

#define N_STATUS_PARTS 8

/* A socket that the service manager has passed. */
struct activation_socket {
    int fd; /* -1: it was given to its listener */
    unsigned listener;
    struct endpoint endpoint;
};

struct passed {
    struct activation_socket items[N_LISTENERS * CONFIG_N_LISTEN_MAX];
    size_t n;
};

/* The last report to the service manager. */
struct report {
    uint64_t next_ms;
    uint64_t n_users_loaded;
    char line[SERVICE_STATUS_SIZE];
};

struct watchdog {
    uint64_t interval_ms; /* between checks; 0: the service manager expects no pings */
    uint64_t next_ms;
    unsigned moved; /* one bit for each part that has made progress since the last ping */
};

/* The whole daemon. The listeners' threads read `readiness` and the fields that do not change after the
 * start. */
struct daemon {
    const struct config *config; /* as loaded at start; reloads do not change it */
    const char *config_path;
    pthread_t main_thread;
    uint64_t started_unix_ms;
    uint64_t started_monotonic_ms;
    _Atomic enum status_readiness readiness;
    uint64_t drained_ms; /* start of draining (clock_monotonic_ms()); 0: not draining */
    struct log_config log;
    struct reloads reloads;
    struct warnings *warnings;
    struct refused_list *refused;
    struct table *table;
    struct online_minutes *online_minutes;
    struct breakdown *breakdown;
    _Atomic(struct reconcile *) reconcile; /* NULL: no app has had a key since the start */
    struct callback *callback;
    struct status *status;
    struct tls *tls[N_LISTENERS];          /* NULL: plain HTTP */
    struct store *store;                   /* NULL: memory only */
    struct event_history *event_history;   /* NULL: no history is kept */
    struct replica *replica;               /* NULL: no replication */
    struct replica_url replica_url;        /* used by `replica` */
    char node[NODE_NAME_SIZE];             /* this node's name for people who look at the engine */
    unsigned max_connections[N_LISTENERS]; /* limited by the number of file descriptors */
    struct http_listener *listeners[N_LISTENERS];
    struct socket_file socket_files[N_LISTENERS * CONFIG_N_LISTEN_MAX]; /* of sockets bound here */
    size_t n_socket_files;
    pthread_mutex_t wake_lock;
    bool may_wake; /* the listeners run, so other threads may wake them */
    struct status_part status_parts[N_STATUS_PARTS];
    struct control *control; /* NULL, like control_listener: there is no control socket */
    bool is_inquiring;       /* the current order waits for Tencent's answer */
    struct http_listener *control_listener;
    struct socket_file control_file;
    struct passed passed;
    struct report report;
    struct watchdog watchdog;
    struct trouble *trouble;
};

extern const char *const daemon_listener_names[N_LISTENERS];

/* The passed sockets or the certificates do not fit the configuration; the reason was logged. */
#define START_MISCONFIGURED 1
/* A signal that ends the daemon arrived during the start. */
#define START_CANCELLED 2

/* Each start_…() returns 0, one of the above or -errno; it logs an error only if it can say more than the
 * text of the code. Afterwards, stop_…() must be called even if it failed. stop_…() accepts a part that is
 * unused or only partly started. */

/* activation.c */
int start_activation(struct daemon *daemon);
void stop_activation(struct daemon *daemon);

/* Checks whether `config` is acceptable given who can reach the passed sockets. Returns 0; -EINVAL with
 * errors; or -ENOMEM. */
int activation_check(const struct daemon *daemon, const struct config *config, struct buf *errors);

/* report.c */
void report_loading(struct daemon *daemon, uint64_t n_users);
void report_ready(struct daemon *daemon);
void report_reloading(struct daemon *daemon);
void report_reloaded(struct daemon *daemon); /* called whether or not the reload succeeded */
void report_stopping(struct daemon *daemon);

/* Reports a changed status, at most every two seconds; otherwise returns at once. */
void report_refresh(struct daemon *daemon);

/* trouble.c: raises and clears warnings */
int start_trouble(struct daemon *daemon);
void stop_trouble(struct daemon *daemon);

/* Takes the settings of apps, which must be in the table, and updates the warnings about apps without a
 * token. */
void trouble_configure(struct daemon *daemon, const struct config *config);

/* Updates the warnings, at most once a second; otherwise returns at once. */
void trouble_look(struct daemon *daemon);

/* watchdog.c */
int start_watchdog(struct daemon *daemon);

/* If it is time, checks the parts, and pings the service manager if all of them have made progress. Returns
 * when it should be called next (clock_monotonic_ms()). */
uint64_t watchdog_look(struct daemon *daemon, uint64_t now_ms);

/* descriptors.c */
int start_descriptors(struct daemon *daemon);

/* storage.c */
int start_storage(struct daemon *daemon);
void stop_storage(struct daemon *daemon);

/* Returns how the callback learns what is durable; without functions if there is no store. */
struct callback_store storage_of_callback(struct daemon *daemon);

/* Return how the history of users' events is written and read; without functions if none is kept. */
struct callback_history history_of_callback(struct daemon *daemon);
struct status_user_events history_of_status(struct daemon *daemon);

/* replication.c */
int start_replication(struct daemon *daemon);
void stop_replication(struct daemon *daemon);

/* Checks the section [replication]. Returns 0; -EINVAL with errors; or -ENOMEM. */
int replication_check(const struct config *config, struct buf *errors);

/* Returns how nodes share the users about whom Tencent is asked; without functions if there is no
 * replication. */
struct reconcile_sharing sharing_of_asking(struct daemon *daemon);

/* Tells the other nodes which apps this node asks about from now on; NULL: none. */
void announce_asking(struct daemon *daemon, const struct reconcile_settings *settings);

/* Returns whether the daemon is not ready because it has yet to learn what the other nodes know. Any
 * thread. */
bool replication_is_learning(const struct daemon *daemon);

/* asking.c: reconciliation with Tencent, for apps that have a key */
int start_asking(struct daemon *daemon);
void stop_asking(struct daemon *daemon);

/* Prepares the settings of a configuration, whose apps must be in the table. They are for adopt_asking() or
 * reconcile_discard(). Returns 0 or -errno, logged. */
int prepare_asking(struct daemon *daemon, const struct config *config,
                   struct reconcile_settings **ret_settings);

/* Replaces the settings. Consumes `settings`. */
void adopt_asking(struct daemon *daemon, struct reconcile_settings *settings);

/* Tells reconcile that events may have been lost. */
void lose_events(struct daemon *daemon);

/* Gets the statistics of one app. Returns false if Tencent is not asked about it. */
bool asking_stats(struct daemon *daemon, uint16_t app, struct reconcile_stats *ret_stats);
struct status_app_part asking_of_app(struct daemon *daemon);

/* Begins to ask Tencent about users, on behalf of presencectl. Returns whether it has begun; if not, `lines`
 * says why. */
bool begin_inquiry(struct daemon *daemon, const struct control_question *question, struct buf *lines);

/* Gets the answer, as JSON, or empty if there was no memory. Returns false if it has not arrived yet. */
bool end_inquiry(struct daemon *daemon, struct buf *ret_answer);

/* counters.c */

/* Describes the parts whose metrics the status listener shows. */
void describe_parts(struct daemon *daemon, struct status_part ret_parts[static N_STATUS_PARTS]);

/* Count a reload. A failed one raises a warning, which the next successful one clears. */
void note_reload_succeeded(struct daemon *daemon);
void note_reload_failed(struct daemon *daemon, struct str why);

/* callback_setup.c */
int start_callback(struct daemon *daemon);
void stop_callback(struct daemon *daemon);

/* Prepares the rules of a configuration, whose apps must be in the table. They are for callback_adopt() or
 * callback_discard(). Returns 0 or -errno. */
int prepare_rules(struct daemon *daemon, const struct config *config, struct rules **ret_rules);

/* status_setup.c */
int start_status(struct daemon *daemon);
void stop_status(struct daemon *daemon);
int prepare_status_settings(struct daemon *daemon, const struct config *config,
                            struct status_settings **ret_settings);

/* Returns the readiness of the daemon with all its parts. Any thread. */
enum status_readiness daemon_readiness(const struct daemon *daemon);

/* tls_setup.c */
int start_tls(struct daemon *daemon);
void stop_tls(struct daemon *daemon);

/* The new certificates of each listener; NULL for one without TLS. */
struct tls_generations {
    struct tls_generation *of[N_LISTENERS];
};
void tls_generations_fini(struct tls_generations *generations);

/* Reads the certificates of the listeners with TLS. Returns 0; -EINVAL, logged; or -ENOMEM.
 * `ret_generations` must be all NULL before, and is for tls_generations_fini() even after an error. */
int read_tls_generations(const struct daemon *daemon, const struct config *config,
                         struct tls_generations *ret_generations);
/* Uses them for new connections from now on. Consumes them. */
void adopt_tls_generations(struct daemon *daemon, struct tls_generations *generations);

/* policy.c: what a reload replaces */
void configure_log(struct daemon *daemon, const struct config *config);

/* Sets the level until the next reload, which restores the configured one. */
void set_log_level(struct daemon *daemon, enum log_level level);

/* Replaces the policy, the certificates and the settings of the log with those of `config`, which is not
 * needed afterwards: all of them, or none. Returns 0 or -errno. */
int reload_policy(struct daemon *daemon, const struct config *config);

/* reload.c */

/* Reads the configuration again and applies all of it, or nothing. Returns whether it was applied. `lines`
 * receives the warnings, or all errors. */
bool reload(struct daemon *daemon, struct buf *lines);

/* control.c */
int start_control(struct daemon *daemon);
void stop_control(struct daemon *daemon);

/* Carries out the waiting order, if there is one, or completes the current one if Tencent has answered. */
void carry_out_order(struct daemon *daemon);

/* Accepts no more orders and refuses those that wait. */
void close_control(struct daemon *daemon);

/* certificate_warnings.c */
struct certificate_warning {
    enum warning_code code;
    char text[WARNING_TEXT_SIZE];
};

/* Returns whether there is a warning about when the certificate is valid. */
bool check_certificate_dates(const struct tls_certificate *certificate, const char *listener,
                             uint64_t now_unix_s, struct certificate_warning *ret_warning);

/* Returns whether there is a warning about the versions of TLS it works with. */
bool check_certificate_versions(const struct tls_certificate *certificate, const char *listener,
                                struct certificate_warning *ret_warning);

/* Raises and clears warnings about the certificates in use. Called again as time passes and after
 * certificates were replaced. */
void watch_certificates(struct daemon *daemon);

/* listeners.c */
unsigned n_listener_threads(void);
int start_listeners(struct daemon *daemon);
void stop_listeners(struct daemon *daemon);

/* Wake the replies that wait for the store, and the streams of events. Any thread; without effect unless the
 * listeners run. */
void wake_waiting_answers(struct daemon *daemon);
void wake_streams(struct daemon *daemon);
/* Makes /readyz report from now on that this node is draining; all requests are still served. */
void begin_draining(struct daemon *daemon);

/* Stops accepting for good, and removes the files of Unix sockets. */
void pause_listeners(struct daemon *daemon);

/* After pause_listeners(): waits until the requests in progress are answered, for at most
 * request_timeout. */
void drain_listeners(struct daemon *daemon);

#endif
