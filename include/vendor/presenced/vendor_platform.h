/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VENDOR_PLATFORM_H
#define PRESENCED_VENDOR_PLATFORM_H

/* Names of platforms. query_online_status uses other names than the callback (KickedDevice), whose names
 * presenced uses. Compared without regard to case. Any thread may call everything here. */

#include "presenced/str.h"

/* Converts a callback name into a query name: iOS → iPhone, Windows → PC. A name without a counterpart is
 * returned unchanged. The result is constant or `name` itself. */
struct str vendor_platform_to_query(struct str name);

/* The inverse of vendor_platform_to_query(). */
struct str vendor_platform_from_query(struct str query_name);

/* Returns whether Tencent's answers can contain this platform at all. Only then does its absence from an
 * answer mean that it is offline. */
bool vendor_platform_is_in_query(struct str name);

#endif
