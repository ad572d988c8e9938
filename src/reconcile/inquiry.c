/* SPDX-License-Identifier: MIT */
#include "inquiry.h"

#include <errno.h>

int inquiry_new(uint16_t app, uint64_t app_id, const struct str *users, size_t n_users,
                struct inquiry **ret_inquiry)
{
    cleanup(inquiry_freep) struct inquiry *inquiry = calloc(1, sizeof(*inquiry));
    if (inquiry == NULL) {
        return -ENOMEM;
    }
    inquiry->app = app;
    for (size_t i = 0; i < n_users; i++) {
        if (!user_batch_add(&inquiry->batch, users[i], RECONCILE_ORDER)) {
            return -ENOMEM;
        }
    }
    inquiry->json.out = &inquiry->answer;
    json_begin_object(&inquiry->json, NULL);
    json_u64(&inquiry->json, "app", app_id);
    json_begin_array(&inquiry->json, "users");
    *ret_inquiry = take_pointer(inquiry);
    return 0;
}

void inquiry_free(struct inquiry *inquiry)
{
    if (inquiry != NULL) {
        user_batch_fini(&inquiry->batch);
        buf_fini(&inquiry->answer);
        free(inquiry);
    }
}

static void write_optional(struct json_writer *json, const char *key, const char *text)
{
    if (text == NULL) {
        json_null(json, key);
    } else {
        json_str(json, key, str_from(text));
    }
}

static const char *name_of_status(enum online_status status)
{
    static const char *const names[] = {
        [ONLINE_STATUS_ONLINE] = "online",
        [ONLINE_STATUS_PUSH_ONLINE] = "push_online",
        [ONLINE_STATUS_OFFLINE] = "offline",
        [ONLINE_STATUS_OTHER] = "other",
    };
    return names[status];
}

/* Returns NULL if the user has no row of that platform. */
static const char *name_of_known(const struct user *known, uint8_t platform, const struct user_view *view)
{
    const struct row *row = known == NULL ? NULL : user_row(known, platform);
    if (row == NULL) {
        return NULL;
    }
    struct row effective = user_effective_row(known, row);
    if (user_row_is_online(&effective, view)) {
        return "online";
    }
    return user_row_has_window(&effective) &&
                   effective.event_time_ms + view->push_online_window_ms > view->now_ms
               ? "push_online"
               : "offline";
}

/* Returns NULL if Tencent's answer does not cover that platform. */
static const char *name_of_said(const struct table_answer *said, uint8_t platform)
{
    if (said == NULL || !platform_set_has(&said->platforms, platform)) {
        return NULL;
    }
    return platform_set_has(&said->online, platform)        ? "online"
           : platform_set_has(&said->push_online, platform) ? "push_online"
                                                            : "offline";
}

static void write_devices(struct json_writer *json, struct table *table, const struct user_view *view,
                          const struct user *known, const struct table_answer *said,
                          const struct platform_set *corrected)
{
    const struct platform_names *names = table_platform_names(table);
    unsigned n_platforms = platform_count(names);
    json_begin_array(json, "devices");
    for (unsigned i = 0; i < n_platforms; i++) {
        uint8_t platform = (uint8_t)i;
        const char *known_name = name_of_known(known, platform, view);
        const char *said_name = name_of_said(said, platform);
        bool is_said = said_name != NULL && (platform_set_has(&said->online, platform) ||
                                             platform_set_has(&said->push_online, platform));
        if (known_name != NULL || is_said) {
            json_begin_object(json, NULL);
            json_str(json, "platform", platform_name(names, platform));
            write_optional(json, "known", known_name);
            write_optional(json, "tencent", said_name);
            json_bool(json, "corrected", platform_set_has(corrected, platform));
            json_end_object(json);
        }
    }
    json_end_array(json);
}

void inquiry_add_user(struct inquiry *inquiry, struct table *table, const struct user_view *view,
                      const struct user *known, const struct online_query_result *result,
                      const struct table_answer *said, const struct platform_set *corrected)
{
    struct json_writer *json = &inquiry->json;
    struct user_summary summary = {.state = USER_UNKNOWN};
    if (known != NULL) {
        user_summarise(known, view, &summary);
    }
    json_begin_object(json, NULL);
    json_str(json, "user", result->user);
    json_str(json, "known", user_state_name(summary.state));
    write_optional(json, "tencent", result->error_code == 0 ? name_of_status(result->status) : NULL);
    json_u64(json, "error_code", result->error_code);
    write_devices(json, table, view, known, said, corrected);
    json_end_object(json);
}

void inquiry_end(struct inquiry *inquiry, const char *problem, unsigned problem_code,
                 const struct vendor_clock *clock)
{
    struct json_writer *json = &inquiry->json;
    json_end_array(json);
    write_optional(json, "problem", problem[0] == '\0' ? NULL : problem);
    json_u64(json, "problem_code", problem_code);
    if (clock->is_known) {
        json_i64(json, "clock_ahead_min_ms", clock->ahead_min_ms);
        json_i64(json, "clock_ahead_max_ms", clock->ahead_max_ms);
    } else {
        json_null(json, "clock_ahead_min_ms");
        json_null(json, "clock_ahead_max_ms");
    }
    json_end_object(json);
    void (*on_answer)(void *cls) = inquiry->on_answer;
    void *cls = inquiry->cls;
    atomic_store(&inquiry->is_answered, true); /* from now on another thread may free it */
    on_answer(cls);
}
