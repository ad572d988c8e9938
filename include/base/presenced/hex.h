/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HEX_H
#define PRESENCED_HEX_H

#include <stdint.h>

/* The value of one hexadecimal digit of either case; -1 for what is none. Any thread. By table: the digits of
 * a hash follow no pattern that a processor could guess branches from. */
static inline int hex_value(char c)
{
    static const uint8_t one_more[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return one_more[(unsigned char)c] - 1;
}

#endif
