/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ARRAY_H
#define PRESENCED_ARRAY_H

/* The number of elements of an array; not for a pointer. */
#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#endif
