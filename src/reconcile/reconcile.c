/* SPDX-License-Identifier: MIT */
/* The reconcile thread. Once a second, each app's asker checks which users are due. In between, answers are
 * handled as they arrive, and new settings and then inquiries are taken: in this order, because after a
 * reload a person may inquire whether it has helped. */
#include "presenced/reconcile.h"

#include "asker.h"
#include "inquiry.h"
#include "presenced/clock.h"
#include "presenced/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TICK_MS 1000

struct reconcile_settings {
    size_t n_apps;
    struct app_settings apps[];
};

struct reconcile {
    struct table *table;
    struct calls *calls;
    struct reconcile_history history;
    struct reconcile_sharing sharing;
    pthread_t thread;
    pthread_mutex_t lock; /* protects the fields below; only the thread changes `askers` */
    struct asker **askers;
    size_t n_askers;
    struct reconcile_settings *next; /* settings to be taken by the thread; NULL: none */
    struct inquiry *inquiry;         /* NULL: none */
    _Atomic bool has_gap;
    _Atomic bool is_ending;
};

size_t reconcile_settings_n(const struct reconcile_settings *settings)
{
    return settings->n_apps;
}

uint16_t reconcile_settings_app(const struct reconcile_settings *settings, size_t at)
{
    return settings->apps[at].app;
}

void reconcile_discard(struct reconcile_settings *settings)
{
    if (settings != NULL) {
        for (size_t i = 0; i < settings->n_apps; i++) {
            app_settings_fini(&settings->apps[i]);
        }
        free(settings);
    }
}

int reconcile_prepare(const struct table *table, const struct reconcile_config *config,
                      struct reconcile_settings **ret_settings)
{
    size_t size = sizeof(struct reconcile_settings) + config->n_apps * sizeof(struct app_settings);
    cleanup(reconcile_discardp) struct reconcile_settings *settings = calloc(1, size);
    if (settings == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < config->n_apps; i++) {
        settings->n_apps = i + 1;
        int r = app_settings_prepare(table, config, &config->apps[i], &settings->apps[i]);
        if (r < 0) {
            return r;
        }
    }
    *ret_settings = take_pointer(settings);
    return 0;
}

static struct asker *find_asker(const struct reconcile *reconcile, uint16_t app)
{
    for (size_t i = 0; i < reconcile->n_askers; i++) {
        if (reconcile->askers[i] != NULL && asker_app(reconcile->askers[i]) == app) {
            return reconcile->askers[i];
        }
    }
    return NULL;
}

/* Removes an asker from the array, so that it is not freed with the others. */
static struct asker *take_asker(struct reconcile *reconcile, uint16_t app)
{
    for (size_t i = 0; i < reconcile->n_askers; i++) {
        if (reconcile->askers[i] != NULL && asker_app(reconcile->askers[i]) == app) {
            return take_pointer(reconcile->askers[i]);
        }
    }
    return NULL;
}

static void free_askers(struct asker **askers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        asker_free(askers[i]);
    }
    free(askers);
}

/* Replaces the settings; askers of apps that remain are kept. The lock must be held. */
static void apply_settings(struct reconcile *reconcile, struct reconcile_settings *settings)
{
    struct asker **askers = calloc(settings->n_apps + 1, sizeof(struct asker *));
    size_t n = 0;
    if (askers == NULL) {
        log_error("Tencent is not asked with the new settings: out of memory");
        return;
    }
    for (size_t i = 0; i < settings->n_apps; i++) {
        struct app_settings *app = &settings->apps[i];
        struct asker *asker = take_asker(reconcile, app->app);
        if (asker != NULL) {
            asker_adopt(asker, app);
            askers[n++] = asker;
        } else if (asker_new(reconcile->table, reconcile->calls, &reconcile->history, &reconcile->sharing,
                             app, &askers[n]) == 0) {
            n++;
        } else {
            log_error("Tencent is not asked: out of memory", log_u64("app", app->sdkappid));
        }
    }
    free_askers(reconcile->askers, reconcile->n_askers);
    reconcile->askers = askers;
    reconcile->n_askers = n;
}

static void take_settings(struct reconcile *reconcile)
{
    (void)pthread_mutex_lock(&reconcile->lock);
    cleanup(reconcile_discardp) struct reconcile_settings *settings = take_pointer(reconcile->next);
    if (settings != NULL) {
        apply_settings(reconcile, settings);
    }
    (void)pthread_mutex_unlock(&reconcile->lock);
}

static void take_inquiry(struct reconcile *reconcile)
{
    static const struct vendor_clock unknown = {0};
    (void)pthread_mutex_lock(&reconcile->lock);
    struct inquiry *inquiry = reconcile->inquiry;
    bool is_new = inquiry != NULL && !inquiry->is_begun;
    struct asker *asker = is_new ? find_asker(reconcile, inquiry->app) : NULL;
    if (is_new) {
        inquiry->is_begun = true;
    }
    (void)pthread_mutex_unlock(&reconcile->lock);
    if (asker != NULL) {
        asker_inquire(asker, inquiry);
    } else if (is_new) {
        inquiry_end(inquiry, "another configuration was taken over meanwhile", 0, &unknown);
    }
}

static void tick(struct reconcile *reconcile)
{
    bool has_gap = atomic_exchange(&reconcile->has_gap, false);
    for (size_t i = 0; i < reconcile->n_askers; i++) {
        if (has_gap) {
            asker_gap(reconcile->askers[i]);
        }
        asker_tick(reconcile->askers[i]);
    }
}

static void *run(void *cls)
{
    struct reconcile *reconcile = cls;
    uint64_t next_ms = clock_monotonic_ms();
    while (!atomic_load(&reconcile->is_ending)) {
        uint64_t now_ms = clock_monotonic_ms();
        take_settings(reconcile);
        if (now_ms >= next_ms) {
            tick(reconcile);
            next_ms = now_ms + TICK_MS;
        }
        take_inquiry(reconcile);
        calls_wait(reconcile->calls, (unsigned)(next_ms > now_ms ? next_ms - now_ms : 0));
        for (struct call *call; (call = calls_next_done(reconcile->calls)) != NULL;) {
            asker_take(call->owner, call);
        }
    }
    return NULL;
}

int reconcile_new(struct table *table, const struct reconcile_history *history,
                  const struct reconcile_sharing *sharing, struct reconcile_settings *settings,
                  struct reconcile **ret_reconcile)
{
    struct reconcile *reconcile = calloc(1, sizeof(*reconcile));
    if (reconcile == NULL) {
        return -ENOMEM;
    }
    reconcile->table = table;
    reconcile->history = *history;
    reconcile->sharing = *sharing;
    int r = calls_new(&reconcile->calls);
    if (r < 0) {
        free(reconcile);
        return r;
    }
    (void)pthread_mutex_init(&reconcile->lock, NULL);
    reconcile->next = settings;
    r = -pthread_create(&reconcile->thread, NULL, run, reconcile);
    if (r < 0) {
        calls_free(reconcile->calls);
        (void)pthread_mutex_destroy(&reconcile->lock);
        free(reconcile);
        return r;
    }
    (void)pthread_setname_np(reconcile->thread, "reconcile");
    *ret_reconcile = reconcile;
    return 0;
}

void reconcile_free(struct reconcile *reconcile)
{
    if (reconcile == NULL) {
        return;
    }
    atomic_store(&reconcile->is_ending, true);
    calls_wake(reconcile->calls);
    (void)pthread_join(reconcile->thread, NULL);
    free_askers(reconcile->askers, reconcile->n_askers);
    calls_free(reconcile->calls);
    reconcile_discard(reconcile->next);
    inquiry_free(reconcile->inquiry);
    (void)pthread_mutex_destroy(&reconcile->lock);
    free(reconcile);
}

int reconcile_inquire(struct reconcile *reconcile, uint16_t app, const struct str *users, size_t n_users,
                      void (*on_answer)(void *cls), void *cls)
{
    cleanup(inquiry_freep) struct inquiry *inquiry = NULL;
    int r = inquiry_new(app, table_app_id(reconcile->table, app), users, n_users, &inquiry);
    if (r < 0) {
        return r;
    }
    inquiry->on_answer = on_answer;
    inquiry->cls = cls;
    (void)pthread_mutex_lock(&reconcile->lock);
    if (find_asker(reconcile, app) == NULL) {
        r = RECONCILE_NOT_ASKED;
    } else if (reconcile->inquiry != NULL) {
        r = RECONCILE_BUSY;
    } else {
        reconcile->inquiry = take_pointer(inquiry);
    }
    (void)pthread_mutex_unlock(&reconcile->lock);
    calls_wake(reconcile->calls);
    return r;
}

bool reconcile_take_answer(struct reconcile *reconcile, struct buf *ret_answer)
{
    cleanup(inquiry_freep) struct inquiry *inquiry = NULL;
    (void)pthread_mutex_lock(&reconcile->lock);
    if (reconcile->inquiry != NULL && atomic_load(&reconcile->inquiry->is_answered)) {
        inquiry = take_pointer(reconcile->inquiry);
    }
    (void)pthread_mutex_unlock(&reconcile->lock);
    if (inquiry == NULL) {
        return false;
    }
    if (!inquiry->answer.failed) {
        *ret_answer = inquiry->answer;
        inquiry->answer = (struct buf){0};
    }
    return true;
}

void reconcile_adopt(struct reconcile *reconcile, struct reconcile_settings *settings)
{
    (void)pthread_mutex_lock(&reconcile->lock);
    reconcile_discard(reconcile->next);
    reconcile->next = settings;
    (void)pthread_mutex_unlock(&reconcile->lock);
    calls_wake(reconcile->calls);
}

void reconcile_gap(struct reconcile *reconcile)
{
    atomic_store(&reconcile->has_gap, true);
}

bool reconcile_stats(struct reconcile *reconcile, uint16_t app, struct reconcile_stats *ret_stats)
{
    (void)pthread_mutex_lock(&reconcile->lock);
    struct asker *asker = find_asker(reconcile, app);
    if (asker != NULL) {
        asker_stats(asker, ret_stats);
    }
    (void)pthread_mutex_unlock(&reconcile->lock);
    return asker != NULL;
}
