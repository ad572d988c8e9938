/* SPDX-License-Identifier: MIT */
#include "live_settings.h"

#include <errno.h>

/* A copy is one allocation:
 *
 *   struct status_settings | struct str × hosts | struct status_app_token × tokens | bytes of the tokens |
 *   bytes of the hosts */
static size_t token_size(const struct status_settings *settings)
{
    size_t size = settings->token.len;
    for (size_t i = 0; i < settings->n_app_tokens; i++) {
        size += settings->app_tokens[i].token.len;
    }
    return size;
}

static size_t text_size(const struct status_settings *settings)
{
    size_t size = token_size(settings);
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

int live_settings_copy(const struct status_settings *from, struct status_settings **ret_copy)
{
    struct status_settings *copy = malloc(sizeof(*copy) + from->n_allowed_hosts * sizeof(struct str) +
                                          from->n_app_tokens * sizeof(struct status_app_token) +
                                          text_size(from));
    if (copy == NULL) {
        return -ENOMEM;
    }
    struct str *hosts = (struct str *)(void *)(copy + 1);
    struct status_app_token *app_tokens = (struct status_app_token *)(void *)(hosts + from->n_allowed_hosts);
    char *at = (char *)(app_tokens + from->n_app_tokens);
    *copy = (struct status_settings){
        .allowed_hosts = hosts,
        .n_allowed_hosts = from->n_allowed_hosts,
        .token = place(from->token, &at),
        .app_tokens = app_tokens,
        .n_app_tokens = from->n_app_tokens,
    };
    for (size_t i = 0; i < from->n_app_tokens; i++) {
        app_tokens[i] = (struct status_app_token){from->app_tokens[i].app,
                                                  place(from->app_tokens[i].token, &at)};
    }
    for (size_t i = 0; i < from->n_allowed_hosts; i++) {
        hosts[i] = place(from->allowed_hosts[i], &at);
    }
    *ret_copy = copy;
    return 0;
}

void live_settings_free(struct status_settings *copy)
{
    if (copy != NULL) {
        explicit_bzero((char *)(uintptr_t)copy->token.ptr, token_size(copy));
        free(copy);
    }
}

void live_settings_init(struct live_settings *live, struct status_settings *copy)
{
    (void)pthread_rwlock_init(&live->lock, NULL);
    live->current = copy;
}

void live_settings_fini(struct live_settings *live)
{
    (void)pthread_rwlock_destroy(&live->lock);
    live_settings_free(live->current);
}

void live_settings_adopt(struct live_settings *live, struct status_settings *copy)
{
    (void)pthread_rwlock_wrlock(&live->lock);
    struct status_settings *old = live->current;
    live->current = copy;
    (void)pthread_rwlock_unlock(&live->lock);
    live_settings_free(old);
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
