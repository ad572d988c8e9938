/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_MEMBER_H
#define PRESENCED_CTL_MEMBER_H

/* Answers of the status API, and bodies of callbacks, read member by member. What is not there, or of another
 * type, is as null is: an empty text, no number, no items. */

#include "presenced/str.h"

#include <cjson/cJSON.h>

/* NULL where it is no JSON object. */
cJSON *document_parse(struct str bytes);

static inline void document_freep(cJSON **document)
{
    cJSON_Delete(*document);
}

/* All take NULL for the object. */
struct str member_text(const cJSON *object, const char *name); /* valid as long as the object */
bool member_u64(const cJSON *object, const char *name, uint64_t *ret_number);
const cJSON *member(const cJSON *object, const char *name); /* NULL: not there, or null */

#endif
