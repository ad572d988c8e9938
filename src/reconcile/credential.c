/* SPDX-License-Identifier: MIT */
#include "credential.h"

#include "presenced/clock.h"
#include "presenced/usersig.h"
#include "presenced/wipe.h"

#define EXPIRE_S 3600
#define EARLY_S 60 /* the signing time is earlier by this, in case our clock is ahead of Tencent's */

void credential_drop(struct credential *credential)
{
    secret_free(credential->usersig);
    credential->usersig = NULL;
    credential->number++;
}

/* Returns the time by Tencent's clock, as far as it is known. */
static uint64_t signing_time_s(const struct vendor_clock *clock)
{
    int64_t now_ms = (int64_t)clock_unix_ms() + (clock->is_known ? clock->ahead_min_ms : 0);
    return now_ms > 0 ? (uint64_t)now_ms / 1000 : 0;
}

int credential_renew(struct credential *credential, const struct app_settings *settings,
                     const struct vendor_clock *vendor_clock, uint64_t now_ms)
{
    if (credential->usersig != NULL && now_ms - credential->made_ms < EXPIRE_S * 1000 / 2) {
        return 0;
    }
    struct usersig_claim claim = {settings->sdkappid, str_from(settings->admin),
                                  signing_time_s(vendor_clock) - EARLY_S, EXPIRE_S};
    cleanup(wipe_buf) struct buf text = {0};
    (void)buf_reserve(&text, SECRET_SIZE_MAX);
    int r = usersig_make(&claim, secret_str(settings->key), &text);
    if (r < 0) {
        return r;
    }
    struct secret *usersig;
    r = secret_new(buf_str(&text), &usersig);
    if (r < 0) {
        return r;
    }
    credential_drop(credential);
    credential->usersig = usersig;
    credential->made_ms = now_ms;
    return 0;
}

/* A refusal of a UserSig that has been replaced since does not count, because it says nothing about the new
 * one. */
bool credential_refused(struct credential *credential, uint64_t number)
{
    if (number == credential->number) {
        if (credential->was_refused) {
            return false;
        }
        credential->was_refused = true;
        credential_drop(credential);
    }
    return true;
}
