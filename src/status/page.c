/* SPDX-License-Identifier: MIT */
#include "page.h"

#include "answer.h"
#include "presenced/siphash.h"

#include "presenced/array.h"

#include <inttypes.h>
#include <stdio.h>

#define PAGE_FILE(symbol, name, content_type)   \
    extern const unsigned char page_##symbol[]; \
    extern const unsigned char page_##symbol##_end[];
#include "page/files.def"
#undef PAGE_FILE

struct page_file {
    struct str name;
    const char *content_type;
    const unsigned char *begin;
    const unsigned char *end;
};

static const struct page_file files[] = {
#define PAGE_FILE(symbol, file_name, type) \
    {{file_name, sizeof(file_name) - 1}, type, page_##symbol, page_##symbol##_end},
#include "page/files.def"
#undef PAGE_FILE
};
#define N_FILES (N_ELEMENTS(files))

#define ETAG_SIZE 19 /* 16 digits in quotes, and NUL */

const struct page_file *page_find(struct str name)
{
    if (name.len == 0) {
        name = STR("index.html");
    }
    for (size_t i = 0; i < N_FILES; i++) {
        if (str_equal(files[i].name, name)) {
            return &files[i];
        }
    }
    return NULL;
}

/* Returns whether a list of entity tags, weak or strong, contains this one (RFC 9110, section 13.1.2). */
static bool holds_etag(struct str list, const char *etag)
{
    return str_equal(str_trim(list), STR("*")) ||
           (list.len > 0 && memmem(list.ptr, list.len, etag, strlen(etag)) != NULL);
}

struct http_reply *page_answer(const struct page_file *file, const struct http_request *request,
                               bool needs_token)
{
    static const struct siphash_key key; /* constant, because a collision would help no attacker */
    size_t n_bytes = (size_t)(file->end - file->begin);
    char etag[ETAG_SIZE];
    struct buf body = {0};
    (void)snprintf(etag, sizeof(etag), "\"%016" PRIx64 "\"", siphash(&key, file->begin, n_bytes));
    bool is_known = holds_etag(http_request_header(request, "If-None-Match", 0), etag);
    /* The reply gets the body for a 304, too: the listener does not send it, but states its length. */
    buf_append(&body, (struct str){(const char *)file->begin, n_bytes});
    return answer_page_file(is_known ? 304 : 200, file->content_type, etag, needs_token, &body);
}
