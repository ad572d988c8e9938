/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VENDOR_PLATFORM_H
#define PRESENCED_VENDOR_PLATFORM_H

/* Names of platforms: query_online_status has others than the callback, whose names (as KickedDevice has
 * them) are ours. Compared without case. Any thread. */

#include "presenced/str.h"

/* iOS → iPhone, Windows → PC; a name that has no other stays as it is. Constant, or the bytes of `name`. */
struct str vendor_platform_to_query(struct str name);

/* And back. */
struct str vendor_platform_from_query(struct str query_name);

/* Whether Tencent's answers speak of that platform of ours at all: that one is absent from an answer says
 * something of these alone. */
bool vendor_platform_is_in_query(struct str name);

#endif
