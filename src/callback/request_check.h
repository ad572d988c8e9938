/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_REQUEST_CHECK_H
#define PRESENCED_CALLBACK_REQUEST_CHECK_H

/* What a request's head says: who calls, whether to believe it, and what is to be done with its body. Any
 * thread. */

#include "rules.h"

/* What a check returns that has found nothing against the request. */
#define CHECK_PASSED CALLBACK_APPLIED

struct decision {
    enum callback_outcome outcome; /* CHECK_PASSED: the body is a State.StateChange */
    bool authentic;                /* else the request is refused whatever its body says */
    int app;                       /* its index in the table; -1: SdkAppid is not of one that is configured */
    int token;                     /* that Sign was made with, its place in the app's key; -1: none */
    /* Of CHECK_PASSED; the texts are the request's: */
    struct str opt_platform; /* as sent, still percent-encoded, well formed */
    struct str client_ip;    /* likewise */
};

/* In the order of the contract: path, method, peer, SdkAppid, Sign; then what is asked for. */
struct decision check_request(const struct rules *rules, const struct http_request *request, uint64_t now_ms);

/* What a request that is refused says, for people. `outcome` is why. */
void check_describe(const struct rules *rules, const struct http_request *request,
                    enum callback_outcome outcome, uint64_t now_ms, struct refused_request *ret_refused);

/* Who called, as far as trusted proxies are believed. */
struct address check_client(const struct rules *rules, const struct http_request *request);

#endif
