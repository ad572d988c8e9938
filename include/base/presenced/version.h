/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VERSION_H
#define PRESENCED_VERSION_H

/* Versions of libraries, as text such as "0.9.75" or "1.0.0-rc1". Any thread. */

#define VERSION_N_PARTS 3

/* The first three numbers; those that are not there are 0. */
void version_parse(const char *text, unsigned ret_parts[static VERSION_N_PARTS]);

#endif
