/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "presenced/vendor_error.h"
#include "presenced/vendor_platform.h"

/* What is newer by more was stamped by a clock that is wrong: asking again soon would not help. */
#define ASK_AGAIN_MS 10000

/* Every platform that the query can name, of those that the table has numbers for. */
static void add_named(const struct platform_names *names, struct platform_set *platforms)
{
    for (uint8_t platform = 0; platform < PLATFORM_N_KNOWN; platform++) {
        if (vendor_platform_is_in_query(platform_name(names, platform))) {
            platform_set_add(platforms, platform);
        }
    }
}

static void add_device(struct platform_names *names, const struct online_query_device *device,
                       struct table_answer *answer, struct platform_set *unclear)
{
    uint8_t platform = platform_intern(names, device->platform);
    switch (device->status) {
    case ONLINE_STATUS_ONLINE:
        platform_set_add(&answer->online, platform);
        break;
    case ONLINE_STATUS_PUSH_ONLINE:
        platform_set_add(&answer->push_online, platform);
        break;
    case ONLINE_STATUS_OFFLINE:
        break;
    default:
        platform_set_add(unclear, platform);
    }
    platform_set_add(&answer->platforms, platform);
}

/* False where it says nothing of any platform. */
static bool read_platforms(struct platform_names *names, const struct online_query_result *result,
                           struct table_answer *answer)
{
    struct platform_set unclear = {0};
    if (result->n_devices == 0 && result->status != ONLINE_STATUS_OFFLINE) {
        return false; /* online somewhere, and it does not say where */
    }
    add_named(names, &answer->platforms);
    for (size_t i = 0; i < result->n_devices; i++) {
        add_device(names, &result->devices[i], answer, &unclear);
    }
    for (unsigned word = 0; word < sizeof(unclear.bits) / sizeof(unclear.bits[0]); word++) {
        answer->platforms.bits[word] &= ~unclear.bits[word];
    }
    return true;
}

/* Of a user whom Tencent does not have, no device is anything but offline. */
static void set_all(struct platform_set *platforms)
{
    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        platform_set_add(platforms, (uint8_t)platform);
    }
}

static bool read_result(struct table *table, const struct online_query_result *result,
                        struct table_answer *answer)
{
    if (result->error_code == 0) {
        return read_platforms(table_platform_names(table), result, answer);
    }
    const struct vendor_error *error = vendor_error_find(result->error_code);
    if (error == NULL || error->class != VENDOR_ERROR_USER) {
        return false;
    }
    set_all(&answer->platforms);
    return true;
}

void answer_take(struct table *table, uint16_t app, const struct user_batch *batch,
                 struct online_query_answer *answer, uint64_t stamp_ms, uint64_t now_ms,
                 struct answer_outcome *outcome)
{
    struct online_query_result result;
    while (online_query_next_result(answer, &result)) {
        struct table_answer said = {.app = app, .user_id = result.user, .stamp_ms = stamp_ms};
        struct table_corrections corrections;
        if (!user_batch_has(batch, result.user) || !read_result(table, &result, &said)) {
            continue;
        }
        int r = table_reconcile(table, &said, now_ms, &corrections);
        if (r < 0 || (corrections.n_older > 0 && corrections.older_by_ms <= ASK_AGAIN_MS)) {
            table_mark(table, app, result.user);
        }
        if (r < 0) {
            continue;
        }
        unsigned n = corrections.n_ended + corrections.n_begun + corrections.n_others;
        outcome->n_confirmed += n == 0 && corrections.n_older == 0;
        outcome->n_ended += corrections.n_ended;
        outcome->n_begun += corrections.n_begun;
        outcome->n_others += corrections.n_others;
    }
}
