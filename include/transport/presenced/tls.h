/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TLS_H
#define PRESENCED_TLS_H

/* TLS for a listener. Only src/transport/tls*.c include GnuTLS. A session belongs to the thread that serves
 * it; tls_adopt() may be called while sessions are served. */

#include "presenced/certificate.h"
#include "presenced/metric.h"
#include "presenced/str.h"

struct tls;
struct tls_session;

/* Returns 0 or -errno. */
int tls_new(struct tls **ret_tls);
void tls_free(struct tls *tls);
DEFINE_CLEANUP(struct tls *, tls_free)

/* A generation of credentials: a certificate, its key and the client CA, ready for handshakes. */
struct tls_generation;

/* Creates a generation and tests it with handshakes in memory. If `client_ca_pem` is empty, no client
 * certificate is requested. Otherwise each session requests one, and session tickets are off, so that each
 * connection presents it. Returns 0; -EINVAL with the reason in `ret_error` if GnuTLS rejects its input or no
 * TLS 1.3 handshake succeeds; or -ENOMEM. */
int tls_generation_new(const struct certificate *certificate, struct str client_ca_pem,
                       struct tls_generation **ret_generation, struct certificate_error *ret_error);

/* As tls_generation_new(), reading the files with certificate_read(). */
int tls_generation_read(const char *certificate_path, const char *private_key_path, struct str client_ca_pem,
                        struct tls_generation **ret_generation, struct certificate_error *ret_error);

void tls_generation_free(struct tls_generation *generation);
DEFINE_CLEANUP(struct tls_generation *, tls_generation_free)

/* Properties of the server's certificate. */
struct tls_certificate {
    uint64_t not_before_unix_s;
    uint64_t not_after_unix_s;
    bool works_with_1_2; /* it always works with TLS 1.3 */
};

struct tls_certificate tls_generation_certificate(const struct tls_generation *generation);

/* Checks that GnuTLS accepts the client CA that certificate_read_ca() has read from `path`. Returns as
 * tls_generation_new(). */
int tls_check_client_ca(const char *path, struct str pem, struct certificate_error *ret_error);

/* Makes `generation` current for new handshakes, and takes ownership of it. Open sessions keep their
 * generation, which is freed with the last of them. For one thread at a time. */
void tls_adopt(struct tls *tls, struct tls_generation *generation);

/* Returns the version of GnuTLS at run time, such as "3.7.9". */
const char *tls_library_version(void);

/* Why a handshake failed, as far as the server can tell. */
#define TLS_FAILURES(X)                                                                 \
    X(CLOSED, "closed", "the client closed the connection")                             \
    X(NOT_TLS, "not_tls", "what the client sent is not TLS: plain HTTP on a TLS port?") \
    X(ALERT, "alert", "the client sent an alert")                                       \
    X(TIMED_OUT, "timed_out", "the client took longer than request_timeout")            \
    X(TOO_LONG, "too_long", "the client sent more than a handshake takes")              \
    X(NEGOTIATION, "negotiation",                                                       \
      "no common version, cipher, group or kind of signature, or a malformed hello")

enum tls_failure {
#define TLS_FAILURE_ID(id, name, text) TLS_FAILURE_##id,
    TLS_FAILURES(TLS_FAILURE_ID)
#undef TLS_FAILURE_ID
        TLS_N_FAILURES,
};

/* Return constant texts: the name in metrics, and the words in the log. */
const char *tls_failure_name(enum tls_failure failure);
const char *tls_failure_text(enum tls_failure failure);

struct tls_stats {
    uint64_t n_full; /* full handshakes */
    uint64_t n_resumed;
    uint64_t n_failed; /* failed handshakes of clients that had sent something */
    uint64_t n_failed_by[TLS_N_FAILURES];
    uint64_t certificate_end_unix_ms; /* end of validity of the current certificate */
};

/* Returns the certificate of the current generation; false before the first. Any thread may call this. */
bool tls_certificate(struct tls *tls, struct tls_certificate *ret_certificate);

/* Any thread may call this. */
void tls_stats(const struct tls *tls, struct tls_stats *ret_stats);

/* Reports the counters as metrics. `listener` is the listener's name. */
void tls_metrics(const struct tls *tls, const char *listener, const struct metric_visitor *visitor);

/* The functions below are for the listener. */

/* GnuTLS priority string: the offered algorithms, in order of preference. */
extern const char tls_priorities[];

/* The certificate callback that libmicrohttpd requires. It is never called, because each session has the
 * credentials of the generation that was current when it began. */
void *tls_certificate_callback(void);

/* Callbacks from a session to its connection, called on the session's thread from within GnuTLS. */
struct tls_session_events {
    void (*is_unfinished)(void *cls); /* it found no bytes, or has read ahead, which epoll does not report */
    void (*has_sent)(void *cls);      /* the kernel has accepted some of a reply */
};

/* Prepares a GnuTLS session that libmicrohttpd has created on socket `fd`, before its handshake. `events`
 * must outlive the session. Returns NULL if out of memory or no generation was adopted. */
struct tls_session *tls_session_new(struct tls *tls, void *gnutls_session, int fd,
                                    const struct tls_session_events *events, void *cls);

/* Frees a session: after libmicrohttpd has ended the GnuTLS session and before it closes the socket, or if it
 * was not started. Accepts NULL. */
void tls_session_free(struct tls_session *session);

/* Holds back what libmicrohttpd sends until tls_session_flush(), so that head and body of a reply are sent in
 * one record and one system call. For short replies, because they are kept in memory meanwhile. */
void tls_session_hold(struct tls_session *session);

/* Until it is settled, a session gathers its output and sends it whenever it has to wait for the peer: the
 * flights of the handshake, and with the last of them the first reply, in one packet each. */
#define TLS_SESSION_GATHERED 1

/* Sends what tls_session_hold() has held back; called after each reply. Returns 0; -EAGAIN if the socket has
 * no room now: call again when it has; -EIO if the connection is broken; or TLS_SESSION_GATHERED if the reply
 * will be sent by tls_session_settle() or, together with the end of the stream, by tls_session_free(). */
int tls_session_flush(struct tls_session *session);

/* Ends gathering: everything is sent at once from now on. Called when the first reply is complete and the
 * connection stays open, or before a reply that is not short. */
void tls_session_settle(struct tls_session *session);

/* Sends `bytes` and a close_notify at once, as far as the socket has room. Later sends through the session
 * fail. */
void tls_session_send_last(struct tls_session *session, struct str bytes);

/* Called when the handshake has failed; libmicrohttpd reports it directly after GnuTLS. */
void tls_session_has_failed(struct tls_session *session);

/* Called when the handshake has exceeded its deadline. */
void tls_session_give_up(struct tls_session *session);

/* Returns why the handshake of a session failed that is not established. `*ret_alert` is the name of the
 * client's alert, "" if there was none. */
enum tls_failure tls_session_failure(const struct tls_session *session, const char **ret_alert);

/* Returns whether the handshake is complete. */
bool tls_session_is_established(const struct tls_session *session);

/* Returns whether there may be bytes for which no event will come: read from the socket by this module or
 * GnuTLS but not by libmicrohttpd, or left in the kernel by the last read. */
bool tls_session_may_have_more(const struct tls_session *session);

/* Returns the number of bytes that GnuTLS has received from the peer. */
uint64_t tls_session_n_received(const struct tls_session *session);

/* Returns whether a generation that requests client certificates was adopted since the session began, so that
 * the verification of this session no longer counts. */
bool tls_session_is_outdated(const struct tls_session *session);

/* Returns what is wrong with the client's certificate, as a constant text: none was sent, or it does not
 * verify against the client CA. Returns NULL if it is valid. Verified once. */
const char *tls_session_client_problem(struct tls_session *session);

#endif
