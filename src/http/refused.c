/* SPDX-License-Identifier: MIT */
#include "presenced/refused.h"

#include "presenced/array.h"

#include <errno.h>
#include <pthread.h>

/* There are fewer kinds than this; more would be counted as the last one. */
#define N_KINDS_MAX 128

struct kind {
    const char *listener;
    const char *outcome;
    unsigned n; /* number of entries */
};

struct entry {
    struct refused_request request;
    unsigned kind;
    char bytes[3][REFUSED_TEXT_MAX];
};

struct refused_list {
    pthread_mutex_t lock;
    unsigned n_kinds;
    struct kind kinds[N_KINDS_MAX];
    unsigned n;
    uint8_t order[REFUSED_LIST_N_MAX]; /* indices of the entries, oldest first */
    struct entry entries[REFUSED_LIST_N_MAX];
};

_Static_assert(REFUSED_LIST_N_MAX <= UINT8_MAX, "an entry's place fits");

int refused_list_new(struct refused_list **ret_list)
{
    struct refused_list *list = calloc(1, sizeof(*list));
    if (list == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&list->lock, NULL);
    *ret_list = list;
    return 0;
}

void refused_list_free(struct refused_list *list)
{
    if (list != NULL) {
        (void)pthread_mutex_destroy(&list->lock);
        free(list);
    }
}

static unsigned find_kind(struct refused_list *list, const struct refused_request *request)
{
    for (unsigned i = 0; i < list->n_kinds; i++) {
        if (list->kinds[i].outcome == request->outcome && list->kinds[i].listener == request->listener) {
            return i;
        }
    }
    if (list->n_kinds == N_KINDS_MAX) {
        return N_KINDS_MAX - 1;
    }
    list->kinds[list->n_kinds] = (struct kind){request->listener, request->outcome, 0};
    return list->n_kinds++;
}

/* Returns the most frequent kind; `own` if several are equally frequent. */
static unsigned most_frequent(const struct refused_list *list, unsigned own)
{
    unsigned most = own;
    for (unsigned i = 0; i < list->n_kinds; i++) {
        if (list->kinds[i].n > list->kinds[most].n) {
            most = i;
        }
    }
    return most;
}

/* Removes the oldest entry of a kind. Returns the index of the entry, which is now free. */
static uint8_t remove_oldest(struct refused_list *list, unsigned kind)
{
    unsigned at = 0;
    while (list->entries[list->order[at]].kind != kind) {
        at++;
    }
    uint8_t place = list->order[at];
    list->n--;
    list->kinds[kind].n--;
    memmove(&list->order[at], &list->order[at + 1], list->n - at);
    return place;
}

/* Returns the part of a text that may be shown. If a proxy escaped the URL once too often, a path or the
 * first parameter contains the whole query, including Sign. */
static struct str shown(struct str text)
{
    static const struct str signs[] = {{"Sign=", 5}, {"Sign%3D", 7}, {"Sign%253D", 9}};
    struct str cut = {text.ptr, text.len < REFUSED_TEXT_MAX ? text.len : REFUSED_TEXT_MAX};
    for (size_t at = 0; at < cut.len; at++) {
        for (size_t i = 0; i < N_ELEMENTS(signs); i++) {
            if (text.len - at >= signs[i].len &&
                str_equal_fold((struct str){text.ptr + at, signs[i].len}, signs[i])) {
                cut.len = at;
            }
        }
    }
    return cut;
}

static void copy_text(struct str *text, char *bytes)
{
    if (text->ptr != NULL) {
        struct str copied = shown(*text);
        memcpy(bytes, copied.ptr, copied.len);
        *text = (struct str){bytes, copied.len};
    }
}

void refused_list_add(struct refused_list *list, const struct refused_request *request)
{
    (void)pthread_mutex_lock(&list->lock);
    unsigned kind = find_kind(list, request);
    bool is_full = list->n == REFUSED_LIST_N_MAX;
    uint8_t place = is_full ? remove_oldest(list, most_frequent(list, kind)) : (uint8_t)list->n;
    struct entry *entry = &list->entries[place];
    entry->request = *request;
    entry->kind = kind;
    copy_text(&entry->request.app, entry->bytes[0]);
    copy_text(&entry->request.command, entry->bytes[1]);
    copy_text(&entry->request.path, entry->bytes[2]);
    list->kinds[kind].n++;
    list->order[list->n++] = place;
    (void)pthread_mutex_unlock(&list->lock);
}

void refused_list_each(struct refused_list *list, size_t limit,
                       void (*visit)(void *cls, const struct refused_request *request), void *cls)
{
    (void)pthread_mutex_lock(&list->lock);
    for (unsigned i = list->n; i > 0 && list->n - i < limit; i--) {
        visit(cls, &list->entries[list->order[i - 1]].request);
    }
    (void)pthread_mutex_unlock(&list->lock);
}

/* Fields that the request does not have are omitted. */
void refused_log(struct log_limit *limit, enum log_level level, const char *message,
                 const struct refused_request *request)
{
    uint64_t n_suppressed;
    struct log_field fields[10];
    size_t n = 0;
    if (!log_takes(level) || !log_limit_pass(limit, &n_suppressed)) {
        return;
    }
    fields[n++] = log_text("outcome", request->outcome);
    fields[n++] = log_text("reason", request->reason);
    fields[n++] = log_address("peer", &request->peer);
    if (request->app.ptr != NULL) {
        fields[n++] = log_str("app", shown(request->app));
    }
    if (request->command.ptr != NULL) {
        fields[n++] = log_str("command", shown(request->command));
    }
    if (request->path.ptr != NULL) {
        fields[n++] = log_str("path", shown(request->path));
    }
    if (request->client.len > 0) {
        fields[n++] = log_address("client_ip", &request->client);
    }
    if (request->is_skewed) {
        fields[n++] = log_i64("skew_s", request->skew_s);
    }
    fields[n++] = log_u64("suppressed", n_suppressed);
    log_write(level, message, fields, n);
}
