/* SPDX-License-Identifier: MIT */
#include "live_settings.h"

#include <errno.h>

/* A copy is one block, so that one free() ends it:
 *
 *   struct status_settings | struct str × hosts | the bytes of them all, the token first */
static size_t text_size(const struct status_settings *settings)
{
    size_t size = settings->token.len;
    for (size_t i = 0; i < settings->n_allowed_hosts; i++) {
        size += settings->allowed_hosts[i].len;
    }
    return size;
}

static struct str place(struct str text, char **at)
{
    struct str placed = {*at, text.len};
    if (text.len > 0) {
        memcpy(*at, text.ptr, text.len);
    }
    *at += text.len;
    return placed;
}

static struct status_settings *copy_settings(const struct status_settings *from)
{
    size_t n_strings = from->n_allowed_hosts;
    struct status_settings *copy = malloc(sizeof(*copy) + n_strings * sizeof(struct str) + text_size(from));
    if (copy == NULL) {
        return NULL;
    }
    struct str *strings = (struct str *)(void *)(copy + 1);
    char *at = (char *)(strings + n_strings);
    *copy = (struct status_settings){
        .allowed_hosts = strings,
        .n_allowed_hosts = from->n_allowed_hosts,
        .token = place(from->token, &at),
    };
    for (size_t i = 0; i < from->n_allowed_hosts; i++) {
        *strings++ = place(from->allowed_hosts[i], &at);
    }
    return copy;
}

/* The token is not left lying in freed memory. */
static void free_settings(struct status_settings *settings)
{
    explicit_bzero((char *)(uintptr_t)settings->token.ptr, settings->token.len);
    free(settings);
}

int live_settings_init(struct live_settings *live, const struct status_settings *initial)
{
    struct status_settings *copy = copy_settings(initial);
    if (copy == NULL) {
        return -ENOMEM;
    }
    (void)pthread_rwlock_init(&live->lock, NULL);
    live->current = copy;
    return 0;
}

void live_settings_fini(struct live_settings *live)
{
    (void)pthread_rwlock_destroy(&live->lock);
    free_settings(live->current);
}

int live_settings_set(struct live_settings *live, const struct status_settings *next)
{
    struct status_settings *copy = copy_settings(next);
    if (copy == NULL) {
        return -ENOMEM;
    }
    (void)pthread_rwlock_wrlock(&live->lock);
    struct status_settings *old = live->current;
    live->current = copy;
    (void)pthread_rwlock_unlock(&live->lock);
    free_settings(old);
    return 0;
}

const struct status_settings *live_settings_acquire(struct live_settings *live)
{
    (void)pthread_rwlock_rdlock(&live->lock);
    return live->current;
}

void live_settings_release(struct live_settings *live)
{
    (void)pthread_rwlock_unlock(&live->lock);
}
