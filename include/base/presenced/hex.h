/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HEX_H
#define PRESENCED_HEX_H

#include <stdint.h>

/* Returns the value of one hexadecimal digit of either case, or -1 for any other character. Uses a table
 * because the branch predictor cannot predict the digits of a hash. Any thread may call it. */
static inline int hex_value(char c)
{
    static const uint8_t value_plus_one[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
        ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
        ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    };
    return value_plus_one[(unsigned char)c] - 1;
}

#endif
