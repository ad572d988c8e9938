/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PLATFORM_H
#define PRESENCED_PLATFORM_H

/* Platforms by number. Names are compared without regard to case, because State.StateChange sends "IOS" where
 * KickedDevice says "iOS". Unknown names get numbers of their own, up to a limit, because Tencent adds
 * platforms without notice (HarmonyOS, Mini Program). Any thread may call everything here. */

#include "presenced/str.h"

enum platform {
    PLATFORM_UNKNOWN, /* also for names that are missing, invalid, or beyond the limit */
    PLATFORM_IOS,
    PLATFORM_ANDROID,
    PLATFORM_WEB,
    PLATFORM_WINDOWS,
    PLATFORM_IPAD,
    PLATFORM_MAC, /* also named "macOS" */
    PLATFORM_LINUX,
    PLATFORM_RESTAPI,
    PLATFORM_N_KNOWN,
};

#define PLATFORM_N_EXTRA_MAX 64
#define PLATFORM_N_MAX (PLATFORM_N_KNOWN + PLATFORM_N_EXTRA_MAX) /* all platform numbers are below it */
#define PLATFORM_NAME_MAX 32

/* The names known to one process: the built-in ones and those received. */
struct platform_names;

int platform_names_new(struct platform_names **ret_names);
void platform_names_free(struct platform_names *names);
DEFINE_CLEANUP(struct platform_names *, platform_names_free)

/* Returns whether a name consists of 1 to PLATFORM_NAME_MAX printable ASCII characters. */
bool platform_is_name(struct str name);

/* Returns the number of a name. A new name is added if it is valid and there is room; otherwise the result is
 * PLATFORM_UNKNOWN. */
uint8_t platform_intern(struct platform_names *names, struct str name);

/* Returns the number of a built-in or received name, or -1. */
int platform_find(const struct platform_names *names, struct str name);

/* Returns the spelling to show: the usual one, or for added names the first one received. Valid as long as
 * `names`. */
struct str platform_name(const struct platform_names *names, uint8_t platform);

/* Returns the number of platforms in use; their numbers are 0 … platform_count() - 1. */
unsigned platform_count(const struct platform_names *names);

struct platform_set {
    uint64_t bits[(PLATFORM_N_MAX + 63) / 64];
};

static inline void platform_set_add(struct platform_set *set, uint8_t platform)
{
    set->bits[platform / 64] |= UINT64_C(1) << (platform % 64);
}

static inline bool platform_set_has(const struct platform_set *set, uint8_t platform)
{
    return (set->bits[platform / 64] >> (platform % 64) & 1) != 0;
}

#endif
