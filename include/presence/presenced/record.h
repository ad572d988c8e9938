/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECORD_H
#define PRESENCED_RECORD_H

/* The compact form of a user: what the table holds ten millions of, and what the change log carries. Its
 * layout is drawn in record.c. */

#include "presenced/user.h"

/* Room for any user. */
#define RECORD_SIZE_MAX \
    (4 + USER_ID_MAX + PLATFORM_N_MAX * (8 + 6 + 1 + 16) + 8 + 2 + USER_CUSTOM_STATUS_MAX + 64)

/* Packs `user`; returns the number of bytes, at most RECORD_SIZE_MAX. */
size_t record_encode(const struct user *user, uint8_t ret_bytes[static RECORD_SIZE_MAX]);

/* Unpacks what record_encode() wrote: of ours, so not checked beyond asserts. */
void record_decode(const uint8_t *bytes, struct user *ret_user);

/* App and id without unpacking the rest; the id points into `bytes`. */
uint16_t record_app(const uint8_t *bytes);
struct str record_id(const uint8_t *bytes);

/* Length in bytes of the record at `bytes`. */
size_t record_size(const uint8_t *bytes);

#endif
