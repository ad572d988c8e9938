/* SPDX-License-Identifier: MIT */
#include "tls_private.h"

#include "presenced/array.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* A whole record of a callback, mostly. */
#define READ_AHEAD_BYTES 1024

/* What a client may send until it is known. GnuTLS 3.7.9 keeps of a message what its length says, up to 16
 * MB; a long chain of client certificates takes 20 KB. */
#define HANDSHAKE_BYTES_MAX 65536

/* A record's head: its kind, version and length (RFC 8446, section 5.1). */
#define RECORD_HEAD_BYTES 5
#define RECORD_OF_ALERT 21
#define RECORD_OF_HANDSHAKE 22
#define ALERT_BYTES 2 /* level and number */
#define NO_ALERT (-1)

/* The extension that tells which host the client wants (RFC 6066, section 3). */
#define SERVER_NAME 0

struct tls_session {
    gnutls_session_t gnutls;
    struct tls *tls;
    struct tls_generation *generation; /* held */
    int fd;
    bool is_settled;
    struct buf gathered; /* until then: what waits to be sent */
    uint64_t n_received;
    bool is_established;
    bool has_first_byte;
    unsigned char first_byte;
    unsigned char record_head[RECORD_HEAD_BYTES]; /* the last one, before the handshake is done */
    bool is_drained; /* the kernel had no more bytes when it was asked last: more of them cause an event */
    bool is_at_end;  /* the peer sends no more */
    enum tls_failure failure; /* of a handshake that is not done: TLS_FAILURE_CLOSED, until more is known */
    const char *alert;        /* the client's, or "" */
    int clear_alert;          /* its number, where it was not encrypted; NO_ALERT: none */
    const struct tls_session_events *events;
    void *cls;
    bool has_held; /* since then the socket may be corked */
    bool is_uncorked;
    bool client_was_looked_at;
    const char *client_problem;
    unsigned ahead_begin; /* of what the kernel gave and GnuTLS has not asked for yet */
    unsigned ahead_end;
    unsigned char ahead[READ_AHEAD_BYTES];
};

/* What a new connection's handshake has to say, its ticket and its first reply are gathered until the peer's
 * turn has come: one packet each time instead of four in all. */
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

/* All at once, which a new socket has room for; or the connection is lost. */
static int send_gathered(struct tls_session *session)
{
    struct str bytes = buf_str(&session->gathered);
    bool sent = bytes.len == 0 || send(session->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len;
    buf_fini(&session->gathered);
    return sent ? 0 : -EIO;
}

/* A reply is one record, for which send() is cheaper than sendmsg() with a list of one; a handshake's flight
 * is several. */
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

static size_t take_ahead(struct tls_session *session, void *bytes, size_t size)
{
    size_t n = session->ahead_end - session->ahead_begin;
    n = n < size ? n : size;
    memcpy(bytes, session->ahead + session->ahead_begin, n);
    session->ahead_begin += (unsigned)n;
    return n;
}

/* GnuTLS says EAGAIN behind a record without data, such as one with new keys or a part of a hello, whatever
 * lies here or in the kernel. */
static void tell_of_more(struct tls_session *session)
{
    if (has_ahead(session) || !session->is_drained) {
        session->events->is_unfinished(session->cls);
    }
}

/* A client that does not like what a server of TLS 1.3 has sent may say so before it encrypts. GnuTLS takes
 * that for a malformed record. */
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

/* GnuTLS asks for the five bytes of a record's head, then for the rest: reading ahead makes one system call
 * of the two. That there is nothing is only ever the kernel's word, on whose edges libmicrohttpd relies. */
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
        n = (ssize_t)take_ahead(session, bytes, size);
    } else if (size >= READ_AHEAD_BYTES) {
        n = receive(session, bytes, size);
    }
    tell_of_more(session);
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

/* The client's Finished has come: libmicrohttpd does the handshake and tells nobody. */
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

/* There is one certificate, so nobody needs to know which name a client has asked for. GnuTLS, from 3.6 to
 * 3.8.13, ends the handshake over a name with another byte than letters, digits, '-' and '.', such as nginx
 * sends (its upstream's name, im_presence) and HAProxy (a Host header, name:8443). It lets nobody replace its
 * own reading of server_name, but compares the number it is given before it cuts it to 16 bits. One without
 * functions is skipped over. Where it notices some day, handshakes with such names fail as before, and the
 * log says so. */
static void ignore_server_name(gnutls_session_t gnutls)
{
    (void)gnutls_session_ext_register(gnutls, "server_name", SERVER_NAME + (1 << 16), GNUTLS_EXT_MANDATORY,
                                      NULL, NULL, NULL, NULL, NULL,
                                      GNUTLS_EXT_FLAG_CLIENT_HELLO | GNUTLS_EXT_FLAG_TLS);
}

struct tls_session *tls_session_new(struct tls *tls, void *gnutls_session, int fd,
                                    const struct tls_session_events *events, void *cls)
{
    cleanup(tls_generation_freep) struct tls_generation *generation = tls_hold_newest(tls);
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
    } else if (number != GNUTLS_A_CLOSE_NOTIFY) { /* 0: there was none */
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
    session->has_held = true;
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
    if (!session->has_held || session->is_uncorked) {
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
    if (!session->client_was_looked_at) {
        gnutls_typed_vdata_st purpose = {
            .type = GNUTLS_DT_KEY_PURPOSE_OID,
            .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT,
        };
        unsigned status = 0;
        int r = gnutls_certificate_verify_peers(session->gnutls, &purpose, 1, &status);
        session->client_was_looked_at = true;
        session->client_problem = client_problem(r, status);
    }
    return session->client_problem;
}
