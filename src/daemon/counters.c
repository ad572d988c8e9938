/* SPDX-License-Identifier: MIT */
/* What the status listener tells of the other parts' numbers. From its threads. */
#include "parts.h"

#include <stdio.h>

#include "presenced/clock.h"

static void each_of_events(void *cls, const struct status_visitor *visitor)
{
    const struct daemon *daemon = cls;
    struct callback_stats stats;
    callback_stats(daemon->callback, &stats);
    for (unsigned outcome = 0; outcome < CALLBACK_N_OUTCOMES; outcome++) {
        visitor->visit(visitor->cls, &(struct status_number){
                                         .name = callback_outcome_name(outcome),
                                         .answer = callback_outcome_answer(outcome),
                                         .value = stats.n[outcome],
                                     });
    }
    status_tell(visitor, "restamped", stats.n_restamped);
}

struct status_counters event_counters(struct daemon *daemon)
{
    return (struct status_counters){.name = "events", .each = each_of_events, .cls = daemon};
}

static void tell_tls(const struct tls *tls, const struct status_visitor *visitor)
{
    struct tls_stats stats;
    tls_stats(tls, &stats);
    status_tell(visitor, "handshakes_full", stats.n_full);
    status_tell(visitor, "handshakes_resumed", stats.n_resumed);
    status_tell(visitor, "handshakes_failed", stats.n_failed);
    for (size_t i = 0; i < TLS_N_FAILURES; i++) {
        char name[48];
        (void)snprintf(name, sizeof(name), "handshake_failures_%s", tls_failure_name((enum tls_failure)i));
        status_tell(visitor, name, stats.n_failed_by[i]);
    }
    status_tell(visitor, "certificate_end_time", stats.certificate_end_unix_s * 1000);
}

static void each_of_listener(const struct daemon *daemon, unsigned which,
                             const struct status_visitor *visitor)
{
    const struct http_listener *listener = daemon->listeners[which];
    struct transport_counters transport;
    struct http_counters http;
    transport_listener_counters(http_listener_transport(listener), &transport);
    http_listener_counters(listener, &http);
    status_tell(visitor, "connections", transport.n_connections);
    status_tell(visitor, "connections_max", transport.n_connections_max);
    status_tell(visitor, "accepted", transport.n_accepted);
    status_tell(visitor, "refused_per_address", transport.n_refused_per_address);
    status_tell(visitor, "timed_out", transport.n_timed_out);
    status_tell(visitor, "requests", http.n_requests);
    status_tell(visitor, "requests_malformed", http.n_malformed);
    if (daemon->tls[which] != NULL) {
        tell_tls(daemon->tls[which], visitor);
    }
}

static void each_of_callback_listener(void *cls, const struct status_visitor *visitor)
{
    each_of_listener(cls, CALLBACK_LISTENER, visitor);
}

static void each_of_status_listener(void *cls, const struct status_visitor *visitor)
{
    each_of_listener(cls, STATUS_LISTENER, visitor);
}

void listener_counters(struct daemon *daemon, struct status_counters ret_counters[static N_LISTENERS])
{
    ret_counters[CALLBACK_LISTENER] = (struct status_counters){
        .name = daemon_listener_names[CALLBACK_LISTENER], .each = each_of_callback_listener, .cls = daemon};
    ret_counters[STATUS_LISTENER] = (struct status_counters){
        .name = daemon_listener_names[STATUS_LISTENER], .each = each_of_status_listener, .cls = daemon};
}

void note_reload(struct reloads *reloads, bool successful)
{
    (void)atomic_fetch_add(successful ? &reloads->n_successful : &reloads->n_failed, 1);
    atomic_store(&reloads->last_failed, !successful);
    if (successful) {
        atomic_store(&reloads->loaded_unix_ms, clock_unix_ms());
    }
}

static void each_of_configuration(void *cls, const struct status_visitor *visitor)
{
    const struct daemon *daemon = cls;
    const struct reloads *reloads = &daemon->reloads;
    status_tell(visitor, "reloads_successful", atomic_load(&reloads->n_successful));
    status_tell(visitor, "reloads_failed", atomic_load(&reloads->n_failed));
    status_tell(visitor, "last_reload_successful", !atomic_load(&reloads->last_failed));
    status_tell(visitor, "loaded_time", atomic_load(&reloads->loaded_unix_ms));
}

struct status_counters configuration_info(struct daemon *daemon)
{
    return (struct status_counters){.name = "configuration", .each = each_of_configuration, .cls = daemon};
}
