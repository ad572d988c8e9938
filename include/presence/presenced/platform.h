/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PLATFORM_H
#define PRESENCED_PLATFORM_H

/* Platforms by number. protocol: State.StateChange sends "IOS" where KickedDevice says "iOS", so names are
 * compared without case. Names that are not known are kept, up to a bound, for new ones (HarmonyOS, Mini
 * Program) come without notice. Any thread may call everything here. */

#include "presenced/str.h"

enum platform {
    PLATFORM_UNKNOWN, /* also: missing, empty, not 1-32 printable ASCII characters, or one name too many */
    PLATFORM_IOS,
    PLATFORM_ANDROID,
    PLATFORM_WEB,
    PLATFORM_WINDOWS,
    PLATFORM_IPAD,
    PLATFORM_MAC, /* "macOS" too */
    PLATFORM_LINUX,
    PLATFORM_RESTAPI,
    PLATFORM_N_KNOWN,
};

#define PLATFORM_N_EXTRA_MAX 64
#define PLATFORM_N_MAX (PLATFORM_N_KNOWN + PLATFORM_N_EXTRA_MAX) /* every number is below it */
#define PLATFORM_NAME_MAX 32

/* The names of one process: the known ones and those heard. */
struct platform_names;

int platform_names_new(struct platform_names **ret_names);
void platform_names_free(struct platform_names *names);
DEFINE_CLEANUP(struct platform_names *, platform_names_free)

/* Whether it is one that would be kept. */
bool platform_is_name(struct str name);

/* The number of a name, which is kept when it is new and there is room. */
uint8_t platform_intern(struct platform_names *names, struct str name);

/* The number of a name already known or heard, else -1. */
int platform_find(const struct platform_names *names, struct str name);

/* As shown: the usual spelling, or the first that was heard. Valid as long as `names`. */
struct str platform_name(const struct platform_names *names, uint8_t platform);

/* Numbers in use are 0 … platform_count() - 1. */
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
