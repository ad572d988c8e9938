/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_REQUEST_CHECK_H
#define PRESENCED_CALLBACK_REQUEST_CHECK_H

/* Checks the head of a request: who calls, whether the request is authentic, and how its body is to be
 * handled. Any thread may call everything here. */

#include "rules.h"

/* Returned by a check that did not reject the request. */
#define CHECK_PASSED CALLBACK_APPLIED

struct decision {
    enum callback_outcome outcome; /* CHECK_PASSED: the body is to be handled as a State.StateChange */
    bool authentic;                /* false: the request is rejected without reading its body */
    int app;   /* index of the app in the table; -1: SdkAppid does not name a configured app */
    int token; /* index in the app's key of the token that made Sign; -1: none */
    /* Set with CHECK_PASSED; borrowed from the request. */
    struct str opt_platform; /* as received: percent-encoded, with valid escapes */
    struct str client_ip;    /* likewise */
};

/* Checks in the documented order: path, method, peer, SdkAppid, Sign, then duplicate parameters and
 * CallbackCommand. */
struct decision check_request(const struct rules *rules, const struct http_request *request, uint64_t now_ms);

/* Describes a rejected request for logs and lists. `outcome` is the reason. */
void check_describe(const struct rules *rules, const struct http_request *request,
                    enum callback_outcome outcome, uint64_t now_ms, struct refused_request *ret_refused);

/* Returns the address of the client, taking trusted proxies into account. */
struct address check_client(const struct rules *rules, const struct http_request *request);

#endif
