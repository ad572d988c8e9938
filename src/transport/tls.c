/* SPDX-License-Identifier: MIT */
#include "tls_private.h"

#include <errno.h>
#include <gnutls/abstract.h>

int tls_new(struct tls **ret_tls)
{
    cleanup(tls_freep) struct tls *tls = calloc(1, sizeof(*tls));
    if (tls == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&tls->lock, NULL);
    if (gnutls_session_ticket_key_generate(&tls->ticket_key) < 0) {
        return -ENOMEM;
    }
    *ret_tls = take_pointer(tls);
    return 0;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    tls_generation_free(atomic_load(&tls->newest));
    if (tls->ticket_key.data != NULL) {
        gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
        gnutls_free(tls->ticket_key.data);
    }
    (void)pthread_mutex_destroy(&tls->lock);
    free(tls);
}

void tls_adopt(struct tls *tls, struct tls_generation *generation)
{
    (void)pthread_mutex_lock(&tls->lock);
    /* Set first, so that a session that finds a newer generation than its own reads the newer value. */
    atomic_store(&tls->wants_client_certificate, generation->wants_client_certificate);
    atomic_store(&tls->certificate_end_unix_s, generation->certificate.not_after_unix_s);
    struct tls_generation *before = atomic_exchange(&tls->newest, generation);
    (void)pthread_mutex_unlock(&tls->lock);
    tls_generation_free(before);
}

struct tls_generation *tls_get_newest(struct tls *tls)
{
    (void)pthread_mutex_lock(&tls->lock);
    struct tls_generation *generation = atomic_load(&tls->newest);
    if (generation != NULL) {
        atomic_fetch_add(&generation->n_references, 1);
    }
    (void)pthread_mutex_unlock(&tls->lock);
    return generation;
}

const char *tls_library_version(void)
{
    return gnutls_check_version(NULL);
}

bool tls_certificate(struct tls *tls, struct tls_certificate *ret_certificate)
{
    struct tls_generation *generation = tls_get_newest(tls);
    if (generation == NULL) {
        return false;
    }
    *ret_certificate = generation->certificate;
    tls_generation_free(generation);
    return true;
}

void tls_stats(const struct tls *tls, struct tls_stats *ret_stats)
{
    struct tls_stats stats = {
        .n_full = atomic_load_explicit(&tls->n_full, memory_order_relaxed),
        .n_resumed = atomic_load_explicit(&tls->n_resumed, memory_order_relaxed),
        .n_failed = atomic_load_explicit(&tls->n_failed, memory_order_relaxed),
        .certificate_end_unix_ms = atomic_load_explicit(&tls->certificate_end_unix_s, memory_order_relaxed) *
                                   1000,
    };
    for (size_t i = 0; i < TLS_N_FAILURES; i++) {
        stats.n_failed_by[i] = atomic_load_explicit(&tls->n_failed_by[i], memory_order_relaxed);
    }
    *ret_stats = stats;
}

void tls_metrics(const struct tls *tls, const char *listener, const struct metric_visitor *visitor)
{
    static const struct metric handshakes = {
        .name = "presenced_tls_handshakes_total",
        .type = METRIC_COUNTER,
        .labels = {"listener", "result"},
        .help = "TLS handshakes by how they ended: full, resumed or failed.",
        .key = "handshakes_",
    };
    static const struct metric failures = {
        .name = "presenced_tls_handshake_failures_total",
        .type = METRIC_COUNTER,
        .labels = {"listener", "reason"},
        .help = "TLS handshakes that failed, by why.",
        .key = "handshake_failures_",
    };
    static const struct metric certificate_end = {
        .name = "presenced_tls_certificate_end_timestamp_seconds",
        .type = METRIC_GAUGE,
        .unit = METRIC_MS,
        .labels = {"listener"},
        .help = "When the certificate that is served ends, in Unix time.",
        .key = "certificate_end_time",
    };
    struct tls_stats stats;
    struct str name = str_from(listener);
    tls_stats(tls, &stats);
    metric_visit(visitor, &handshakes, stats.n_full, name, STR("full"));
    metric_visit(visitor, &handshakes, stats.n_resumed, name, STR("resumed"));
    metric_visit(visitor, &handshakes, stats.n_failed, name, STR("failed"));
    for (size_t i = 0; i < TLS_N_FAILURES; i++) {
        metric_visit(visitor, &failures, stats.n_failed_by[i], name,
                     str_from(tls_failure_name((enum tls_failure)i)));
    }
    metric_visit(visitor, &certificate_end, stats.certificate_end_unix_ms, name);
}

static int no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                          gnutls_pcert_st **certificates, unsigned *n_certificates,
                          gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp, gnutls_privkey_t *key,
                          unsigned *flags)
{
    (void)session;
    (void)info;
    (void)certificates;
    (void)n_certificates;
    (void)ocsp;
    (void)n_ocsp;
    (void)key;
    (void)flags;
    return -1;
}

void *tls_certificate_callback(void)
{
    gnutls_certificate_retrieve_function3 *callback = no_certificate;
    return (void *)callback;
}

static const struct {
    const char *name;
    const char *text;
} failures[TLS_N_FAILURES] = {
#define AS_ROW(id, name, text) [TLS_FAILURE_##id] = {name, text},
    TLS_FAILURES(AS_ROW)
#undef AS_ROW
};

const char *tls_failure_name(enum tls_failure failure)
{
    return failures[failure].name;
}

const char *tls_failure_text(enum tls_failure failure)
{
    return failures[failure].text;
}
