/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ARRAY_H
#define PRESENCED_ARRAY_H

/* Of an array, not of a pointer. */
#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#endif
