/* SPDX-License-Identifier: MIT */
/* Uses the blocking interface of hiredis, 0.14 (Debian 12) to 1.2 (Debian 13). A context is never
 * reconnected, because redisReconnect() loses the timeout of commands. */
#include "link.h"

#include "resolve.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#ifdef PRESENCED_HIREDIS_TLS
#include <hiredis/hiredis_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#endif
#include <stdio.h>

struct link {
    redisContext *context;
    const char **arguments; /* of the command being appended */
    size_t *lengths;
    size_t n_allocated;
};

#define AS_TEXT(x) #x
#define VERSION(major, minor, patch) AS_TEXT(major) "." AS_TEXT(minor) "." AS_TEXT(patch)

const char *link_library_version(void)
{
    return VERSION(HIREDIS_MAJOR, HIREDIS_MINOR, HIREDIS_PATCH);
}

bool link_has_tls(void)
{
#ifdef PRESENCED_HIREDIS_TLS
    return true;
#else
    return false;
#endif
}

static struct timeval timeval_of(uint64_t ms)
{
    return (struct timeval){.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
}

/* Converts the error of a failed call to -errno. errno must still be what that call left. */
static int error_of(const redisContext *context)
{
    switch (context->err) {
    case REDIS_ERR_IO:
        return errno == EAGAIN || errno == EINPROGRESS ? -ETIMEDOUT : errno > 0 ? -errno : -EIO;
    case REDIS_ERR_EOF:
        return -ECONNRESET;
    case REDIS_ERR_PROTOCOL:
        return -EPROTO;
    case REDIS_ERR_OOM:
        return -ENOMEM;
#ifdef REDIS_ERR_TIMEOUT
    case REDIS_ERR_TIMEOUT:
        return -ETIMEDOUT;
#endif
    default:
        return -EHOSTUNREACH; /* unknown name */
    }
}

#ifdef PRESENCED_HIREDIS_TLS

static bool set_name(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host) == 1) {
        return true;
    }
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

/* Creates the SSL object, because the one that hiredis creates does not check that the certificate is for
 * this host. */
static SSL *new_ssl(const struct link_address *address)
{
    SSL *ssl = NULL;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL) {
        return NULL;
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    int r = address->ca_file == NULL ? SSL_CTX_set_default_verify_paths(context)
                                     : SSL_CTX_load_verify_file(context, address->ca_file);
    if (r == 1 && SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1) {
        ssl = SSL_new(context);
    }
    SSL_CTX_free(context); /* the SSL object holds a reference */
    if (ssl != NULL && !set_name(ssl, address->host)) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

static int start_tls(struct link *link, const struct link_address *address, char *ret_problem)
{
    SSL *ssl = new_ssl(address);
    if (ssl == NULL) {
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "TLS: %s",
                       ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
        return -EINVAL;
    }
    if (redisInitiateSSL(link->context, ssl) != REDIS_OK) {
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "TLS: %s", link->context->errstr);
        SSL_free(ssl);
        ERR_clear_error();
        return -EPROTO;
    }
    return 0;
}

#else

static int start_tls(struct link *link, const struct link_address *address, char *ret_problem)
{
    (void)link;
    (void)address;
    (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "hiredis %s knows no TLS", link_library_version());
    return -EPROTONOSUPPORT;
}

#endif

/* Tries the addresses of the host in order; together they have `timeout_ms`. Returns 0 with the context of
 * the last attempt, which may have failed; or -errno with a description in `ret_problem`. */
static int connect_to_host(const struct link_address *address, uint64_t timeout_ms,
                           redisContext **ret_context, char *ret_problem)
{
    struct resolved resolved;
    const char *problem = "out of memory";
    redisContext *context = NULL;
    int r = resolve(address->host, timeout_ms, &resolved, &problem);
    if (r < 0) {
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "%s: %s", address->host, problem);
        return r;
    }
    for (size_t i = 0; i < resolved.n && (context == NULL || context->err != 0); i++) {
        if (context != NULL) {
            redisFree(context);
        }
        errno = 0;
        context = redisConnectWithTimeout(resolved.texts[i], address->port,
                                          timeval_of(timeout_ms / resolved.n));
    }
    *ret_context = context;
    return 0;
}

int link_open(const struct link_address *address, uint64_t timeout_ms, struct link **ret_link,
              char ret_problem[static LINK_PROBLEM_SIZE])
{
    struct timeval timeout = timeval_of(timeout_ms);
    cleanup(link_closep) struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "out of memory");
        return -ENOMEM;
    }
    errno = 0;
    if (address->path != NULL) {
        link->context = redisConnectUnixWithTimeout(address->path, timeout);
    } else {
        int r = connect_to_host(address, timeout_ms, &link->context, ret_problem);
        if (r < 0) {
            return r;
        }
    }
    if (link->context == NULL) {
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "out of memory");
        return -ENOMEM;
    }
    if (link->context->err != 0) {
        int r = error_of(link->context);
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "%s", link->context->errstr);
        return r;
    }
    if (redisSetTimeout(link->context, timeout) != REDIS_OK) {
        (void)snprintf(ret_problem, LINK_PROBLEM_SIZE, "%s", link->context->errstr);
        return -EIO;
    }
    if (address->tls) {
        int r = start_tls(link, address, ret_problem);
        if (r < 0) {
            return r;
        }
    }
    *ret_link = take_pointer(link);
    return 0;
}

void link_close(struct link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->context != NULL) {
        redisFree(link->context);
    }
    free(link->arguments);
    free(link->lengths);
    free(link);
}

int link_fd(const struct link *link)
{
    return link->context->fd;
}

static int reserve(struct link *link, size_t n)
{
    if (n <= link->n_allocated) {
        return 0;
    }
    const char **arguments = reallocarray(link->arguments, n, sizeof(*arguments));
    link->arguments = arguments == NULL ? link->arguments : arguments;
    size_t *lengths = reallocarray(link->lengths, n, sizeof(*lengths));
    link->lengths = lengths == NULL ? link->lengths : lengths;
    if (arguments == NULL || lengths == NULL) {
        return -ENOMEM;
    }
    link->n_allocated = n;
    return 0;
}

int link_append(struct link *link, const struct str *arguments, size_t n)
{
    int r = reserve(link, n);
    if (r < 0) {
        return r;
    }
    for (size_t i = 0; i < n; i++) {
        link->arguments[i] = arguments[i].len == 0 ? "" : arguments[i].ptr;
        link->lengths[i] = arguments[i].len;
    }
    return redisAppendCommandArgv(link->context, (int)n, link->arguments, link->lengths) == REDIS_OK
               ? 0
               : -ENOMEM;
}

int link_flush(struct link *link)
{
    int done = 0;
    while (!done) {
        errno = 0;
        if (redisBufferWrite(link->context, &done) != REDIS_OK) {
            return error_of(link->context);
        }
    }
    return 0;
}

int link_receive(struct link *link, struct link_reply **ret_reply)
{
    void *reply = NULL;
    int r = link_flush(link);
    if (r < 0) {
        return r;
    }
    errno = 0;
    if (redisGetReply(link->context, &reply) != REDIS_OK || reply == NULL) {
        return error_of(link->context);
    }
    *ret_reply = reply;
    return 0;
}

void link_reply_free(struct link_reply *reply)
{
    if (reply != NULL) {
        freeReplyObject(reply);
    }
}

static const redisReply *reply_of(const struct link_reply *reply)
{
    return (const redisReply *)(const void *)reply;
}

bool link_reply_is_error(const struct link_reply *reply)
{
    return reply != NULL && reply_of(reply)->type == REDIS_REPLY_ERROR;
}

struct str link_reply_text(const struct link_reply *reply)
{
    const redisReply *from = reply_of(reply);
    bool is_text = from != NULL && (from->type == REDIS_REPLY_STRING || from->type == REDIS_REPLY_STATUS ||
                                    from->type == REDIS_REPLY_ERROR);
    return is_text ? (struct str){from->str, from->len} : STR("");
}

uint64_t link_reply_number(const struct link_reply *reply)
{
    const redisReply *from = reply_of(reply);
    uint64_t number = 0;
    if (from != NULL && from->type == REDIS_REPLY_INTEGER) {
        return from->integer < 0 ? 0 : (uint64_t)from->integer;
    }
    (void)str_parse_u64(link_reply_text(reply), UINT64_MAX, &number);
    return number;
}

size_t link_reply_n(const struct link_reply *reply)
{
    const redisReply *from = reply_of(reply);
    return from != NULL && from->type == REDIS_REPLY_ARRAY ? from->elements : 0;
}

const struct link_reply *link_reply_at(const struct link_reply *reply, size_t at)
{
    return at < link_reply_n(reply) ? (const struct link_reply *)reply_of(reply)->element[at] : NULL;
}
