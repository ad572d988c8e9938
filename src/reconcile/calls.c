/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include "presenced/wipe.h"

#include <curl/curl.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>

#define CONNECT_TIMEOUT_MS 5000L
#define TIMEOUT_MS 10000L
#define ANSWER_MAX ((size_t)8 << 20) /* room for 500 users with all platforms, escaped */
#define N_CONNECTIONS_MAX 32L

struct transfer {
    CURL *easy;
    struct buf body;
    char error[CURL_ERROR_SIZE];
};

struct calls {
    CURLM *multi;
    struct curl_slist *headers;
    struct call *first;
};

/* libcurl copies the URL, which contains the UserSig, into its own buffers. Therefore all memory that it
 * frees is wiped. */

static void wipe_and_free(void *bytes)
{
    if (bytes != NULL) {
        explicit_bzero(bytes, malloc_usable_size(bytes));
        free(bytes);
    }
}

static void *move_and_wipe(void *bytes, size_t size)
{
    size_t old = bytes == NULL ? 0 : malloc_usable_size(bytes);
    if (bytes != NULL && size <= old) {
        return bytes;
    }
    void *moved = malloc(size);
    if (moved != NULL && bytes != NULL) {
        memcpy(moved, bytes, old);
        wipe_and_free(bytes);
    }
    return moved;
}

static int init_library(void)
{
    CURLcode r = curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free, move_and_wipe, strdup,
                                      calloc);
    return r == CURLE_OK ? 0 : r == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EIO;
}

/* Without "Expect: 100-continue", which would cost a round trip. */
static struct curl_slist *new_headers(void)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    struct curl_slist *more = headers == NULL ? NULL : curl_slist_append(headers, "Expect:");
    if (more == NULL) {
        curl_slist_free_all(headers);
    }
    return more;
}

int calls_new(struct calls **ret_calls)
{
    struct calls *calls = calloc(1, sizeof(*calls));
    if (calls == NULL) {
        return -ENOMEM;
    }
    int r = init_library();
    if (r < 0) {
        free(calls);
        return r;
    }
    calls->headers = new_headers();
    calls->multi = curl_multi_init();
    if (calls->headers == NULL || calls->multi == NULL) {
        calls_free(calls);
        return -ENOMEM;
    }
    (void)curl_multi_setopt(calls->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, N_CONNECTIONS_MAX);
    (void)curl_multi_setopt(calls->multi, CURLMOPT_MAXCONNECTS, N_CONNECTIONS_MAX);
    *ret_calls = calls;
    return 0;
}

static void transfer_free(struct transfer *transfer)
{
    if (transfer != NULL) {
        curl_easy_cleanup(transfer->easy);
        buf_fini(&transfer->body);
        free(transfer);
    }
}
DEFINE_CLEANUP(struct transfer *, transfer_free)

void call_free(struct call *call)
{
    if (call != NULL) {
        user_batch_fini(&call->batch);
        buf_fini(&call->answer);
        free(call);
    }
}

static void detach(struct calls *calls, struct call *call)
{
    (void)curl_multi_remove_handle(calls->multi, call->transfer->easy);
    transfer_free(call->transfer);
    call->transfer = NULL;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        calls->first = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

void calls_free(struct calls *calls)
{
    if (calls == NULL) {
        return;
    }
    while (calls->first != NULL) {
        struct call *call = calls->first;
        detach(calls, call);
        call_free(call);
    }
    (void)curl_multi_cleanup(calls->multi);
    curl_slist_free_all(calls->headers);
    free(calls);
    curl_global_cleanup();
}

static size_t take_bytes(char *bytes, size_t size, size_t n, void *cls)
{
    struct call *call = cls;
    if (call->answer.len + size * n > ANSWER_MAX) {
        return 0; /* aborts the transfer */
    }
    buf_append(&call->answer, (struct str){bytes, size * n});
    return call->answer.failed ? 0 : size * n;
}

static size_t take_header(char *bytes, size_t size, size_t n, void *cls)
{
    struct call *call = cls;
    struct str value = {bytes, size * n};
    struct str name;
    if (str_split(&value, ':', &name) && value.ptr != NULL && str_equal_fold(name, STR("Date")) &&
        value.len < 64) {
        char text[64];
        memcpy(text, value.ptr, value.len);
        text[value.len] = '\0';
        time_t date_s = curl_getdate(text, NULL);
        call->date_s = date_s > 0 ? (uint64_t)date_s : 0;
    }
    return size * n;
}

static bool set_options(struct calls *calls, struct call *call, struct transfer *transfer, const char *url)
{
    CURL *easy = transfer->easy;
    bool is_local = strncmp(url, "http:", 5) == 0;
    CURLcode r = curl_easy_setopt(easy, CURLOPT_URL, url);
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") : r;
    r = r == CURLE_OK && is_local ? curl_easy_setopt(easy, CURLOPT_PROXY, "") : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_HTTPHEADER, calls->headers) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->body.len)
                      : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body.ptr) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, TIMEOUT_MS) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) : r;
    r = r == CURLE_OK ? curl_easy_setopt(easy, CURLOPT_PRIVATE, call) : r;
    return r == CURLE_OK;
}

int calls_start(struct calls *calls, struct call *call, const struct buf *url, struct buf *body)
{
    cleanup(transfer_freep) struct transfer *transfer = calloc(1, sizeof(*transfer));
    cleanup(wipe_buf) struct buf text = {0};
    if (transfer == NULL) {
        return -ENOMEM;
    }
    if (buf_reserve(&text, url->len + 1) != NULL) {
        buf_append(&text, buf_str(url));
        buf_append_char(&text, '\0');
    }
    transfer->easy = curl_easy_init();
    transfer->body = *body;
    if (text.failed || transfer->easy == NULL || !set_options(calls, call, transfer, text.ptr) ||
        curl_multi_add_handle(calls->multi, transfer->easy) != CURLM_OK) {
        transfer->body = (struct buf){0};
        return -ENOMEM;
    }
    *body = (struct buf){0};
    call->transfer = take_pointer(transfer);
    call->previous = NULL;
    call->next = calls->first;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    calls->first = call;
    return 0;
}

void calls_wait(struct calls *calls, unsigned timeout_ms)
{
    int n_running;
    (void)curl_multi_perform(calls->multi, &n_running);
    (void)curl_multi_poll(calls->multi, NULL, 0, (int)timeout_ms, NULL);
    (void)curl_multi_perform(calls->multi, &n_running);
}

void calls_wake(struct calls *calls)
{
    (void)curl_multi_wakeup(calls->multi);
}

struct call *calls_next_done(struct calls *calls)
{
    int n_left;
    CURLMsg *message = curl_multi_info_read(calls->multi, &n_left);
    while (message != NULL && message->msg != CURLMSG_DONE) {
        message = curl_multi_info_read(calls->multi, &n_left);
    }
    if (message == NULL) {
        return NULL;
    }
    struct call *call = NULL;
    CURLcode result = message->data.result;
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
    (void)curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &call->http_status);
    call->is_answered = result == CURLE_OK;
    if (result != CURLE_OK) {
        const char *why = call->transfer->error[0] != '\0' ? call->transfer->error
                                                           : curl_easy_strerror(result);
        (void)snprintf(call->error, sizeof(call->error), "%.*s", CALLS_ERROR_SIZE - 1, why);
    }
    detach(calls, call);
    return call;
}

void calls_end_of(struct calls *calls, const void *owner, void (*ended)(void *owner, struct call *call))
{
    struct call *next;
    for (struct call *call = calls->first; call != NULL; call = next) {
        next = call->next;
        if (call->owner == owner) {
            detach(calls, call);
            ended(call->owner, call);
        }
    }
}
