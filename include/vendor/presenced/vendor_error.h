/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VENDOR_ERROR_H
#define PRESENCED_VENDOR_ERROR_H

/* The ErrorCodes of Tencent's REST API that query_online_status may answer with. Any thread. */

/* What is to be done about an error. */
enum vendor_error_class {
    VENDOR_ERROR_RETRY,         /* Tencent's trouble: ask again, with jitter */
    VENDOR_ERROR_RATE,          /* ask more slowly */
    VENDOR_ERROR_USERSIG,       /* make a new UserSig and ask again, once */
    VENDOR_ERROR_CONFIGURATION, /* key, administrator, region, …: asking is no use before a person mends it */
    VENDOR_ERROR_PLAN,          /* what was bought does not cover it, today or ever */
    VENDOR_ERROR_USER,          /* of one user, in ErrorList: there is none of that id */
    VENDOR_ERROR_REQUEST,       /* who made the request has a bug */
};

struct vendor_error {
    unsigned code;
    enum vendor_error_class class;
    const char *meaning; /* for who has to mend it */
};

/* Those with which presenced answers the same query. */
enum {
    VENDOR_NO_SUCH_USER = 70107,
    VENDOR_BAD_JSON = 90001,
    VENDOR_BAD_TO_ACCOUNT = 90003,
    VENDOR_TOO_MANY_IDS = 90011,
};

/* Constant; NULL for a code that is not known: nothing says what to do about it. */
const struct vendor_error *vendor_error_find(unsigned code);

#endif
