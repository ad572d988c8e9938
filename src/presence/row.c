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
    if (a->action != b->action) {
        return a->action < b->action ? -1 : 1;
    }
    if (a->reason != b->reason) {
        return a->reason < b->reason ? -1 : 1;
    }
    return str_compare(address_bytes(&a->client), address_bytes(&b->client));
}

struct str row_action_name(enum row_action action)
{
    static const char *const names[] = {
        [ROW_KICKED] = "Kicked",
        [ROW_LOGOUT] = "Logout",
        [ROW_DISCONNECT] = "Disconnect",
        [ROW_LOGIN] = "Login",
    };
    return str_from(names[action]);
}

struct str row_reason_name(enum row_reason reason)
{
    static const char *const names[] = {
        [ROW_REASON_REGISTER] = "Register",    [ROW_REASON_UNREGISTER] = "Unregister",
        [ROW_REASON_LINK_CLOSE] = "LinkClose", [ROW_REASON_TIMEOUT] = "TimeOut",
        [ROW_REASON_KICKED] = "Kicked",        [ROW_REASON_OTHER] = "Other",
    };
    return str_from(names[reason]);
}
