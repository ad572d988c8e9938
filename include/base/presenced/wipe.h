/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_WIPE_H
#define PRESENCED_WIPE_H

#include "presenced/str.h"

/* buf_fini() for bytes that may hold a token or a private key. Any thread. */
static inline void wipe_buf(struct buf *buf)
{
    if (buf->ptr != NULL) {
        explicit_bzero(buf->ptr, buf->capacity);
    }
    buf_fini(buf);
}

#endif
