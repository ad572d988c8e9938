/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_FRAMING_H
#define PRESENCED_HTTP_FRAMING_H

/* Checks where a request ends: the checks of RFC 9112 that not every version of libmicrohttpd performs, so
 * that what one party considers a body is never another party's next request. Pure functions; any thread may
 * call them. */

#include "presenced/str.h"

/* What the headers of a request say about its end, collected with framing_add(). Initialise with zeros. */
struct framing {
    unsigned n_host;
    unsigned n_content_length;
    unsigned n_transfer_encoding;
    bool bad_content_length;
    bool bad_transfer_encoding;
    bool bad_header; /* it has bytes that are not allowed; the caller also sets it for invalid line ends */
    bool bad_request_line; /* set by the caller */
    bool says_close;       /* Connection contains "close" */
    bool says_keep_alive;
    uint64_t content_length;
};

void framing_add(struct framing *framing, struct str name, struct str value);

/* Returns NULL if the end of the request is unambiguous, else the problem as a constant text. */
const char *framing_check(const struct framing *framing, struct str target, bool is_http_1_0);

/* Returns whether the sender expects the connection to be closed after this request (RFC 9112, section 9.3).
 */
static inline bool framing_is_last(const struct framing *framing, bool is_http_1_0)
{
    return framing->says_close || (is_http_1_0 && !framing->says_keep_alive);
}

static inline bool framing_has_length(const struct framing *framing)
{
    return framing->n_content_length > 0 || framing->n_transfer_encoding > 0;
}

#endif
