/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HEX_H
#define PRESENCED_HEX_H

/* The value of one hexadecimal digit of either case; -1 for what is none. Any thread. */
static inline int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#endif
