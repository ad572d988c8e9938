/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_CREDENTIAL_H
#define PRESENCED_RECONCILE_CREDENTIAL_H

/* The UserSig with which an app's calls are signed, made anew well before its end and when it is refused. One
 * thread. */

#include "settings.h"
#include "vendor_clock.h"

/* Begins all zero. */
struct credential {
    struct secret *usersig; /* NULL: one is to be made */
    uint64_t number;        /* of that one, or of the next */
    uint64_t made_ms;
    bool was_refused; /* the one before, and no call has succeeded since */
};

/* Has another one made for the next call; forgets the old one. */
void credential_drop(struct credential *credential);

/* Makes one where there is none that is young enough. 0 or what usersig_make() says. */
int credential_renew(struct credential *credential, const struct app_settings *settings,
                     const struct vendor_clock *vendor_clock, uint64_t now_ms);

/* A call with that number was refused because its UserSig had expired. Whether the call is worth another try
 * with a new one. */
bool credential_refused(struct credential *credential, uint64_t number);

#endif
