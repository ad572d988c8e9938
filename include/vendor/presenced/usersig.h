/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USERSIG_H
#define PRESENCED_USERSIG_H

/* UserSig, version 2.0 (TLSSigAPIv2): what a caller of Tencent's REST API shows in its URL, made with the
 * app's secret key:
 *
 *   sig = base64(HMAC-SHA256(key, "TLS.identifier:ID\nTLS.sdkappid:N\nTLS.time:T\nTLS.expire:E\n"))
 *   {"TLS.ver":"2.0","TLS.identifier":ID,"TLS.sdkappid":N,"TLS.expire":E,"TLS.time":T,"TLS.sig":sig}
 *     → zlib → base64, with * - _ in place of + / =
 *
 * Who has it may do what the identifier may do, until it expires. Any thread. */

#include "presenced/str.h"

#define USERSIG_IDENTIFIER_MAX 256 /* bytes */

struct usersig_claim {
    uint64_t sdkappid;
    struct str identifier; /* UTF-8 */
    uint64_t time_s;       /* Unix seconds: valid from then on */
    uint64_t expire_s;     /* for so long */
};

/* Appends it to `out`, which is for wipe_buf(). 0; -EINVAL for an identifier that is empty, too long, not
 * UTF-8 or holds control characters, one of which ends its line above; -ENOTSUP where OpenSSL has no
 * HMAC-SHA256; -ENOMEM. */
int usersig_make(const struct usersig_claim *claim, struct str key, struct buf *out);

#endif
