/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_MEMBER_H
#define PRESENCED_CTL_MEMBER_H

/* Reads members of JSON documents: answers of the status API and bodies of callbacks. A member that is absent
 * or has another type is treated like null. */

#include "presenced/str.h"

#include <cjson/cJSON.h>

/* Parses a JSON object, which the caller frees. Returns NULL if `bytes` are something else, or if out of
 * memory. */
cJSON *document_parse(struct str bytes);

static inline void document_freep(cJSON **document)
{
    cJSON_Delete(*document);
}

/* `object` may be NULL in all of these. */

/* Returns the text, borrowed from the object, or "". */
struct str member_text(const cJSON *object, const char *name);
/* Returns false, and sets nothing, if there is no number from 0 to 2^53. */
bool member_u64(const cJSON *object, const char *name, uint64_t *ret_number);
/* Returns the member, or NULL if it is absent or null. */
const cJSON *member(const cJSON *object, const char *name);

#endif
