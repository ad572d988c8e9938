/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_PARTS_H
#define PRESENCED_DAEMON_PARTS_H

/* The parts of the running daemon and what of the configuration each is given. Main thread only. */

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
    uint64_t loaded_unix_ms; /* what is in force */
};

/* The control listener is not one of them: it has no TLS, no socket of the service manager's and no counters.
 */
#define CONTROL_THREADS 1
#define CONTROL_MAX_CONNECTIONS 16

/* Written by the main thread, read by those of the status listener. */
struct reloads {
    pthread_mutex_t lock;
    struct reload_counters counters;
};

#define N_STATUS_PARTS 8

/* A socket that the service manager has opened. */
struct activation_socket {
    int fd; /* -1: handed to its listener */
    unsigned listener;
    struct endpoint endpoint;
};

struct passed {
    struct activation_socket items[N_LISTENERS * CONFIG_N_LISTEN_MAX];
    size_t n;
};

/* What the service manager was told last. */
struct report {
    uint64_t next_ms;
    uint64_t n_users_loaded;
    char line[SERVICE_STATUS_SIZE];
};

struct watchdog {
    uint64_t interval_ms; /* between looks; 0: nobody waits for beats */
    uint64_t next_ms;
    unsigned moved; /* a bit each part that has moved since the last beat */
};

/* All that runs. Threads of the listeners read `readiness` and what is constant once they were started. */
struct daemon {
    const struct config *config; /* of the start */
    const char *config_path;
    pthread_t main_thread;
    uint64_t started_unix_ms;
    uint64_t started_monotonic_ms;
    _Atomic enum status_readiness readiness;
    uint64_t drained_ms; /* since when it is draining (clock_monotonic_ms()); 0: it is not */
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
    struct event_history *event_history;   /* NULL: none is kept */
    struct replica *replica;               /* NULL: one node */
    struct replica_url replica_url;        /* its */
    char node[NODE_NAME_SIZE];             /* as the engine knows it */
    unsigned max_connections[N_LISTENERS]; /* as far as there are descriptors for them */
    struct http_listener *listeners[N_LISTENERS];
    struct socket_file socket_files[N_LISTENERS * CONFIG_N_LISTEN_MAX]; /* of sockets that were bound here */
    size_t n_socket_files;
    pthread_mutex_t woken_lock;
    bool are_woken; /* the listeners run, so others may wake what waits in them */
    struct status_part status_parts[N_STATUS_PARTS];
    struct control *control; /* NULL, as its listener: there is no control socket */
    bool is_inquiring;       /* the order that was taken last waits for Tencent */
    struct http_listener *control_listener;
    struct socket_file control_file;
    struct passed passed;
    struct report report;
    struct watchdog watchdog;
    struct trouble *trouble;
};

extern const char *const daemon_listener_names[N_LISTENERS];

/* What was passed and the configuration do not go together; said in the log. */
#define START_MISCONFIGURED 1
/* A signal that ends the daemon came during the start. */
#define START_CANCELLED 2

/* Each start_…() returns 0, one of the above or -errno, logged where more can be said than its text, and
 * leaves what it has begun to its stop_…(), which takes what was never started, or not wholly. */

/* activation.c */
int start_activation(struct daemon *daemon);
void stop_activation(struct daemon *daemon);

/* Whether who can reach the sockets that were passed is acceptable to `config`. 0; -EINVAL with errors;
 * -ENOMEM. */
int activation_check(const struct daemon *daemon, const struct config *config, struct buf *errors);

/* report.c */
void report_loading(struct daemon *daemon, uint64_t n_users);
void report_ready(struct daemon *daemon);
void report_reloading(struct daemon *daemon);
void report_reloaded(struct daemon *daemon); /* or was not */
void report_stopping(struct daemon *daemon);

/* Now and then tells what has changed; costs nothing to call often. */
void report_refresh(struct daemon *daemon);

/* trouble.c: raises and clears warnings */
int start_trouble(struct daemon *daemon);
void stop_trouble(struct daemon *daemon);

/* For apps that are in the table. */
void trouble_configure(struct daemon *daemon, const struct config *config);

/* Looks, if it is time; costs nothing to call often. */
void trouble_look(struct daemon *daemon);

/* watchdog.c */
int start_watchdog(struct daemon *daemon);

/* Beats if it is time and all parts move. Returns when it is to be called next (clock_monotonic_ms()). */
uint64_t watchdog_look(struct daemon *daemon, uint64_t now_ms);

/* descriptors.c */
int start_descriptors(struct daemon *daemon);

/* storage.c */
int start_storage(struct daemon *daemon);
void stop_storage(struct daemon *daemon);

/* replication.c */
int start_replication(struct daemon *daemon);
void stop_replication(struct daemon *daemon);

/* What of its configuration cannot be used. 0; -EINVAL with errors; -ENOMEM. */
int replication_check(const struct config *config, struct buf *errors);

/* How nodes share the users that Tencent is asked about. */
struct reconcile_sharing sharing_of_asking(struct daemon *daemon);

/* Tells the other nodes which apps this one asks about from now on; NULL: about none. */
void announce_asking(struct daemon *daemon, const struct reconcile_settings *settings);

/* Whether the daemon is ready as far as replication is concerned. */
bool replication_is_learning(const struct daemon *daemon);

/* asking.c: Tencent, for apps that have a key */
int start_asking(struct daemon *daemon);
void stop_asking(struct daemon *daemon);

/* Makes ready what a configuration says of it. 0 or -errno, logged. */
int prepare_asking(struct daemon *daemon, const struct config *config,
                   struct reconcile_settings **ret_settings);

/* Consumes the settings. */
void adopt_asking(struct daemon *daemon, struct reconcile_settings *settings);

/* Events may have been lost. */
void lose_events(struct daemon *daemon);

/* Of one app. False where nobody asks for it. */
bool asking_stats(struct daemon *daemon, uint16_t app, struct reconcile_stats *ret_stats);
struct status_app_part asking_of_app(struct daemon *daemon);

/* Has Tencent asked what a person wants to know. Whether it is; else `lines` say why not. */
bool begin_inquiry(struct daemon *daemon, const struct control_question *question, struct buf *lines);

/* Its answer, JSON. False: not yet. */
bool end_inquiry(struct daemon *daemon, struct buf *ret_answer);

/* counters.c */

/* What the status listener shows of the others. */
void describe_parts(struct daemon *daemon, struct status_part ret_parts[static N_STATUS_PARTS]);

/* A reload is over: counted, and one that changed nothing is a warning until the next. */
void note_reload_succeeded(struct daemon *daemon);
void note_reload_failed(struct daemon *daemon, struct str why);

/* Whether and how far what is answered OK is stored. */
struct callback_store storage_of_callback(struct daemon *daemon);

/* What happened to users, where it is remembered. */
struct callback_history history_of_callback(struct daemon *daemon);
struct status_user_events history_of_status(struct daemon *daemon);

/* callback_setup.c */
int start_callback(struct daemon *daemon);
void stop_callback(struct daemon *daemon);

/* Makes ready what a configuration says of it. 0 or -ENOMEM. */
int prepare_rules(struct daemon *daemon, const struct config *config, struct rules **ret_rules);

/* status_setup.c */
int start_status(struct daemon *daemon);
void stop_status(struct daemon *daemon);
int prepare_status_settings(struct daemon *daemon, const struct config *config,
                            struct status_settings **ret_settings);

/* Whether all parts are ready. Any thread. */
enum status_readiness daemon_readiness(const struct daemon *daemon);

/* tls_setup.c */
int start_tls(struct daemon *daemon);
void stop_tls(struct daemon *daemon);

/* Of the listeners that have TLS. */
struct tls_generations {
    struct tls_generation *of[N_LISTENERS];
};
void tls_generations_fini(struct tls_generations *generations);

/* Reads what the listeners' TLS shall have from now on. 0; -EINVAL, logged; -ENOMEM. */
int read_tls_generations(const struct daemon *daemon, const struct config *config,
                         struct tls_generations *ret_generations);
/* Consumes them. */
void adopt_tls_generations(struct daemon *daemon, struct tls_generations *generations);

/* policy.c: what a reload exchanges */
void configure_log(struct daemon *daemon, const struct config *config);

/* Until the next reload, which sets the configured one again. */
void set_log_level(struct daemon *daemon, enum log_level level);

/* Exchanges policy, certificates and log settings for those of `config`, which is not needed afterwards: all
 * of them, or none. 0 or -errno, logged. */
int reload_policy(struct daemon *daemon, const struct config *config);

/* reload.c */

/* Reads the configuration again and takes over all of it, or nothing. Whether it did; `lines` get what is to
 * be warned of, or every error. */
bool reload(struct daemon *daemon, struct buf *lines);

/* control.c */
int start_control(struct daemon *daemon);
void stop_control(struct daemon *daemon);

/* Carries out the order that waits, if one does. */
void carry_out_order(struct daemon *daemon);

/* Takes no more orders and refuses those that wait. */
void close_control(struct daemon *daemon);

/* certificate_warnings.c */
struct certificate_warning {
    enum warning_code code;
    char text[WARNING_TEXT_SIZE];
};

/* False where nothing is to be said of when it is valid. */
bool check_certificate_dates(const struct tls_certificate *certificate, const char *listener,
                             uint64_t now_unix_s, struct certificate_warning *ret_warning);

/* The same of the versions of TLS that it works with. */
bool check_certificate_versions(const struct tls_certificate *certificate, const char *listener,
                                struct certificate_warning *ret_warning);

/* Says of those that are served, as time goes on and they are exchanged. */
void watch_certificates(struct daemon *daemon);

/* listeners.c */
unsigned n_listener_threads(void);
int start_listeners(struct daemon *daemon);
void stop_listeners(struct daemon *daemon);

/* Have the answers that wait for the store asked for, and the streams of events. Any thread; nothing happens
 * before the listeners run, and after. */
void wake_waiting_answers(struct daemon *daemon);
void wake_streams(struct daemon *daemon);
/* From now on /readyz says that it is going; all else is served on. */
void begin_draining(struct daemon *daemon);

/* Stops accepting, for good; no file of a Unix socket is left. */
void pause_listeners(struct daemon *daemon);

/* Then: answers what is in flight. */
void drain_listeners(struct daemon *daemon);

#endif
