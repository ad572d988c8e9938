/* SPDX-License-Identifier: MIT */
#include "member.h"

cJSON *document_parse(struct str bytes)
{
    cleanup(document_freep) cJSON *document = bytes.len == 0 ? NULL
                                                             : cJSON_ParseWithLength(bytes.ptr, bytes.len);
    return cJSON_IsObject(document) ? take_pointer(document) : NULL;
}

const cJSON *member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNull(item) ? NULL : item;
}

struct str member_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    return text == NULL ? STR("") : str_from(text);
}

bool member_u64(const cJSON *object, const char *name, uint64_t *ret_number)
{
    const cJSON *item = member(object, name);
    if (!cJSON_IsNumber(item) || item->valuedouble < 0 || item->valuedouble > 9007199254740992.0) {
        return false;
    }
    *ret_number = (uint64_t)item->valuedouble;
    return true;
}
