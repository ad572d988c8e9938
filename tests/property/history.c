/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <inttypes.h>
#include <stdio.h>

/* splitmix64: seeds that follow each other give unrelated numbers. */
uint64_t rng_next(uint64_t *rng)
{
    uint64_t z = (*rng += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned rng_below(uint64_t *rng, unsigned n)
{
    return (unsigned)(rng_next(rng) % n);
}

bool one_in(uint64_t *rng, unsigned n)
{
    return rng_below(rng, n) == 0;
}

static char long_text[256];

const struct str history_ids[HISTORY_N_IDS] = {
    {"alice", 5}, {"bob", 3},
    {"a", 1},     {long_text, sizeof(long_text)},
    {"Alice", 5}, {"\xd0\x9e\xd0\xbb\xd1\x8f", 6},
    {"u7", 2},    {"u8", 2},
    {"u9", 2},    {"u10", 3},
    {"u11", 3},   {"u12", 3},
};

static char crowd_names[HISTORY_N_CROWD][16];
struct str history_crowd[HISTORY_N_CROWD];

static const struct str statuses[] = {
    {"", 0}, {"busy", 4}, {"busy!", 5}, {"away", 4}, {"\xe5\xbf\x99", 3}, {long_text, sizeof(long_text)},
};

static const struct address clients[] = {
    {0},
    {4, {192, 0, 2, 4}},
    {4, {192, 0, 2, 5}},
    {16, {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
    {16, {192, 0, 2, 4}}, /* begins with another's bytes */
};

void history_init(void)
{
    memset(long_text, 'x', sizeof(long_text));
    for (unsigned i = 0; i < HISTORY_N_CROWD; i++) {
        int len = snprintf(crowd_names[i], sizeof(crowd_names[i]), "crowd %u", i);
        history_crowd[i] = (struct str){crowd_names[i], (size_t)len};
    }
}

/* So ordered that a pool of the first few has what ends, what is ended and what is pushed to. */
static void name_platforms(struct pool *pool, struct platform_names *names)
{
    static const char *const order[] = {"IOS",     "RESTAPI", "Web",   "iPad",        "HarmonyOS", "Android",
                                        "Unknown", "Windows", "macOS", "MiniProgram", "Linux"};
    unsigned n = 0;

    for (; n < N_ITEMS(order); n++) {
        pool->platforms[n] = platform_intern(names, str_from(order[n]));
    }
    for (; n < PLATFORM_N_MAX; n++) {
        char name[16];
        snprintf(name, sizeof(name), "Extra%u", n);
        pool->platforms[n] = platform_intern(names, str_from(name));
    }
}

void pool_init(struct pool *pool, uint64_t seed, struct platform_names *names)
{
    *pool = (struct pool){.rng = seed, .ids = history_ids};
    pool->n_apps = 1 + rng_below(&pool->rng, HISTORY_N_APPS_MAX);
    pool->n_ids = 2 + rng_below(&pool->rng, HISTORY_N_IDS - 1);
    name_platforms(pool, names);
    pool->n_platforms = one_in(&pool->rng, 8) ? PLATFORM_N_MAX : 2 + rng_below(&pool->rng, 9);
}

/* Mostly close together, so that many are equal; at the very bound of belief; beyond it; at zero. */
static uint64_t draw_stamp_ms(struct pool *pool, uint64_t now_ms)
{
    uint64_t *rng = &pool->rng;

    switch (rng_below(rng, 24)) {
    case 0:
        return now_ms + TABLE_MAX_AHEAD_MS;
    case 1:
        return now_ms + (pool->own_stamps ? 0 : TABLE_MAX_AHEAD_MS + 1);
    case 2:
        return pool->own_stamps ? 1 : EVENT_TIME_MAX_MS - rng_below(rng, 2);
    case 3:
        return now_ms - rng_below(rng, 5000);
    case 4:
        return rng_below(rng, 3);
    case 5:
        return now_ms + rng_below(rng, 2000);
    default:
        return now_ms - rng_below(rng, 8);
    }
}

static enum table_event_kind draw_kind(uint64_t *rng)
{
    static const enum table_event_kind kinds[] = {
        TABLE_LOGIN,  TABLE_LOGIN,      TABLE_LOGIN,      TABLE_LOGOUT,
        TABLE_LOGOUT, TABLE_DISCONNECT, TABLE_DISCONNECT, TABLE_CUSTOM_STATUS,
    };
    return kinds[rng_below(rng, N_ITEMS(kinds))];
}

static struct platform_set draw_kicked(struct pool *pool)
{
    struct platform_set kicked = {0};
    unsigned one_of = 1 + rng_below(&pool->rng, 4);

    for (unsigned i = 0; i < pool->n_platforms; i++) {
        if (one_in(&pool->rng, one_of)) {
            platform_set_add(&kicked, pool->platforms[i]);
        }
    }
    return kicked;
}

struct table_event draw_event(struct pool *pool, uint64_t now_ms)
{
    uint64_t *rng = &pool->rng;
    struct table_event event = {
        .kind = draw_kind(rng),
        .app = (uint16_t)rng_below(rng, pool->n_apps),
        .user_id = pool->ids[rng_below(rng, pool->n_ids)],
        .platform = pool->platforms[rng_below(rng, pool->n_platforms)],
        .client = clients[rng_below(rng, N_ITEMS(clients))],
        .has_event_time = pool->own_stamps || !one_in(rng, 8),
    };

    if (event.has_event_time) {
        event.event_time_ms = draw_stamp_ms(pool, now_ms);
    }
    if (event.kind == TABLE_CUSTOM_STATUS) {
        event.custom_status = statuses[rng_below(rng, N_ITEMS(statuses))];
    } else {
        event.reason = (uint8_t)rng_below(rng, ROW_REASON_OTHER + 1);
    }
    if (event.kind == TABLE_LOGIN && one_in(rng, 2)) {
        event.kicked = draw_kicked(pool);
    }
    return event;
}

struct str short_id(struct str id)
{
    return (struct str){id.ptr, id.len < 8 ? id.len : 8};
}

const char *describe_event(const struct table_event *event, struct buf *text)
{
    static const char *const kinds[] = {"Login", "Logout", "Disconnect", "CustomStatusChange"};

    buf_appendf(text, "%s app %u %.*s platform %u reason %u client %u/%u", kinds[event->kind], event->app,
                STR_FMT(short_id(event->user_id)), event->platform, event->reason, event->client.len,
                event->client.bytes[3]);
    if (event->has_event_time) {
        buf_appendf(text, " at %" PRIu64, event->event_time_ms);
    }
    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        if (platform_set_has(&event->kicked, (uint8_t)platform)) {
            buf_appendf(text, " kicks %u", platform);
        }
    }
    if (event->kind == TABLE_CUSTOM_STATUS) {
        buf_appendf(text, " status '%.*s'", STR_FMT(short_id(event->custom_status)));
    }
    buf_append_char(text, '\0');
    return text->ptr;
}

struct table_config draw_config(uint64_t seed)
{
    static const uint64_t windows_ms[] = {0, 1, 50, 1000, 604800000};
    static const uint64_t forget_after_ms[] = {0, 0, 0, 1, 100, 5000};
    uint64_t rng = ~seed;

    struct table_config config = {
        .push_online_window_ms = windows_ms[rng_below(&rng, N_ITEMS(windows_ms))],
        .max_users = one_in(&rng, 2) ? 0 : 1 + rng_below(&rng, 6),
        .forget_after_ms = forget_after_ms[rng_below(&rng, N_ITEMS(forget_after_ms))],
    };
    if (one_in(&rng, 3)) {
        config.changes_max_entries = HISTORY_N_CHANGES_SMALL;
        config.changes_max_bytes = (size_t)256 * 1024;
    }
    return config;
}
