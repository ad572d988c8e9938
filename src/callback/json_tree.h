/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_JSON_TREE_H
#define PRESENCED_CALLBACK_JSON_TREE_H

/* Parses a callback's body with cJSON into an arena of the calling thread, which is filled front to back and
 * reused as a whole, instead of about forty heap allocations. A tree that does not fit continues on the heap.
 */

#include "presenced/str.h"

struct cJSON;

/* Installs the allocator in cJSON. Called once, before a second thread uses cJSON. Trees parsed by other
 * means than json_tree_parse() remain on the heap. */
void json_tree_prepare(void);

/* Parses `text`. Returns NULL if out of memory, or if the text is not valid JSON, which json_check() must
 * have excluded. */
struct cJSON *json_tree_parse(struct str text);

/* Frees a tree. Must be called by the thread that parsed it, and the tree must not have been modified. */
void json_tree_free(struct cJSON *tree);

#endif
