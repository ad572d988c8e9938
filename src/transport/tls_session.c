/* SPDX-License-Identifier: MIT */
#include "tls_private.h"

#include "presenced/array.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* Enough for the whole record of a typical callback. */
#define READ_AHEAD_BYTES 1024

/* Limit for what a client may send before its handshake is complete. GnuTLS 3.7.9 buffers a message up to the
 * length it declares, which may be 16 MB; a long chain of client certificates takes 20 KB. */
#define HANDSHAKE_BYTES_MAX 65536

/* Header of a TLS record: type, version and length (RFC 8446, section 5.1). */
#define RECORD_HEAD_BYTES 5
#define RECORD_OF_ALERT 21
#define RECORD_OF_HANDSHAKE 22
#define ALERT_BYTES 2 /* level and description */
#define NO_ALERT (-1)

/* Number of the extension server_name (RFC 6066, section 3). */
#define SERVER_NAME 0

struct tls_session {
    gnutls_session_t gnutls;
    struct tls *tls;
    struct tls_generation *generation; /* a counted reference */
    int fd;
    bool is_settled;
    struct buf gathered; /* output waiting to be sent, until settled */
    uint64_t n_received;
    bool is_established;
    bool has_first_byte;
    unsigned char first_byte;
    unsigned char record_head[RECORD_HEAD_BYTES]; /* the last record header before that */
    bool is_drained; /* the last read left nothing in the kernel, so further bytes will cause an event */
    bool is_at_end;  /* the peer has closed its side or the connection is broken */
    enum tls_failure failure; /* of an incomplete handshake; TLS_FAILURE_CLOSED until more is known */
    const char *alert;        /* name of the client's alert, or "" */
    int clear_alert;          /* number of an unencrypted alert; NO_ALERT: none */
    const struct tls_session_events *events;
    void *cls;
    bool was_held; /* tls_session_hold() was called, so the socket may be corked */
    bool is_uncorked;
    bool client_was_verified;
    const char *client_problem;
    unsigned ahead_begin; /* the bytes in `ahead` that GnuTLS has not read yet */
    unsigned ahead_end;
    unsigned char ahead[READ_AHEAD_BYTES];
};

/* Gathers the last flight of a new connection's handshake, its session ticket and the first reply until it is
 * the peer's turn: one packet each time instead of four in total. */
static ssize_t gather(struct tls_session *session, const giovec_t *records, int n_records)
{
    size_t before = session->gathered.len;
    for (int i = 0; i < n_records; i++) {
        buf_append(&session->gathered, (struct str){records[i].iov_base, records[i].iov_len});
    }
    if (session->gathered.failed) {
        errno = ENOMEM;
        return -1;
    }
    return (ssize_t)(session->gathered.len - before);
}

/* Sends everything at once, for which a new socket has room; otherwise the connection is lost. */
static int send_gathered(struct tls_session *session)
{
    struct str bytes = buf_str(&session->gathered);
    bool sent = bytes.len == 0 || send(session->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len;
    buf_fini(&session->gathered);
    return sent ? 0 : -EIO;
}

/* A reply is a single record, for which send() is cheaper than sendmsg() with one element; a flight of a
 * handshake has several records. */
static ssize_t push(gnutls_transport_ptr_t transport, const giovec_t *records, int n_records)
{
    struct tls_session *session = transport;
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)records, .msg_iovlen = (size_t)n_records};
    if (!session->is_settled) {
        return gather(session, records, n_records);
    }
    ssize_t n = n_records == 1 ? send(session->fd, records->iov_base, records->iov_len, MSG_NOSIGNAL)
                               : sendmsg(session->fd, &message, MSG_NOSIGNAL);
    if (n > 0) {
        session->events->has_sent(session->cls);
    }
    return n;
}

static ssize_t receive(struct tls_session *session, void *bytes, size_t size)
{
    ssize_t n = recv(session->fd, bytes, size, 0);
    session->is_drained = n < (ssize_t)size;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        session->events->is_unfinished(session->cls);
        errno = send_gathered(session) < 0 ? ECONNRESET : EAGAIN;
    }
    return n;
}

static bool has_ahead(const struct tls_session *session)
{
    return session->ahead_begin < session->ahead_end;
}

bool tls_session_may_have_more(const struct tls_session *session)
{
    return has_ahead(session) || !session->is_drained || gnutls_record_check_pending(session->gnutls) > 0;
}

static size_t read_from_ahead(struct tls_session *session, void *bytes, size_t size)
{
    size_t n = session->ahead_end - session->ahead_begin;
    n = n < size ? n : size;
    memcpy(bytes, session->ahead + session->ahead_begin, n);
    session->ahead_begin += (unsigned)n;
    return n;
}

/* GnuTLS returns EAGAIN after a record without data, such as new keys or a part of a hello, even if there are
 * more bytes here or in the kernel. */
static void report_more(struct tls_session *session)
{
    if (has_ahead(session) || !session->is_drained) {
        session->events->is_unfinished(session->cls);
    }
}

/* A client that rejects the flight of a TLS 1.3 server may send its alert unencrypted. GnuTLS treats that as
 * a malformed record. */
static void look_for_alert(struct tls_session *session, const unsigned char *bytes, size_t n)
{
    static const unsigned char alert_length[] = {0, ALERT_BYTES};
    const unsigned char *head = session->record_head;
    if (n == ALERT_BYTES && head[0] == RECORD_OF_ALERT && memcmp(head + 3, alert_length, ALERT_BYTES) == 0) {
        session->clear_alert = bytes[1];
    }
    if (n == RECORD_HEAD_BYTES) {
        memcpy(session->record_head, bytes, RECORD_HEAD_BYTES);
    }
}

/* GnuTLS reads the five bytes of a record header and then the rest; reading ahead saves one of the two system
 * calls. EAGAIN is returned only if the kernel has reported it, because libmicrohttpd relies on
 * edge-triggered events. */
static ssize_t pull(gnutls_transport_ptr_t transport, void *bytes, size_t size)
{
    struct tls_session *session = transport;
    ssize_t n = 0;
    if (!session->is_established && session->n_received > HANDSHAKE_BYTES_MAX) {
        errno = ECONNRESET;
        return -1;
    }
    if (!has_ahead(session) && size < READ_AHEAD_BYTES) {
        n = receive(session, session->ahead, READ_AHEAD_BYTES);
        session->ahead_begin = 0;
        session->ahead_end = n > 0 ? (unsigned)n : 0;
    }
    if (has_ahead(session)) {
        n = (ssize_t)read_from_ahead(session, bytes, size);
    } else if (size >= READ_AHEAD_BYTES) {
        n = receive(session, bytes, size);
    }
    report_more(session);
    if (n > 0 && !session->has_first_byte) {
        session->has_first_byte = true;
        session->first_byte = *(unsigned char *)bytes;
    }
    if (n > 0) {
        session->n_received += (uint64_t)n;
        if (!session->is_established) {
            look_for_alert(session, bytes, (size_t)n);
        }
    }
    session->is_at_end = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    return n;
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Called when the client's Finished has arrived. This is the only notice of a completed handshake, because
 * libmicrohttpd performs it internally. */
static int count_handshake(gnutls_session_t gnutls, unsigned type, unsigned when, unsigned incoming,
                           const gnutls_datum_t *message)
{
    struct tls_session *session = gnutls_transport_get_ptr(gnutls);
    (void)type;
    (void)when;
    (void)message;
    if (incoming != 0) {
        session->is_established = true;
        count(gnutls_session_is_resumed(gnutls) != 0 ? &session->tls->n_resumed : &session->tls->n_full);
    }
    return 0;
}

/* Makes GnuTLS ignore server_name, which is not needed because there is only one certificate. GnuTLS 3.6 to
 * 3.8.13 aborts the handshake if the name contains characters other than letters, digits, '-' and '.', which
 * nginx (the name of its upstream, im_presence) and HAProxy (a Host header, name:8443) send. GnuTLS does not
 * allow replacing its own parser of server_name, but it compares the number it is given before truncating it
 * to 16 bits, and it skips an extension without functions. If a later version closes this gap, handshakes
 * with such names fail as before, and the log shows it. */
static void ignore_server_name(gnutls_session_t gnutls)
{
    (void)gnutls_session_ext_register(gnutls, "server_name", SERVER_NAME + (1 << 16), GNUTLS_EXT_MANDATORY,
                                      NULL, NULL, NULL, NULL, NULL,
                                      GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_TLS);
}

struct tls_session *tls_session_new(struct tls *tls, void *gnutls_session, int fd,
                                    const struct tls_session_events *events, void *cls)
{
    cleanup(tls_generation_freep) struct tls_generation *generation = tls_get_newest(tls);
    cleanup(cleanup_freep) struct tls_session *session = calloc(1, sizeof(*session));
    if (session == NULL || generation == NULL) {
        return NULL;
    }
    *session = (struct tls_session){
        .gnutls = gnutls_session,
        .tls = tls,
        .fd = fd,
        .events = events,
        .alert = "",
        .clear_alert = NO_ALERT,
        .cls = cls,
    };
    bool ready = gnutls_credentials_set(session->gnutls, GNUTLS_CRD_CERTIFICATE, generation->credentials) >=
                 0;
    if (generation->wants_client_certificate) {
        gnutls_certificate_server_set_request(session->gnutls, GNUTLS_CERT_REQUEST);
    } else {
        ready = ready && gnutls_session_ticket_enable_server(session->gnutls, &tls->ticket_key) >= 0;
    }
    if (!ready) {
        return NULL;
    }
    ignore_server_name(session->gnutls);
    session->generation = take_pointer(generation);
    gnutls_transport_set_ptr(session->gnutls, session);
    gnutls_transport_set_pull_function(session->gnutls, pull);
    gnutls_handshake_set_hook_function(session->gnutls, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST,
                                       count_handshake);
    gnutls_transport_set_vec_push_function(session->gnutls, push);
    return take_pointer(session);
}

void tls_session_free(struct tls_session *session)
{
    if (session == NULL) {
        return;
    }
    (void)send_gathered(session);
    if (!session->is_established) {
        count(&session->tls->n_failed);
        count(&session->tls->n_failed_by[session->failure]);
    }
    tls_generation_free(session->generation);
    free(session);
}

void tls_session_has_failed(struct tls_session *session)
{
    int number = session->clear_alert == NO_ALERT ? (int)gnutls_alert_get(session->gnutls)
                                                  : session->clear_alert;
    const char *alert = gnutls_alert_get_name((gnutls_alert_description_t)number);
    if (session->is_established || session->failure != TLS_FAILURE_CLOSED) {
        return;
    }
    if (session->has_first_byte && session->first_byte != RECORD_OF_HANDSHAKE) {
        session->failure = TLS_FAILURE_NOT_TLS;
    } else if (session->n_received > HANDSHAKE_BYTES_MAX) {
        session->failure = TLS_FAILURE_TOO_LONG;
    } else if (number != GNUTLS_A_CLOSE_NOTIFY) { /* 0: there was no alert */
        session->failure = TLS_FAILURE_ALERT;
        session->alert = alert == NULL ? "unknown" : alert;
    } else if (!session->is_at_end) {
        session->failure = TLS_FAILURE_NEGOTIATION;
    }
}

void tls_session_give_up(struct tls_session *session)
{
    if (!session->is_established) {
        session->failure = TLS_FAILURE_TIMED_OUT;
    }
}

enum tls_failure tls_session_failure(const struct tls_session *session, const char **ret_alert)
{
    *ret_alert = session->alert;
    return session->failure;
}

void tls_session_hold(struct tls_session *session)
{
    session->was_held = true;
    gnutls_record_cork(session->gnutls);
}

/* libmicrohttpd (0.9.75, 1.0.1) sends the head and the body of a TLS reply separately. At the first reply
 * that has both it sets TCP_CORK, and later pushes out each reply by setting TCP_NODELAY after the body. That
 * is too early here, where a reply is held back until tls_session_flush(): it would wait for 200 ms. The
 * library does not set TCP_CORK again, so it is enough to clear it once, after it was set. system/test_tls.c:
 * no_reply_waits_in_a_corked_socket. */
static void uncork_socket(struct tls_session *session)
{
    int corked = 0;
    socklen_t len = sizeof(corked);
    if (!session->was_held || session->is_uncorked) {
        return;
    }
    (void)getsockopt(session->fd, IPPROTO_TCP, TCP_CORK, &corked, &len);
    if (corked != 0) {
        session->is_uncorked = true;
        (void)setsockopt(session->fd, IPPROTO_TCP, TCP_CORK, &(int){0}, sizeof(int));
    }
}

int tls_session_flush(struct tls_session *session)
{
    int r = gnutls_record_uncork(session->gnutls, 0);
    if (r == GNUTLS_E_AGAIN || r == GNUTLS_E_INTERRUPTED) {
        return -EAGAIN;
    }
    if (!session->is_settled) {
        return TLS_SESSION_GATHERED;
    }
    uncork_socket(session);
    return r < 0 ? -EIO : 0;
}

void tls_session_settle(struct tls_session *session)
{
    if (!session->is_settled) {
        session->is_settled = true;
        (void)send_gathered(session);
        uncork_socket(session);
    }
}

void tls_session_send_last(struct tls_session *session, struct str bytes)
{
    tls_session_settle(session);
    (void)gnutls_record_send(session->gnutls, bytes.ptr, bytes.len);
    (void)gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
    uncork_socket(session);
}

bool tls_session_is_established(const struct tls_session *session)
{
    return session->is_established;
}

uint64_t tls_session_n_received(const struct tls_session *session)
{
    return session->n_received;
}

bool tls_session_is_outdated(const struct tls_session *session)
{
    const struct tls *tls = session->tls;
    return atomic_load(&tls->newest) != session->generation && atomic_load(&tls->wants_client_certificate);
}

static const char *client_problem(int gnutls_error, unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } problems[] = {
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "client_ca did not sign the client certificate"},
        {GNUTLS_CERT_NOT_ACTIVATED, "the client certificate is not valid yet"},
        {GNUTLS_CERT_EXPIRED, "the client certificate has expired"},
        {GNUTLS_CERT_PURPOSE_MISMATCH, "the client certificate is not for TLS clients (extendedKeyUsage)"},
    };
    if (gnutls_error == GNUTLS_E_NO_CERTIFICATE_FOUND) {
        return "no client certificate was shown, and client_ca is set";
    }
    for (size_t i = 0; i < N_ELEMENTS(problems); i++) {
        if (gnutls_error == 0 && (status & problems[i].status) != 0) {
            return problems[i].text;
        }
    }
    return gnutls_error == 0 && status == 0 ? NULL : "the client certificate does not verify";
}

const char *tls_session_client_problem(struct tls_session *session)
{
    if (!session->client_was_verified) {
        gnutls_typed_vdata_st purpose = {
            .type = GNUTLS_DT_KEY_PURPOSE_OID,
            .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
        };
        unsigned status = 0;
        int r = gnutls_certificate_verify_peers(session->gnutls, &purpose, 1, &status);
        session->client_was_verified = true;
        session->client_problem = client_problem(r, status);
    }
    return session->client_problem;
}
