/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_RULES_H
#define PRESENCED_CALLBACK_RULES_H

/* What callbacks are checked against: the part of struct callback_config that a reload may change, in memory
 * of its own. Constant once made, so any thread may read it. */

#include "presenced/callback.h"

struct rules {
    struct rules *older; /* those that it took the place of: callback.c's */
    struct str path;
    struct callback_app *apps; /* by sdkappid */
    size_t n_apps;
    struct network *allow;
    size_t n_allow;
    struct network *trusted_proxies;
    size_t n_trusted_proxies;
    bool client_certificate_required;
    bool other_commands_ok;
};

/* 0 or -ENOMEM. */
int rules_new(const struct callback_config *config, struct rules **ret_rules);
void rules_free(struct rules *rules); /* wipes the tokens */

/* NULL where it is not configured. */
const struct callback_app *rules_find_app(const struct rules *rules, struct str sdkappid);

#endif
