/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_RECORD_H
#define PRESENCED_RECORD_H

/* The compact encoding of a user, which the table stores for each of its millions of users, and which the
 * change log carries. The format is documented in record.c. Any thread may call everything here. */

#include "presenced/user.h"

/* An upper bound of the size of any record. */
#define RECORD_SIZE_MAX \
    (4 + USER_ID_MAX + PLATFORM_N_MAX * (8 + 6 + 1 + 16) + 8 + 2 + USER_CUSTOM_STATUS_MAX + 64)

/* Encodes `user`. Returns the number of bytes, at most RECORD_SIZE_MAX. */
size_t record_encode(const struct user *user, uint8_t ret_bytes[static RECORD_SIZE_MAX]);

/* Decodes a record written by record_encode(). Only asserts check the input, so data from outside must be
 * validated before. */
void record_decode(const uint8_t *bytes, struct user *ret_user);

/* Returns the app or the user id without decoding the rest. The id points into `bytes`. */
uint16_t record_app(const uint8_t *bytes);
struct str record_id(const uint8_t *bytes);

/* Returns the size in bytes of the record at `bytes`. */
size_t record_size(const uint8_t *bytes);

#endif
