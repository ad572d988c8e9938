/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "ctl.h"
#include "member.h"
#include "screen.h"
#include "text.h"

#include "presenced/wipe.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>

#define CONNECT_TIMEOUT_S 10L
#define TIMEOUT_S 30L
#define ANSWER_MAX_BYTES ((size_t)256 << 20)

/* A stream without any bytes for this long counts as broken; presenced sends a heartbeat every 15 s. */
#define SILENCE_S 45L

struct client {
    const struct target *target;
    CURL *curl;
    struct curl_slist *headers;
    char error[CURL_ERROR_SIZE];
};

void answer_fini(struct answer *answer)
{
    buf_fini(&answer->body);
}

static bool add_header(struct client *client, const char *line)
{
    struct curl_slist *headers = curl_slist_append(client->headers, line);
    if (headers != NULL) {
        client->headers = headers;
    }
    return headers != NULL;
}

static bool add_headers(struct client *client)
{
    const struct target *target = client->target;
    cleanup(wipe_buf) struct buf line = {0};
    if (!add_header(client, "Content-Type: application/json") || !add_header(client, "Expect:")) {
        return false;
    }
    if (target->token.len == 0) {
        return true;
    }
    buf_appendf(&line, "Authorization: Bearer %.*s", STR_FMT(buf_str(&target->token)));
    buf_append_char(&line, '\0');
    return !line.failed && add_header(client, line.ptr);
}

static void set_target(struct client *client)
{
    const struct target *target = client->target;
    CURL *curl = client->curl;
    if (target->socket != NULL) {
        (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, target->socket);
    }
    if (target->ca_file != NULL && !target->insecure) {
        (void)curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca_file);
    }
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, target->insecure ? 0L : 1L);
    (void)curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, target->insecure || target->any_name ? 0L : 2L);
}

int client_new(const struct target *target, struct client **ret_client)
{
    cleanup(client_freep) struct client *client = calloc(1, sizeof(*client));
    if (client == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return complain("libcurl does not start");
    }
    client->target = target;
    client->curl = curl_easy_init();
    if (client->curl == NULL || !add_headers(client)) {
        return complain("no memory");
    }
    set_target(client);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->error);
    (void)curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(client->curl, CURLOPT_NOPROXY, "*");
    (void)curl_easy_setopt(client->curl, CURLOPT_USERAGENT, "presencectl/" PRESENCED_VERSION);
    (void)curl_easy_setopt(client->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, TIMEOUT_S);
    *ret_client = take_pointer(client);
    return 0;
}

void client_free(struct client *client)
{
    if (client != NULL) {
        curl_easy_cleanup(client->curl);
        curl_slist_free_all(client->headers);
        free(client);
    }
}

void client_set_timeout(struct client *client, long timeout_s)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, timeout_s);
}

/* Returns advice on an error, as the end of a sentence. */
static const char *hint(const struct client *client, CURLcode code)
{
    long error = 0;
    (void)curl_easy_getinfo(client->curl, CURLINFO_OS_ERRNO, &error);
    if (code == CURLE_COULDNT_CONNECT && (error == EACCES || error == EPERM)) {
        return ": you may not connect to it; root may";
    }
    switch (code) {
    case CURLE_COULDNT_CONNECT:
        return ": is presenced running, and does it listen there?";
    case CURLE_PEER_FAILED_VERIFICATION:
        return ": --ca-file names whom to believe, --insecure believes anybody";
    case CURLE_SSL_CACERT_BADFILE:
        return ": can you read that file? --ca-file names another";
    case CURLE_GOT_NOTHING:
    case CURLE_SSL_CONNECT_ERROR:
        return ": is it http:// where https:// is meant, or the other way round?";
    default:
        return "";
    }
}

static void append_error(struct client *client, CURLcode code, struct buf *out)
{
    const struct target *target = client->target;
    const char *said = client->error[0] == '\0' ? curl_easy_strerror(code) : client->error;
    buf_appendf(out, "%s (%s): ", target_name(target), target->origin);
    text_append_safe(out, str_from(said));
    buf_append(out, str_from(hint(client, code)));
}

static size_t take_body(const char *bytes, size_t size, size_t n, void *cls)
{
    struct buf *out = cls;
    buf_append(out, (struct str){bytes, size * n});
    return out->failed || out->len > ANSWER_MAX_BYTES ? 0 : size * n;
}

static bool set_url(struct client *client, const char *path)
{
    cleanup(buf_fini) struct buf url = {0};
    buf_appendf(&url, "%s%s", client->target->url, path);
    buf_append_char(&url, '\0');
    client->error[0] = '\0';
    return !url.failed && curl_easy_setopt(client->curl, CURLOPT_URL, url.ptr) == CURLE_OK;
}

static int perform(struct client *client, const char *path, struct answer *ret_answer)
{
    if (!set_url(client, path)) {
        return complain("no memory");
    }
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_body);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &ret_answer->body);
    CURLcode code = curl_easy_perform(client->curl);
    if (code != CURLE_OK) {
        cleanup(buf_fini) struct buf error = {0};
        append_error(client, code, &error);
        return complain("%.*s", STR_FMT(buf_str(&error)));
    }
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
    return 0;
}

int client_get(struct client *client, const char *path, struct answer *ret_answer)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    return perform(client, path, ret_answer);
}

int client_post(struct client *client, const char *path, struct str body, struct answer *ret_answer)
{
    (void)curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
    (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
    (void)curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body.len == 0 ? "" : body.ptr);
    return perform(client, path, ret_answer);
}

/* State of client_stream(). */
struct streaming {
    CURL *curl;
    bool (*take)(void *cls, struct str piece);
    void *cls;
    struct answer *answer;
    bool is_over; /* take() has returned false */
};

static size_t take_piece(const char *bytes, size_t size, size_t n, void *cls)
{
    struct streaming *streaming = cls;
    (void)curl_easy_getinfo(streaming->curl, CURLINFO_RESPONSE_CODE, &streaming->answer->status);
    if (streaming->answer->status != 200) {
        return take_body(bytes, size, n, &streaming->answer->body);
    }
    streaming->is_over = !streaming->take(streaming->cls, (struct str){bytes, size * n});
    return streaming->is_over ? 0 : size * n;
}

enum client_end client_stream(struct client *client, const char *path, const char *last_id,
                              bool (*take)(void *cls, struct str piece), void *cls, struct answer *ret_answer,
                              struct buf *ret_error)
{
    struct streaming streaming = {.curl = client->curl, .take = take, .cls = cls, .answer = ret_answer};
    cleanup(buf_fini) struct buf line = {0};
    struct curl_slist resume = {.next = client->headers};
    if (!set_url(client, path)) {
        buf_append(ret_error, STR("no memory"));
        return CLIENT_CUT;
    }
    if (last_id != NULL) {
        buf_appendf(&line, "Last-Event-ID: %s", last_id);
        buf_append_char(&line, '\0');
        resume.data = line.ptr;
    }
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, last_id == NULL ? client->headers : &resume);
    (void)curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, 0L);
    (void)curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(client->curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_piece);
    (void)curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, &streaming);
    CURLcode code = curl_easy_perform(client->curl);
    (void)curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
    (void)curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
    if (code != CURLE_OK && !streaming.is_over) {
        append_error(client, code, ret_error);
        return CLIENT_CUT;
    }
    return ret_answer->status == 200 ? CLIENT_ENDED : CLIENT_REFUSED;
}

int client_explain(const struct client *client, const struct answer *answer)
{
    return client_explain_with(client, answer, answer->status == 401 ? "; --token-file FILE shows one" : "");
}

int client_explain_with(const struct client *client, const struct answer *answer, const char *todo)
{
    cleanup(document_freep) cJSON *document = document_parse(buf_str(&answer->body));
    cleanup(buf_fini) struct buf detail = {0};
    text_append_safe(&detail, member_text(document, "detail"));
    if (detail.len == 0) {
        buf_append(&detail, STR("it is no answer of presenced's"));
    }
    (void)complain("%s (%s): status %ld: %.*s%s", target_name(client->target), client->target->origin,
                   answer->status, STR_FMT(buf_str(&detail)), todo);
    return answer->status == 404 || answer->status == 409 ? CTL_NO : CTL_WRONG;
}
