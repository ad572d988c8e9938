/* SPDX-License-Identifier: MIT */
#include "presenced/version.h"

#include <limits.h>
#include <stdlib.h>

void version_parse(const char *text, unsigned ret_parts[static VERSION_N_PARTS])
{
    for (unsigned i = 0; i < VERSION_N_PARTS; i++) {
        char *end = NULL;
        unsigned long part = strtoul(text, &end, 10);
        ret_parts[i] = part < UINT_MAX ? (unsigned)part : UINT_MAX;
        text = *end == '.' ? end + 1 : "";
    }
}
