/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TLS_H
#define PRESENCED_TLS_H

/* The TLS side of a listener; src/transport/tls*.c alone see GnuTLS. Sessions belong to the
 * thread that serves them; tls_adopt() may be called while they are served. */

#include "presenced/certificate.h"
#include "presenced/metric.h"
#include "presenced/str.h"

struct tls;
struct tls_session;

/* 0 or -errno. */
int tls_new(struct tls **ret_tls);
void tls_free(struct tls *tls);
DEFINE_CLEANUP(struct tls *, tls_free)

/* A certificate with its key and the CA of the clients, ready for handshakes. */
struct tls_generation;

/* `client_ca_pem` empty: no client certificate is asked for; else every session asks for one, and session
 * tickets are off, so that each connection shows it. Shakes hands with itself, as callers will. 0; -EINVAL
 * when GnuTLS refuses what it is given or no handshake of TLS 1.3 succeeds, with the reason in `ret_error`;
 * -ENOMEM. */
int tls_generation_new(const struct certificate *certificate, struct str client_ca_pem,
                       struct tls_generation **ret_generation, struct certificate_error *ret_error);

/* The same from files, of which certificate_read() says what they hold. */
int tls_generation_read(const char *certificate_path, const char *private_key_path, struct str client_ca_pem,
                        struct tls_generation **ret_generation, struct certificate_error *ret_error);

void tls_generation_free(struct tls_generation *generation);
DEFINE_CLEANUP(struct tls_generation *, tls_generation_free)

/* What there is to know of the server's certificate. */
struct tls_certificate {
    uint64_t not_before_unix_s;
    uint64_t not_after_unix_s;
    bool works_with_1_2; /* with TLS 1.3 it does in any case */
};

struct tls_certificate tls_generation_certificate(const struct tls_generation *generation);

/* Whether GnuTLS takes the client CA that certificate_read_ca() has read from `path`. As above. */
int tls_check_client_ca(const char *path, struct str pem, struct certificate_error *ret_error);

/* Makes `generation`, which is consumed, what handshakes use from now on. Sessions that are open live on with
 * theirs, which is freed with the last of them. One thread at a time. */
void tls_adopt(struct tls *tls, struct tls_generation *generation);

/* The version of GnuTLS at run time: "3.7.9". */
const char *tls_library_version(void);

/* Why a handshake did not succeed, as far as the server can tell. */
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

/* Constant texts: the name that metrics have, and the words of the log. */
const char *tls_failure_name(enum tls_failure failure);
const char *tls_failure_text(enum tls_failure failure);

struct tls_stats {
    uint64_t n_full; /* handshakes */
    uint64_t n_resumed;
    uint64_t n_failed; /* of clients that had sent something */
    uint64_t n_failed_by[TLS_N_FAILURES];
    uint64_t certificate_end_unix_ms; /* of the one that handshakes use now */
};

/* That of the generation that handshakes use now; false before the first. Any thread. */
bool tls_certificate(struct tls *tls, struct tls_certificate *ret_certificate);

/* Any thread. */
void tls_stats(const struct tls *tls, struct tls_stats *ret_stats);

/* The same as metrics. `listener`: its name. */
void tls_metrics(const struct tls *tls, const char *listener, const struct metric_visitor *visitor);

/* For the listener. */

/* GnuTLS's priority string: what is offered, and in which order. */
extern const char tls_priorities[];

/* What libmicrohttpd wants to have as its certificate callback. It is never asked: each session carries the
 * credentials of the generation that was the newest when it began. */
void *tls_certificate_callback(void);

/* Callbacks of a session to its connection, on the session's thread, from within GnuTLS. */
struct tls_session_events {
    void (*is_unfinished)(void *cls); /* it found no bytes, or has read ahead, which epoll will not report */
    void (*has_sent)(void *cls);      /* the kernel has accepted some of a reply */
};

/* Prepares a GnuTLS session that libmicrohttpd has created on socket `fd`, before its handshake. `events`
 * must outlive it. NULL when memory is gone or no generation was adopted. */
struct tls_session *tls_session_new(struct tls *tls, void *gnutls_session, int fd,
                                    const struct tls_session_events *events, void *cls);

/* After libmicrohttpd has ended the GnuTLS session and before it closes the socket, or when it was not begun.
 * Takes NULL. */
void tls_session_free(struct tls_session *session);

/* What libmicrohttpd sends from now on is kept back until tls_session_flush(), so that a reply's head and
 * body leave in one record and one system call. For replies that are short: they lie in memory meanwhile. */
void tls_session_hold(struct tls_session *session);

/* What a session sends is gathered until it is settled, and leaves whenever it has to wait for its peer: a
 * handshake's flights, and with the last of them the first reply, in one packet each. */
#define TLS_SESSION_GATHERED 1

/* Sends what was kept back, to be called behind each reply: 0. -EAGAIN when the socket takes no more now: to
 * be called again when it does; -EIO when it never will. TLS_SESSION_GATHERED: it leaves with
 * tls_session_settle() or, with the word that nothing more comes, with tls_session_free(). */
int tls_session_flush(struct tls_session *session);

/* From now on all is sent at once: when a first reply is whole and the connection lives on, or before one
 * that is not short. */
void tls_session_settle(struct tls_session *session);

/* Sends `bytes` and a close_notify at once, as far as the socket has room. Whatever is sent through the
 * session later fails. */
void tls_session_send_last(struct tls_session *session, struct str bytes);

/* The handshake has failed: libmicrohttpd says so, right behind GnuTLS. */
void tls_session_has_failed(struct tls_session *session);

/* The handshake is given up, for its deadline. */
void tls_session_give_up(struct tls_session *session);

/* Why it failed; `*ret_alert` is the name of the client's alert, "" where there was none. Of a session whose
 * handshake is not done. */
enum tls_failure tls_session_failure(const struct tls_session *session, const char **ret_alert);

/* Whether the handshake is done. */
bool tls_session_is_established(const struct tls_session *session);

/* Whether there may be bytes of which no event will tell: read from the socket, here or by GnuTLS, and not by
 * libmicrohttpd; or left in the kernel by the last read. */
bool tls_session_may_have_more(const struct tls_session *session);

/* Bytes that GnuTLS has taken from the peer so far. */
uint64_t tls_session_n_received(const struct tls_session *session);

/* Whether another generation has been adopted since that asks for client certificates: what the session was
 * asked for, and verified against, no longer counts. */
bool tls_session_is_outdated(const struct tls_session *session);

/* What is wrong with the client's certificate, as a constant text: none was shown, or it does not verify
 * against the client CA. NULL: nothing is. Looked at once. */
const char *tls_session_client_problem(struct tls_session *session);

#endif
