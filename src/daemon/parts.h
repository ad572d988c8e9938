/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_DAEMON_PARTS_H
#define PRESENCED_DAEMON_PARTS_H

/* The parts of the running daemon and what of the configuration each is given. Main thread only. */

#include "presenced/callback.h"
#include "presenced/config.h"
#include "presenced/listener.h"
#include "presenced/log.h"
#include "presenced/reconcile.h"
#include "presenced/socket.h"
#include "presenced/status.h"
#include "presenced/store.h"
#include "presenced/warnings.h"
#include "sd_notify.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CALLBACK_LISTENER, STATUS_LISTENER, N_LISTENERS };

/* Written by the main thread, read by those of the status listener. */
struct reloads {
    _Atomic uint64_t n_successful;
    _Atomic uint64_t n_failed;
    _Atomic bool last_failed;
    _Atomic uint64_t loaded_unix_ms; /* what is in force */
};

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
    char refusal[SERVICE_STATUS_SIZE / 2]; /* why the last reload changed nothing; "": it did */
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
    uint64_t started_unix_ms;
    uint64_t started_monotonic_ms;
    _Atomic enum status_readiness readiness;
    struct reloads reloads;
    struct warnings *warnings;
    struct table *table;
    struct history *history;
    _Atomic(struct reconcile *) reconcile; /* NULL: no app has had a key since the start */
    bool store_was_amiss;
    struct callback *callback;
    struct status *status;
    struct tls *tls[N_LISTENERS];          /* NULL: plain HTTP */
    struct store *store;                   /* NULL: memory only */
    unsigned max_connections[N_LISTENERS]; /* as far as there are descriptors for them */
    struct http_listener *listeners[N_LISTENERS];
    struct socket_file socket_files[N_LISTENERS * CONFIG_N_LISTEN_MAX]; /* of sockets that were bound here */
    size_t n_socket_files;
    pthread_mutex_t woken_lock;
    struct http_listener *woken; /* the listener whose answers wait for the store, while it runs */
    struct status_counters listener_counters[N_LISTENERS];
    struct passed passed;
    struct report report;
    struct watchdog watchdog;
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
void report_reloaded(struct daemon *daemon, struct str refusal); /* "": all of it was taken over */
void report_stopping(struct daemon *daemon);

/* Now and then tells what has changed; costs nothing to call often. */
void report_refresh(struct daemon *daemon);

/* watchdog.c */
int start_watchdog(struct daemon *daemon);

/* Beats if it is time and all parts move. Returns when it is to be called next (clock_monotonic_ms()). */
uint64_t watchdog_look(struct daemon *daemon, uint64_t now_ms);

/* descriptors.c */
int start_descriptors(struct daemon *daemon);

/* storage.c */
int start_storage(struct daemon *daemon);
void stop_storage(struct daemon *daemon);

/* asking.c: Tencent, for apps that have a key */
int start_asking(struct daemon *daemon);
void stop_asking(struct daemon *daemon);

/* Makes ready what a configuration says of it. 0 or -errno, logged. */
int prepare_asking(struct daemon *daemon, const struct config *config,
                   struct reconcile_settings **ret_settings);

/* Consumes the settings. */
void adopt_asking(struct daemon *daemon, struct reconcile_settings *settings);

/* Says what keeps it from asking, and sees when events may have been lost. */
void watch_asking(struct daemon *daemon);

/* What is told of one app. */
struct status_reconcile asking_state(struct daemon *daemon);

/* counters.c and storage.c: what the status listener tells of the parts */
struct status_counters event_counters(struct daemon *daemon);
struct status_counters configuration_info(struct daemon *daemon);
void listener_counters(struct daemon *daemon, struct status_counters ret_counters[static N_LISTENERS]);
struct status_counters storage_counters(struct daemon *daemon);

/* A reload is over. */
void note_reload(struct reloads *reloads, bool successful);

/* Whether and how far what is answered OK is stored. */
struct callback_store storage_of_callback(struct daemon *daemon);

/* policy.c: what a reload exchanges */
int start_callback(struct daemon *daemon);
void stop_callback(struct daemon *daemon);
int start_status(struct daemon *daemon);
void stop_status(struct daemon *daemon);
int start_tls(struct daemon *daemon);
void stop_tls(struct daemon *daemon);
void configure_log(const struct config *config);

/* Exchanges policy, certificates and log settings for those of `config`, which is not needed afterwards: all
 * of them, or none. 0 or -errno, logged. */
int reload_policy(struct daemon *daemon, const struct config *config);

/* certificates.c */
struct certificate_warning {
    enum warning_code code;
    char text[WARNING_TEXT_SIZE];
};

/* Whether there is something to be said of when it is valid. */
bool describe_certificate_dates(const struct tls_certificate *certificate, const char *listener,
                                uint64_t now_unix_s, struct certificate_warning *ret_warning);

/* The same of the versions of TLS that it works with. */
bool describe_certificate_versions(const struct tls_certificate *certificate, const char *listener,
                                   struct certificate_warning *ret_warning);

/* Says of those that are served, as time goes on and they are exchanged. */
void watch_certificates(struct daemon *daemon);

/* listeners.c */
unsigned n_listener_threads(void);
int start_listeners(struct daemon *daemon);
void stop_listeners(struct daemon *daemon);

/* Stops accepting, for good; no file of a Unix socket is left. */
void pause_listeners(struct daemon *daemon);

/* Then: answers what is in flight. */
void drain_listeners(struct daemon *daemon);

#endif
