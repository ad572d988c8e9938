/* SPDX-License-Identifier: MIT */
#include "client.h"

#include "presenced/clock.h"

#include <sched.h>

struct client {
    CURL *curl;
    char base_url[64];
};

void answer_fini(struct answer *answer)
{
    buf_fini(&answer->head);
    buf_fini(&answer->body);
}

bool answer_has_header(struct answer *answer, const char *header)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "\r\n%s\r\n", header);
    return strcasestr(buf_text(&answer->head), line) != NULL;
}

static size_t take_bytes(const char *bytes, size_t size, size_t n, void *cls)
{
    struct buf *out = cls;
    buf_append(out, (struct str){bytes, size * n});
    return size * n;
}

static void start_curl(void)
{
    static bool started;
    if (!started) {
        ck_assert_int_eq(curl_global_init(CURL_GLOBAL_ALL), CURLE_OK);
        started = true;
    }
}

struct client *client_new(const char *scheme, uint16_t port)
{
    start_curl();
    struct client *client = calloc(1, sizeof(*client));
    ck_assert_ptr_nonnull(client);
    client->curl = curl_easy_init();
    ck_assert_ptr_nonnull(client->curl);
    (void)snprintf(client->base_url, sizeof(client->base_url), "%s://127.0.0.1:%u", scheme, port);
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT_MS, (long)HARNESS_DEADLINE_MS);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, take_bytes);
    return client;
}

void client_free(struct client *client)
{
    if (client == NULL) {
        return;
    }
    curl_easy_cleanup(client->curl);
    free(client);
}

static void set_path(struct client *client, CURLoption option, const struct sandbox *sandbox,
                     const char *name, const char *suffix)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s%s", sandbox_path(sandbox), name, suffix);
    ck_assert_int_eq(curl_easy_setopt(client->curl, option, path), CURLE_OK);
}

void client_trust(struct client *client, const struct sandbox *sandbox)
{
    set_path(client, CURLOPT_CAINFO, sandbox, "ca", ".pem");
}

void client_certificate(struct client *client, const struct sandbox *sandbox, const char *name)
{
    set_path(client, CURLOPT_SSLCERT, sandbox, name, ".pem");
    set_path(client, CURLOPT_SSLKEY, sandbox, name, ".key");
}

void client_unix(struct client *client, const struct sandbox *sandbox, const char *name)
{
    set_path(client, CURLOPT_UNIX_SOCKET_PATH, sandbox, name, "");
}

CURL *client_handle(struct client *client)
{
    return client->curl;
}

static struct curl_slist *make_headers(const char *const *headers)
{
    struct curl_slist *list = NULL;
    for (; headers != NULL && *headers != NULL; headers++) {
        list = curl_slist_append(list, *headers);
        ck_assert_ptr_nonnull(list);
    }
    return list;
}

static void set_method(CURL *curl, const struct client_request *request)
{
    const char *method = request->method == NULL ? "GET" : request->method;
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(request->body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

CURLcode client_try(struct client *client, const struct client_request *request, struct answer *ret_answer)
{
    CURL *curl = client->curl;
    struct curl_slist *headers = make_headers(request->headers);
    *ret_answer = (struct answer){0};
    curl_easy_setopt(curl, CURLOPT_URL, client->base_url);
    curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, request->target);
    set_method(curl, request);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &ret_answer->head);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &ret_answer->body);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &ret_answer->status);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &ret_answer->n_connects);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(headers);
    return code;
}

void client_send(struct client *client, const struct client_request *request, struct answer *ret_answer)
{
    CURLcode code = client_try(client, request, ret_answer);
    ck_assert_msg(code == CURLE_OK, "%s %s: %s", request->method == NULL ? "GET" : request->method,
                  request->target, curl_easy_strerror(code));
}

void client_get(struct client *client, const char *target, struct answer *ret_answer)
{
    client_send(client, &(struct client_request){.target = target}, ret_answer);
}

void client_post(struct client *client, const char *target, const char *body, struct answer *ret_answer)
{
    client_send(client, &(struct client_request){.method = "POST", .target = target, .body = body},
                ret_answer);
}

bool client_sees(struct client *client, const char *target, const char *text)
{
    cleanup(answer_fini) struct answer answer;
    client_get(client, target, &answer);
    ck_assert_int_eq(answer.status, 200);
    return strstr(buf_text(&answer.body), text) != NULL;
}

void client_await(struct client *client, const char *target, const char *text)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!client_sees(client, target, text)) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s does not hold %s", target, text);
        (void)sched_yield();
    }
}
