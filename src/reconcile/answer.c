/* SPDX-License-Identifier: MIT */
#include "answer.h"

#include "presenced/vendor_error.h"
#include "presenced/vendor_platform.h"

/* A row that is newer than the answer by more than this was stamped by a wrong clock, so asking again soon
 * would not help. */
#define ASK_AGAIN_MS 10000

/* Adds the known platforms that the query can name. */
static void add_named(const struct platform_names *names, struct platform_set *platforms)
{
    for (unsigned platform = 0; platform < PLATFORM_N_KNOWN; platform++) {
        if (vendor_platform_is_in_query(platform_name(names, (uint8_t)platform))) {
            platform_set_add(platforms, (uint8_t)platform);
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

/* Returns false if the result does not tell anything about single platforms. */
static bool read_platforms(struct platform_names *names, const struct online_query_result *result,
                           struct table_answer *answer)
{
    struct platform_set unclear = {0};
    if (result->n_devices == 0 && result->status != ONLINE_STATUS_OFFLINE) {
        return false; /* online, but it does not say on which platforms */
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

/* All devices of a user whom Tencent does not know are offline. */
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

static void remember(const struct answer_taking *context, const struct table_answer *said, uint8_t platform)
{
    const struct row row = {
        .action = platform_set_has(&said->online, platform)        ? ROW_LOGIN
                  : platform_set_has(&said->push_online, platform) ? ROW_DISCONNECT
                                                                   : ROW_LOGOUT,
        .reason = ROW_REASON_RECONCILED,
    };
    const struct row_words words = row_words(&row);
    const struct user_event event = {
        .received_unix_ms = context->now_ms,
        .has_event_time = true,
        .event_time_ms = said->stamp_ms,
        .origin = CHANGE_BY_RECONCILE,
        .action = words.action,
        .reason = words.reason,
        .platform = platform_name(table_platform_names(context->table), platform),
        .outcome = STR("applied"),
        .request_id = STR(""),
    };
    context->history->add(context->history->cls, table_app_id(context->table, context->app), said->user_id,
                          &event);
}

static void remember_all(const struct answer_taking *context, const struct table_answer *said,
                         const struct platform_set *changed)
{
    for (unsigned platform = 0; platform < PLATFORM_N_MAX; platform++) {
        if (platform_set_has(changed, (uint8_t)platform)) {
            remember(context, said, (uint8_t)platform);
        }
    }
}

/* Adds the table's and Tencent's view of a user to the inquiry. `said` is NULL if Tencent's answer does not
 * cover any platform. */
static void add_to_inquiry(const struct answer_taking *context, const struct user *known,
                           const struct online_query_result *result, const struct table_answer *said,
                           const struct platform_set *corrected)
{
    struct user_view view = table_view(context->table, context->now_ms);
    inquiry_add_user(context->inquiry, context->table, &view, known, result, said, corrected);
}

/* Applies the answer to the table. Marks the user again if that fails, or if the table has slightly newer
 * rows. Returns 0 or -ENOMEM. */
static int apply_answer(const struct answer_taking *context, const struct table_answer *said,
                        enum reconcile_cause cause, struct reconcile_stats *stats,
                        struct table_corrections *ret_corrections)
{
    struct table_corrections corrections = {0};
    int r = table_reconcile(context->table, said, context->now_ms, &corrections);
    if (r < 0 || (corrections.n_older > 0 && corrections.older_by_ms <= ASK_AGAIN_MS)) {
        table_mark(context->table, context->app, said->user_id);
    }
    if (r < 0) {
        return r;
    }
    if (context->history->add != NULL) {
        remember_all(context, said, &corrections.changed);
    }
    unsigned n = corrections.n_ended + corrections.n_begun + corrections.n_others;
    stats->n_confirmed += n == 0 && corrections.n_older == 0;
    stats->corrections[cause].n_ended += corrections.n_ended;
    stats->corrections[cause].n_begun += corrections.n_begun;
    stats->corrections[cause].n_others += corrections.n_others;
    *ret_corrections = corrections;
    return 0;
}

static void take_result(const struct answer_taking *context, const struct online_query_result *result,
                        enum reconcile_cause cause, struct reconcile_stats *stats)
{
    struct table_answer said = {.app = context->app, .user_id = result->user, .stamp_ms = context->stamp_ms};
    struct table_corrections corrections = {0};
    struct user known;
    bool is_known = context->inquiry != NULL &&
                    table_get(context->table, context->app, result->user, &known) == 0;
    bool is_clear = read_result(context->table, result, &said);
    if (is_clear && apply_answer(context, &said, cause, stats, &corrections) < 0) {
        return;
    }
    if (context->inquiry != NULL) {
        add_to_inquiry(context, is_known ? &known : NULL, result, is_clear ? &said : NULL,
                       &corrections.changed);
    }
}

void answer_take(const struct answer_taking *context, struct online_query_answer *answer,
                 struct reconcile_stats *stats)
{
    struct online_query_result result;
    while (online_query_next_result(answer, &result)) {
        int number = user_batch_find(context->batch, result.user);
        if (number >= 0) {
            take_result(context, &result, (enum reconcile_cause)context->batch->causes[number], stats);
        }
    }
}
