/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VERSION_H
#define PRESENCED_VERSION_H

/* Library versions as text such as "0.9.75" or "1.0.0-rc1". Any thread may call this. */

#define VERSION_N_PARTS 3

/* Parses the first three numbers; missing ones are 0. */
void version_parse(const char *text, unsigned ret_parts[static VERSION_N_PARTS]);

#endif
