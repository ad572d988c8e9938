/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The only file that sees libmicrohttpd: 0.9.75 (Debian 12) and 1.0 (Debian 13). Documents how a request passes
 * through the library, and where the library departs from its manual or from RFC 9112. The library calls, on the
 * thread that runs the daemon:
 *
 *   on_request_line   after the request line; the target is still raw
 *   on_request_part   first:  after the headers. The library closes the connection after a reply queued here, so
 *                             only requests are answered here after which the connection is to be closed.
 *                     then:   for each piece of the body. No reply can be queued here.
 *                     last:   after the body. This is where requests are answered.
 *   on_request_end    when the reply was sent or the connection was lost
 *   on_connection     when a connection was added, and before its socket is closed
 *   on_log_line       for each log message, which is the only notice of a request that the library refuses itself
 *
 * Quirks, the versions that have them, and the test that fails without the work-around:
 *
 *   all      The library's own refusals are HTML, in 0.9.75 with two heads. It logs before it replies, so we send
 *            our refusal from the log callback and shut the socket down. The callback is not told whose request
 *            it is, so each connection has a daemon of its own (mhd_loop.h).
 *            on_log_line()             system/test_framing.c: refuses_and_reads_no_further
 *   all      The library stores each query parameter, which we do not need, and fails at a few hundred of them.
 *            hide_query()              system/test_framing.c: serves_a_query_of_many_parameters
 *   0.9.77   and later: MHD_add_connection() only queues the connection; on_connection() is called in a later run
 *            and cannot tell which connection it is called for.
 *            USE_NO_THREAD_SAFETY      system/test_handshake.c: serves_many_new_connections_at_a_time
 *   < 1.0    The library accepts bare LF, NUL and folded lines in a head, and blanks in a target.
 *            handle_head()             system/test_framing.c: refuses_and_reads_no_further
 *   < 1.0    The library accepts bare LF in a chunked body, and does not show how the body ends.
 *            is_strict_chunk_line()    system/test_framing.c: refuses_and_reads_no_further
 *            mhd_head.must_close       system/test_framing.c: serves_a_chunked_body_in_many_chunks
 *   1.0      By default the library accepts bare LF and unfolds headers.
 *            OPTION_CLIENT_DISCIPLINE  system/test_framing.c: refuses_and_reads_no_further
 *
 * Quirks handled elsewhere: a ready flag that is never cleared (parking.c), work that stays pending for ever
 * (mhd_loop.c), corked sockets (transport/tls_session.c), a body that asks again and again for what is not there
 * yet (streaming.c). */
/* clang-format on */
#include "mhd_adapter.h"

#include "presenced/log.h"
#include "presenced/tls.h"
#include "presenced/version.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <time.h>

#define VERSION_QUEUES 0x00097700U /* the first that queues added connections */
#define VERSION_STRICT 0x01000000U /* the first that can refuse what RFC 9112 forbids */

/* Defined in the header of 1.0; the build may use an older header than the library at run time. */
#define USE_NO_THREAD_SAFETY (1U << 19)
#define OPTION_CLIENT_DISCIPLINE 38 /* MHD_OPTION_CLIENT_DISCIPLINE_LVL */

enum phase {
    PHASE_NONE, /* between requests */
    PHASE_LINE, /* the request line was read */
    PHASE_BODY, /* the headers were read */
};

struct mhd {
    const struct mhd_config *config;
    struct MHD_Daemon *daemon;
    bool is_lenient; /* older than VERSION_STRICT: we check the head and the chunks */
    void *cls;       /* identifies the connection in callbacks; NULL: there is no connection */
    struct MHD_Connection *connection;
    enum phase phase;
    size_t n_target_bytes;
    uint64_t n_head_bytes;
    bool is_chunked;
};

DEFINE_CLEANUP(struct mhd *, mhd_free)

const char *mhd_version_text(void)
{
    return MHD_get_version();
}

unsigned mhd_version(void)
{
    unsigned parts[VERSION_N_PARTS];
    unsigned version = 0;
    version_parse(MHD_get_version(), parts);
    for (size_t i = 0; i < VERSION_N_PARTS; i++) {
        version = version << 8 | (parts[i] / 10 % 10) << 4 | parts[i] % 10;
    }
    return version << 8;
}

static void panic(void *cls, const char *file, unsigned line, const char *reason)
{
    (void)cls;
    log_error("libmicrohttpd cannot go on", log_text("file", file), log_u64("line", line),
              log_text("reason", reason == NULL ? "" : reason));
    log_stop();
    abort();
}

void mhd_adapter_init(void)
{
    MHD_set_panic_func(panic, NULL);
}

__attribute__((format(printf, 2, 0))) static void log_line(const struct mhd *mhd, const char *format,
                                                           va_list arguments)
{
    static struct log_limit limit = {.per_second = 2, .burst = 10};
    uint64_t n_suppressed = 0;
    char text[256];
    if (!log_limit_pass(&limit, &n_suppressed)) {
        return;
    }
    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_at(mhd->daemon == NULL ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG, "libmicrohttpd",
           log_text("listener", mhd->config->name), log_text("text", text),
           log_u64("suppressed", n_suppressed));
}

/* The message is the same in 0.9.75, 1.0.1 and 1.0.10. With a version that words it otherwise the client gets
 * the library's HTML, and test_framing.c fails. */
__attribute__((format(printf, 2, 0))) static void on_log_line(void *cls, const char *format,
                                                              va_list arguments)
{
    static const char refusing[] = "Error processing request (HTTP response code is %u (";
    struct mhd *mhd = cls;
    va_list copy;
    va_copy(copy, arguments);
    if (mhd->cls != NULL && strncmp(format, refusing, sizeof(refusing) - 1) == 0) {
        mhd->config->events->refused(mhd->cls, va_arg(copy, unsigned));
    } else if (mhd->cls != NULL) {
        mhd->config->events->complained(mhd->cls);
    }
    va_end(copy);
    log_line(mhd, format, arguments);
}

/* Truncates the library's copy of the target at the query, so that it finds no parameters to store. */
static void hide_query(const char *target)
{
    const char *query = strchr(target, '?');
    if (query != NULL) {
        *(char *)(uintptr_t)(query + 1) = '\0';
    }
}

static void *on_request_line(void *cls, const char *target, struct MHD_Connection *connection)
{
    struct mhd *mhd = cls;
    (void)connection;
    mhd->phase = PHASE_LINE;
    mhd->n_target_bytes = strlen(target);
    mhd->config->events->request_line(mhd->cls, (struct str){target, mhd->n_target_bytes});
    hide_query(target);
    return mhd;
}

/* A lenient library parses the head in place and overwrites each byte of a line's end with NUL. So if every
 * line ended in CR LF, each header begins two bytes after the end of the previous one. Any other distance
 * shows that the library read something else than was sent: a bare LF leaves one byte; a NUL in a line ends
 * the value early; a folded line (obsolete, RFC 9112, section 5.2) is appended to the name, which the library
 * moves for that. A NUL right before a bare LF is the one thing that looks like CR LF. */
struct gathering {
    struct framing *framing;
    uintptr_t end; /* of the request line or the previous header */
    bool has_gap;
};

#define CRLF 2

static enum MHD_Result gather_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                     const char *value, size_t value_size)
{
    struct gathering *gathering = cls;
    (void)kind;
    gathering->has_gap |= (uintptr_t)key - gathering->end != CRLF;
    gathering->end = value == NULL ? (uintptr_t)key + key_size : (uintptr_t)value + value_size;
    framing_add(gathering->framing, (struct str){key, key_size},
                (struct str){value == NULL ? "" : value, value_size});
    return MHD_YES;
}

static uint64_t head_bytes(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection,
                                                                   MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

/* Returns whether exactly one blank separates method, target and version. */
static bool is_strict_line(const char *method, const char *target, size_t target_size, const char *version)
{
    return method + strlen(method) + 1 == target && target + target_size + 1 == version;
}

static bool handle_head(struct mhd *mhd, const char *target, const char *method, const char *version)
{
    struct mhd_head head = {
        .method = str_from(method),
        .is_http_1_0 = strcmp(version, MHD_HTTP_VERSION_1_0) == 0,
        .n_bytes = head_bytes(mhd->connection),
    };
    struct gathering gathering = {.framing = &head.framing, .end = (uintptr_t)version + strlen(version)};
    (void)MHD_get_connection_values_n(mhd->connection, MHD_HEADER_KIND, gather_header, &gathering);
    mhd->phase = PHASE_BODY;
    mhd->n_head_bytes = head.n_bytes;
    mhd->is_chunked = head.framing.n_transfer_encoding > 0;
    if (mhd->is_lenient) {
        uintptr_t left = (uintptr_t)method + head.n_bytes - gathering.end;
        head.framing.bad_header |= gathering.has_gap || left != 2 * (uintptr_t)CRLF;
        head.framing.bad_request_line = !is_strict_line(method, target, mhd->n_target_bytes, version);
        head.must_close = mhd->is_chunked;
    }
    return mhd->config->events->head(mhd->cls, &head);
}

static bool is_hex_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Checks the chunk-size line in the buffer of a lenient library, where it precedes the chunk's data: hex
 * digits and CR LF without extensions, as 1.0 requires. The line is no longer there if it arrived separately
 * from the data, and the line of the last chunk has no data, so this cannot find everything:
 * mhd_head.must_close keeps a second request from following a chunked body. */
static bool is_strict_chunk_line(const char *buffer, const char *data)
{
    const char *end = data - CRLF;
    if (data <= buffer) {
        return true;
    }
    if (end <= buffer || end[0] != '\r' || end[1] != '\n') {
        return false;
    }
    const char *begin = end;
    while (begin > buffer && is_hex_digit(begin[-1])) {
        begin--;
    }
    /* The CR LF of the previous chunk precedes the line, as far as it is still in the buffer. */
    bool has_line_end = begin == buffer || begin[-1] == '\n';
    bool has_cr = begin - buffer < CRLF || begin[-CRLF] == '\r';
    return begin < end && has_line_end && has_cr;
}

static bool handle_body(const struct mhd *mhd, const char *method, struct str bytes)
{
    const struct mhd_events *events = mhd->config->events;
    if (mhd->is_lenient && mhd->is_chunked && !is_strict_chunk_line(method + mhd->n_head_bytes, bytes.ptr)) {
        events->refused(mhd->cls, 0);
        return false;
    }
    return events->body(mhd->cls, bytes);
}

static enum MHD_Result on_request_part(void *cls, struct MHD_Connection *connection, const char *url,
                                       const char *method, const char *version, const char *upload_data,
                                       size_t *upload_data_size, void **request)
{
    struct mhd *mhd = cls;
    bool goes_on;
    (void)connection;
    if (*request == NULL) {
        return MHD_NO;
    }
    if (mhd->phase == PHASE_LINE) {
        goes_on = handle_head(mhd, url, method, version);
    } else if (*upload_data_size > 0) {
        struct str bytes = {upload_data, *upload_data_size};
        *upload_data_size = 0;
        goes_on = handle_body(mhd, method, bytes);
    } else {
        goes_on = mhd->config->events->request(mhd->cls);
    }
    return goes_on ? MHD_YES : MHD_NO;
}

static void on_request_end(void *cls, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code)
{
    struct mhd *mhd = cls;
    (void)connection;
    (void)code;
    if (take_pointer(*request) != NULL) {
        mhd->phase = PHASE_NONE;
        mhd->config->events->request_end(mhd->cls);
    }
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct mhd *mhd = cls;
    (void)socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        mhd->connection = connection;
        mhd->config->events->added(mhd->cls);
    } else if (mhd->cls != NULL) {
        mhd->connection = NULL;
        mhd->config->events->closed(take_pointer(mhd->cls));
    }
}

/* The library requires a peer address, but we keep our own. */
bool mhd_add(struct mhd *mhd, int fd, void *cls)
{
    static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};
    mhd->cls = cls;
    mhd->phase = PHASE_NONE;
    if (MHD_add_connection(mhd->daemon, fd, &nobody, sizeof(nobody)) == MHD_YES || mhd->cls == NULL) {
        return true; /* or on_connection() has already closed it */
    }
    mhd->cls = NULL;
    return false;
}

void *mhd_connection(const struct mhd *mhd)
{
    return mhd->cls;
}

void mhd_suspend(struct mhd *mhd)
{
    MHD_suspend_connection(mhd->connection);
}

void mhd_resume(struct mhd *mhd)
{
    MHD_resume_connection(mhd->connection);
}

/* The library adds a resumed connection to its epoll again when a read finds nothing. With a full buffer it
 * does not read, and does not notice the shutdown; so the connection gets the library's time-out, at its
 * minimum of one second. system/test_stalled.c: a_chunk_size_without_end_holds_no_connection. */
void mhd_expire(struct mhd *mhd)
{
    (void)MHD_set_connection_option(mhd->connection, MHD_CONNECTION_OPTION_TIMEOUT, 1U);
}

void *mhd_tls(const struct mhd *mhd)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd->connection,
                                                                   MHD_CONNECTION_INFO_GNUTLS_SESSION);
    return info == NULL ? NULL : info->tls_session;
}

struct header_search {
    struct str name;
    unsigned left;
    struct str found;
};

static enum MHD_Result visit_header(void *cls, enum MHD_ValueKind kind, const char *key, size_t key_size,
                                    const char *value, size_t value_size)
{
    struct header_search *search = cls;
    (void)kind;
    if (!str_equal_fold((struct str){key, key_size}, search->name)) {
        return MHD_YES;
    }
    if (search->left-- > 0) {
        return MHD_YES;
    }
    search->found = (struct str){value == NULL ? "" : value, value_size};
    return MHD_NO;
}

struct str mhd_header(const struct mhd *mhd, struct str name, unsigned nth)
{
    struct header_search search = {.name = name, .left = nth};
    (void)MHD_get_connection_values_n(mhd->connection, MHD_HEADER_KIND, visit_header, &search);
    return search.found;
}

/* Keeps the target as it was sent; its readers decode what they need. */
static size_t leave_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls;
    (void)connection;
    return strlen(text);
}

static int start(struct mhd *mhd)
{
    const struct mhd_config *config = mhd->config;
    unsigned version = mhd_version();
    unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    struct MHD_OptionItem options[4];
    unsigned n = 0;
    mhd->is_lenient = version < VERSION_STRICT;
    if (config->is_tls) {
        flags |= MHD_USE_TLS;
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0,
                                               tls_certificate_callback()};
        options[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                               (void *)(uintptr_t)tls_priorities};
    }
    if (version >= VERSION_QUEUES) {
        flags |= USE_NO_THREAD_SAFETY;
    }
    if (version >= VERSION_STRICT) {
        options[n++] = (struct MHD_OptionItem){(enum MHD_OPTION)OPTION_CLIENT_DISCIPLINE, 1, NULL};
    }
    options[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    mhd->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request_part, mhd, MHD_OPTION_EXTERNAL_LOGGER, on_log_line,
        mhd, /* first, or errors of the start are lost */
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, mhd, MHD_OPTION_NOTIFY_COMPLETED, on_request_end, mhd,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, mhd, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_CONNECTION_LIMIT, 1U, MHD_OPTION_CONNECTION_TIMEOUT, 0U, /* the transport has its own */
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, config->connection_memory_bytes, MHD_OPTION_ARRAY, options,
        MHD_OPTION_END);
    return mhd->daemon == NULL ? -EIO : 0;
}

int mhd_new(const struct mhd_config *config, struct mhd **ret_mhd)
{
    cleanup(mhd_freep) struct mhd *mhd = calloc(1, sizeof(*mhd));
    if (mhd == NULL) {
        return -ENOMEM;
    }
    mhd->config = config;
    int r = start(mhd);
    if (r < 0) {
        return r;
    }
    *ret_mhd = take_pointer(mhd);
    return 0;
}

void mhd_free(struct mhd *mhd)
{
    if (mhd != NULL && mhd->daemon != NULL) {
        MHD_stop_daemon(mhd->daemon);
    }
    free(mhd);
}

void mhd_run(struct mhd *mhd)
{
    (void)MHD_run_wait(mhd->daemon, 0);
}

bool mhd_has_pending(const struct mhd *mhd)
{
    MHD_UNSIGNED_LONG_LONG pending_ms = 1;
    return MHD_get_timeout(mhd->daemon, &pending_ms) == MHD_YES && pending_ms == 0;
}

/* Responses: struct mhd_response is a struct MHD_Response. */

static struct MHD_Response *library_response(struct mhd_response *response)
{
    return (struct MHD_Response *)response;
}

static bool add_headers(struct MHD_Response *response, const struct http_header *headers)
{
    for (; headers->name != NULL; headers++) {
        if (MHD_add_response_header(response, headers->name, headers->value) != MHD_YES) {
            return false;
        }
    }
    return true;
}

/* The library does not accept NULL, which the ptr of an empty body may be. */
static struct MHD_Response *make_response(struct str body, bool is_heap)
{
    if (body.len == 0) {
        return MHD_create_response_from_buffer(0, (void *)(uintptr_t) "", MHD_RESPMEM_PERSISTENT);
    }
    return MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.ptr,
                                           is_heap ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_MUST_COPY);
}

struct mhd_response *mhd_response_new(const struct http_header *headers, struct str body, bool is_heap)
{
    struct MHD_Response *response = make_response(body, is_heap);
    if (is_heap && (response == NULL || body.len == 0)) {
        free((void *)(uintptr_t)body.ptr);
    }
    if (response != NULL && !add_headers(response, headers)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return (struct mhd_response *)response;
}

/* Size of the buffer that the library allocates for each such response to HTTP/1.0. A chunk for HTTP/1.1 is
 * as long as there is room in the connection's memory. */
#define BODY_BLOCK_BYTES 1024

static ssize_t read_body(void *cls, uint64_t position, char *to, size_t size)
{
    const struct mhd_body *body = cls;
    (void)position;
    ssize_t n = body->read(body->cls, to, size);
    switch (n) {
    case MHD_BODY_END:
        return MHD_CONTENT_READER_END_OF_STREAM;
    case MHD_BODY_BROKEN:
        return MHD_CONTENT_READER_END_WITH_ERROR;
    default:
        return n;
    }
}

static void free_body(void *cls)
{
    struct mhd_body *body = cls;
    body->free(body->cls);
    free(body);
}

struct mhd_response *mhd_response_new_body(const struct http_header *headers, const struct mhd_body *body)
{
    struct mhd_body *copy = malloc(sizeof(*copy));
    if (copy == NULL) {
        body->free(body->cls);
        return NULL;
    }
    *copy = *body;
    struct MHD_Response *response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BODY_BLOCK_BYTES,
                                                                      read_body, copy, free_body);
    if (response == NULL) {
        free_body(copy);
        return NULL;
    }
    if (!add_headers(response, headers)) {
        MHD_destroy_response(response);
        return NULL;
    }
    return (struct mhd_response *)response;
}

void mhd_response_free(struct mhd_response *response)
{
    if (response != NULL) {
        MHD_destroy_response(library_response(response));
    }
}

bool mhd_response_say_close(struct mhd_response *response)
{
    return MHD_add_response_header(library_response(response), MHD_HTTP_HEADER_CONNECTION, "close") ==
           MHD_YES;
}

bool mhd_reply(struct mhd *mhd, unsigned status, struct mhd_response *response)
{
    return MHD_queue_response(mhd->connection, status, library_response(response)) == MHD_YES;
}

static enum MHD_Result write_header(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    if (!str_equal_fold(str_from(name), STR(MHD_HTTP_HEADER_CONNECTION))) {
        buf_appendf(cls, "%s: %s\r\n", name, value);
    }
    return MHD_YES;
}

void mhd_response_write(struct mhd_response *response, unsigned status, struct str body, struct buf *out)
{
    char date[64];
    struct tm tm;
    time_t now = time(NULL);
    (void)strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
    buf_appendf(out, "HTTP/1.1 %u %s\r\nDate: %s\r\n", status, MHD_get_reason_phrase_for(status), date);
    (void)MHD_get_response_headers(library_response(response), write_header, out);
    buf_appendf(out, "Connection: close\r\nContent-Length: %zu\r\n\r\n", body.len);
    buf_append(out, body);
}
