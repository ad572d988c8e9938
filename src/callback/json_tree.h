/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_JSON_TREE_H
#define PRESENCED_CALLBACK_JSON_TREE_H

/* The tree that cJSON makes of a callback's body, in some memory of the thread that is taken from front to
 * back and given back as a whole, instead of forty pieces of the heap. A tree that is too large for it goes
 * on in the heap. */

#include "presenced/str.h"

struct cJSON;

/* Lets cJSON take this memory, once a process and before a second thread uses cJSON. Without it, trees lie in
 * the heap, as all do that others have cJSON make. */
void json_tree_prepare(void);

/* NULL where memory is gone, or what json_check() has not passed is no JSON. */
struct cJSON *json_tree_parse(struct str text);

/* On the thread that parsed it. Nothing may be changed in it before. */
void json_tree_free(struct cJSON *tree);

#endif
