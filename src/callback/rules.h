/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_RULES_H
#define PRESENCED_CALLBACK_RULES_H

/* The rules that callbacks are checked against: a copy of the part of struct callback_config that a reload
 * may change. Immutable once created, so any thread may read them. */

#include "presenced/callback.h"

struct rules {
    struct rules *older; /* the rules replaced by these, managed by callback.c */
    struct str path;
    struct callback_app *apps; /* sorted by sdkappid */
    size_t n_apps;
    struct network *allow;
    size_t n_allow;
    struct network *trusted_proxies;
    size_t n_trusted_proxies;
    bool client_certificate_required;
    bool other_commands_ok;
};

/* Returns 0 or -ENOMEM. */
int rules_new(const struct callback_config *config, struct rules **ret_rules);
void rules_free(struct rules *rules); /* wipes the tokens */

/* Returns NULL if the app is not configured. */
const struct callback_app *rules_find_app(const struct rules *rules, struct str sdkappid);

#endif
