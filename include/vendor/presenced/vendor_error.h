/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VENDOR_ERROR_H
#define PRESENCED_VENDOR_ERROR_H

/* The ErrorCodes with which Tencent's REST API may answer query_online_status. Any thread may call this. */

/* How to handle an error. */
enum vendor_error_class {
    VENDOR_ERROR_RETRY,         /* temporary problem at Tencent: retry, with jitter */
    VENDOR_ERROR_RATE,          /* rate limit: send fewer requests */
    VENDOR_ERROR_USERSIG,       /* make a new UserSig and retry once */
    VENDOR_ERROR_CONFIGURATION, /* wrong key, administrator or region: an operator must act */
    VENDOR_ERROR_PLAN,          /* not included in the purchased plan, today or at all */
    VENDOR_ERROR_USER,          /* about one user, in ErrorList: there is no such id */
    VENDOR_ERROR_REQUEST,       /* the request is wrong, which is a bug of its sender */
};

struct vendor_error {
    unsigned code;
    enum vendor_error_class class;
    const char *meaning; /* explanation for the operator */
};

/* The codes with which presenced answers the same query. */
enum {
    VENDOR_NO_SUCH_USER = 70107,
    VENDOR_BAD_JSON = 90001,
    VENDOR_BAD_TO_ACCOUNT = 90003,
    VENDOR_TOO_MANY_IDS = 90011,
};

/* Returns the entry of a code, constant; NULL if the code is unknown. */
const struct vendor_error *vendor_error_find(unsigned code);

#endif
