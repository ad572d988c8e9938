/* SPDX-License-Identifier: MIT */
#include "presenced/warnings.h"

#include "presenced/log.h"

#include <errno.h>
#include <pthread.h>

#define DAY_MS UINT64_C(86400000)

struct item {
    enum warning_code code;
    uint64_t subject;
    uint64_t logged_ms;
    char text[WARNING_TEXT_SIZE];
};

struct warnings {
    pthread_mutex_t lock; /* protects the fields below against the readers */
    struct item *items;   /* sorted by code and subject */
    size_t n;
    size_t n_allocated;
};

static const char *const names[WARNING_N_CODES] = {
#define AS_NAME(id, name) [WARNING_##id] = (name),
    WARNING_CODES(AS_NAME)
#undef AS_NAME
};

const char *warning_code_name(enum warning_code code)
{
    return names[code];
}

int warnings_new(struct warnings **ret_warnings)
{
    struct warnings *warnings = calloc(1, sizeof(*warnings));
    if (warnings == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&warnings->lock, NULL);
    *ret_warnings = warnings;
    return 0;
}

void warnings_free(struct warnings *warnings)
{
    if (warnings == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&warnings->lock);
    free(warnings->items);
    free(warnings);
}

/* Returns whether the warning exists. `ret_at` is its index, or the index at which to insert it. */
static bool find(const struct warnings *warnings, enum warning_code code, uint64_t subject, size_t *ret_at)
{
    size_t at = 0;
    while (at < warnings->n && (warnings->items[at].code < code || (warnings->items[at].code == code &&
                                                                    warnings->items[at].subject < subject))) {
        at++;
    }
    *ret_at = at;
    return at < warnings->n && warnings->items[at].code == code && warnings->items[at].subject == subject;
}

static void log_item(const struct item *item)
{
    log_warning("attention needed", log_text("code", names[item->code]), log_text("text", item->text));
}

static bool grow(struct warnings *warnings)
{
    size_t n = warnings->n_allocated == 0 ? 8 : 2 * warnings->n_allocated;
    if (warnings->n < warnings->n_allocated) {
        return true;
    }
    struct item *items = reallocarray(warnings->items, n, sizeof(*items));
    if (items == NULL) {
        return false;
    }
    warnings->items = items;
    warnings->n_allocated = n;
    return true;
}

static void insert(struct warnings *warnings, size_t at, const struct item *item)
{
    if (grow(warnings)) {
        memmove(&warnings->items[at + 1], &warnings->items[at], (warnings->n - at) * sizeof(*item));
        warnings->items[at] = *item;
        warnings->n++;
    }
}

void warnings_raise(struct warnings *warnings, enum warning_code code, uint64_t subject, const char *text,
                    uint64_t now_ms)
{
    size_t at;
    struct item item = {.code = code, .subject = subject, .logged_ms = now_ms};
    size_t len = strnlen(text, sizeof(item.text));
    if (len == sizeof(item.text)) {
        len--;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
    }
    memcpy(item.text, text, len);
    (void)pthread_mutex_lock(&warnings->lock);
    bool is_new = !find(warnings, code, subject, &at);
    if (is_new) {
        insert(warnings, at, &item);
    } else {
        memcpy(warnings->items[at].text, item.text, sizeof(item.text));
    }
    (void)pthread_mutex_unlock(&warnings->lock);
    if (is_new) {
        log_item(&item);
    }
}

/* Called with the lock held. */
static void remove_at(struct warnings *warnings, size_t at)
{
    const struct item *item = &warnings->items[at];
    log_notice("attention no longer needed", log_text("code", names[item->code]),
               log_text("text", item->text));
    warnings->n--;
    memmove(&warnings->items[at], &warnings->items[at + 1], (warnings->n - at) * sizeof(*item));
}

void warnings_clear(struct warnings *warnings, enum warning_code code, uint64_t subject)
{
    size_t at;
    (void)pthread_mutex_lock(&warnings->lock);
    if (find(warnings, code, subject, &at)) {
        remove_at(warnings, at);
    }
    (void)pthread_mutex_unlock(&warnings->lock);
}

void warnings_review(struct warnings *warnings, enum warning_code code,
                     bool (*is_so)(void *cls, uint64_t subject), void *cls)
{
    (void)pthread_mutex_lock(&warnings->lock);
    for (size_t i = warnings->n; i-- > 0;) {
        if (warnings->items[i].code == code && !is_so(cls, warnings->items[i].subject)) {
            remove_at(warnings, i);
        }
    }
    (void)pthread_mutex_unlock(&warnings->lock);
}

void warnings_remind(struct warnings *warnings, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&warnings->lock);
    for (size_t i = 0; i < warnings->n; i++) {
        struct item *item = &warnings->items[i];
        if (now_ms - item->logged_ms >= DAY_MS) {
            item->logged_ms = now_ms;
            log_item(item);
        }
    }
    (void)pthread_mutex_unlock(&warnings->lock);
}

void warnings_each(struct warnings *warnings, void (*visit)(void *cls, const struct warning *warning),
                   void *cls)
{
    (void)pthread_mutex_lock(&warnings->lock);
    for (size_t i = 0; i < warnings->n; i++) {
        const struct item *item = &warnings->items[i];
        visit(cls, &(struct warning){item->code, item->subject, str_from(item->text)});
    }
    (void)pthread_mutex_unlock(&warnings->lock);
}
