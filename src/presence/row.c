/* SPDX-License-Identifier: MIT */
#include "presenced/row.h"

static struct str address_bytes(const struct address *address)
{
    return (struct str){(const char *)address->bytes, address->len};
}

int row_compare(const struct row *a, const struct row *b)
{
    if (a->event_time_ms != b->event_time_ms) {
        return a->event_time_ms < b->event_time_ms ? -1 : 1;
    }
    bool is_event[2] = {a->reason != ROW_REASON_RECONCILED, b->reason != ROW_REASON_RECONCILED};
    if (is_event[0] != is_event[1]) {
        return is_event[0] ? 1 : -1;
    }
    if (a->action != b->action) {
        return a->action < b->action ? -1 : 1;
    }
    if (a->reason != b->reason) {
        return a->reason < b->reason ? -1 : 1;
    }
    return str_compare(address_bytes(&a->client), address_bytes(&b->client));
}

#define N_ACTIONS (ROW_LOGIN + 1)

static const char *const action_names[N_ACTIONS] = {
    [ROW_KICKED] = "Kicked",
    [ROW_LOGOUT] = "Logout",
    [ROW_DISCONNECT] = "Disconnect",
    [ROW_LOGIN] = "Login",
};

/* Names by action. An answer to a query never reports a kick. */
static const char *const status_names[N_ACTIONS] = {
    [ROW_LOGOUT] = "Offline",
    [ROW_DISCONNECT] = "PushOnline",
    [ROW_LOGIN] = "Online",
};

#define RECONCILED STR("Reconciled")

struct str row_reason_name(enum row_reason reason)
{
    static const char *const names[ROW_N_REASONS] = {
#define NAME_OF(id, name) [ROW_REASON_##id] = (name),
        ROW_REASONS(NAME_OF)
#undef NAME_OF
    };
    return str_from(names[reason]);
}

struct row_words row_words(const struct row *row)
{
    if (row->reason == ROW_REASON_RECONCILED) {
        return (struct row_words){RECONCILED, str_from(status_names[row->action])};
    }
    return (struct row_words){str_from(action_names[row->action]), row_reason_name(row->reason)};
}

static bool find_name(const char *const *names, unsigned n, struct str name, uint8_t *ret_number)
{
    for (unsigned number = 0; number < n; number++) {
        if (names[number] != NULL && str_equal(name, str_from(names[number]))) {
            *ret_number = (uint8_t)number;
            return true;
        }
    }
    return false;
}

bool row_read_words(const struct row_words *words, struct row *ret_row)
{
    if (str_equal(words->action, RECONCILED)) {
        ret_row->reason = ROW_REASON_RECONCILED;
        return find_name(status_names, N_ACTIONS, words->reason, &ret_row->action);
    }
    for (unsigned reason = 0; reason <= ROW_REASON_OTHER; reason++) {
        if (str_equal(words->reason, row_reason_name((enum row_reason)reason))) {
            ret_row->reason = (uint8_t)reason;
            return find_name(action_names, N_ACTIONS, words->action, &ret_row->action);
        }
    }
    return false;
}
