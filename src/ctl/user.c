/* SPDX-License-Identifier: MIT */
#include "user.h"

#include "text.h"

#include "presenced/array.h"

enum tint user_state_tint(struct str state)
{
    if (str_equal(state, STR("online"))) {
        return TINT_GOOD;
    }
    return str_equal(state, STR("push_online")) ? TINT_MIDDLE : TINT_NONE;
}

void user_append_platforms(const cJSON *user, struct buf *out)
{
    const cJSON *device;
    bool is_first = true;
    cJSON_ArrayForEach(device, member(user, "devices"))
    {
        if (str_equal(member_text(device, "state"), STR("online"))) {
            buf_append(out, is_first ? STR("") : STR(", "));
            buf_append(out, member_text(device, "platform"));
            is_first = false;
        }
    }
}

static void add_device(const struct ask *ask, struct table *table, const cJSON *device)
{
    cleanup(buf_fini) struct buf event = {0};
    struct str state = member_text(device, "state");
    struct str action = member_text(device, "action");
    struct str reason = member_text(device, "reason");
    buf_append(&event, action);
    if (!str_equal(action, reason)) {
        buf_appendf(&event, " (%.*s)", STR_FMT(reason));
    }
    table_add(table, TINT_NONE, member_text(device, "platform"));
    table_add(table, user_state_tint(state), state);
    table_add(table, TINT_NONE, buf_str(&event));
    ask_add_time(ask, table, device, "event_time");
    table_add(table, TINT_NONE, member_text(device, "client_ip"));
}

static void append_sentence(const struct ask *ask, const cJSON *user, struct buf *out)
{
    struct str state = member_text(user, "state");
    struct str custom = member_text(user, "custom_status");
    uint64_t number;
    text_append_safe(out, member_text(user, "user"));
    buf_append(out, STR(" is "));
    tint_append(out, user_state_tint(state), ask->screen.tints, state);
    if (member_u64(user, "since", &number)) {
        buf_append(out, STR(" since "));
        ask_append_time(ask, number, out);
    }
    if (custom.len > 0) {
        buf_append(out, STR(", \""));
        text_append_safe(out, custom);
        buf_append_char(out, '"');
    }
    if (member_u64(user, "app", &number)) {
        buf_appendf(out, ", app %lu", (unsigned long)number);
    }
    buf_append_char(out, '\n');
}

void user_append(const struct ask *ask, const cJSON *user, struct buf *out)
{
    static const char *const heads[] = {"PLATFORM", "STATE", "LAST EVENT", "AT", "ADDRESS"};
    const cJSON *device;
    cleanup(table_fini) struct table table;
    table_init(&table, heads, N_ELEMENTS(heads));
    append_sentence(ask, user, out);
    cJSON_ArrayForEach(device, member(user, "devices"))
    {
        add_device(ask, &table, device);
    }
    if (table.n_cells > 0) {
        buf_append_char(out, '\n');
    }
    table_write(&table, ask->screen.width, ask->screen.tints, out);
}

void users_begin(struct table *table)
{
    static const char *const heads[] = {"USER", "STATE", "SINCE", "ONLINE ON", "CUSTOM STATUS", "APP"};
    table_init(table, heads, N_ELEMENTS(heads));
}

void users_add(const struct ask *ask, struct table *table, const cJSON *user)
{
    cleanup(buf_fini) struct buf platforms = {0};
    struct str state = member_text(user, "state");
    uint64_t app = 0;
    user_append_platforms(user, &platforms);
    table->failed |= platforms.failed;
    table_add(table, TINT_NONE, member_text(user, "user"));
    table_add(table, user_state_tint(state), state);
    ask_add_time(ask, table, user, "since");
    table_add(table, TINT_NONE, buf_str(&platforms));
    table_add(table, TINT_NONE, member_text(user, "custom_status"));
    (void)member_u64(user, "app", &app);
    table_add_number(table, app);
}
