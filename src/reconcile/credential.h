/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECONCILE_CREDENTIAL_H
#define PRESENCED_RECONCILE_CREDENTIAL_H

/* The UserSig that authenticates an app's calls. It is renewed well before it expires, and when it is
 * refused. For one thread. */

#include "settings.h"
#include "vendor_clock.h"

/* Initially all zero. */
struct credential {
    struct secret *usersig; /* NULL: must be made for the next call */
    uint64_t number;        /* counts the UserSigs */
    uint64_t made_ms;
    bool was_refused; /* the previous one was refused, and no call has succeeded since */
};

/* Drops the UserSig, so that the next call gets a new one. */
void credential_drop(struct credential *credential);

/* Makes a UserSig if there is none or it is older than half its lifetime. Returns 0, or an error of
 * usersig_make() or secret_new(). */
int credential_renew(struct credential *credential, const struct app_settings *settings,
                     const struct vendor_clock *vendor_clock, uint64_t now_ms);

/* Called when a call with UserSig `number` was refused because of it. Returns whether the call should be
 * repeated with a new one. */
bool credential_refused(struct credential *credential, uint64_t number);

#endif
