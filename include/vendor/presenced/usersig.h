/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_USERSIG_H
#define PRESENCED_USERSIG_H

/* UserSig, version 2.0 (TLSSigAPIv2): the credential in the URL of a call to Tencent's REST API, made with
 * the app's secret key:
 *
 *   sig = base64(HMAC-SHA256(key, "TLS.identifier:ID\nTLS.sdkappid:N\nTLS.time:T\nTLS.expire:E\n"))
 *   {"TLS.ver":"2.0","TLS.identifier":ID,"TLS.sdkappid":N,"TLS.expire":E,"TLS.time":T,"TLS.sig":sig}
 *     → zlib → base64, with * - _ instead of + / =
 *
 * Its holder has the rights of the identifier until it expires. Any thread may call this. */

#include "presenced/str.h"

#define USERSIG_IDENTIFIER_MAX 256 /* bytes */

struct usersig_claim {
    uint64_t sdkappid;
    struct str identifier; /* UTF-8 */
    uint64_t time_s;       /* Unix time in seconds from which it is valid */
    uint64_t expire_s;     /* validity in seconds */
};

/* Appends a UserSig to `out`, which the caller releases with wipe_buf(). Returns 0; -EINVAL if the identifier
 * is empty, too long, not UTF-8 or contains control characters (a newline would end its line above); -ENOTSUP
 * if OpenSSL has no HMAC-SHA256; or -ENOMEM. */
int usersig_make(const struct usersig_claim *claim, struct str key, struct buf *out);

#endif
