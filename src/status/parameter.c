/* SPDX-License-Identifier: MIT */
#include "parameter.h"

int parameter_text(const struct query_value *value, size_t size, char *storage, struct str *ret_text)
{
    if (value->n > 1) {
        return PARAMETER_BAD;
    }
    if (value->n == 0 || value->encoded.len == 0) {
        return PARAMETER_ABSENT;
    }
    return query_decode(value->encoded, size, storage, ret_text) == 0 ? 0 : PARAMETER_BAD;
}

int parameter_u64(const struct query_value *value, uint64_t max, uint64_t *ret_number)
{
    char storage[20];
    struct str text;
    int outcome = parameter_text(value, sizeof(storage), storage, &text);
    if (outcome != 0) {
        return outcome;
    }
    return str_parse_u64(text, max, ret_number) ? 0 : PARAMETER_BAD;
}

bool parameter_user_id(struct str encoded, char storage[static USER_ID_MAX], struct str *ret_id)
{
    struct str id;
    if (query_decode(encoded, USER_ID_MAX, storage, &id) != 0 || !user_is_id(id) || !str_is_utf8(id)) {
        return false;
    }
    *ret_id = id;
    return true;
}
