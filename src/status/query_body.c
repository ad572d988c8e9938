/* SPDX-License-Identifier: MIT */
#include "query_body.h"

#include "presenced/json_check.h"
#include "presenced/user.h"

#include <cjson/cJSON.h>

struct cJSON *query_body_parse(struct str body)
{
    if (json_check(body) != 0) {
        return NULL;
    }
    cleanup(query_body_freep) cJSON *root = cJSON_ParseWithLength(body.ptr, body.len);
    return cJSON_IsObject(root) ? take_pointer(root) : NULL;
}

void query_body_freep(struct cJSON **root)
{
    cJSON_Delete(*root);
}

/* Keys are case-sensitive, and one that comes twice is bad: readers of JSON differ in which they take. */
static int find(const cJSON *root, const char *key, const cJSON **ret_item)
{
    const cJSON *found = NULL;
    const cJSON *item;
    cJSON_ArrayForEach(item, root)
    {
        if (strcmp(item->string, key) == 0) {
            if (found != NULL) {
                return QUERY_BODY_BAD;
            }
            found = item;
        }
    }
    if (found == NULL || cJSON_IsNull(found)) {
        return QUERY_BODY_ABSENT;
    }
    *ret_item = found;
    return 0;
}

int query_body_u64(const struct cJSON *root, const char *key, uint64_t max, uint64_t *ret_number)
{
    const cJSON *item;
    int outcome = find(root, key, &item);
    if (outcome != 0) {
        return outcome;
    }
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= (double)max) ||
        (double)(uint64_t)item->valuedouble != item->valuedouble) {
        return QUERY_BODY_BAD;
    }
    *ret_number = (uint64_t)item->valuedouble;
    return 0;
}

int query_body_strings(const struct cJSON *root, const char *key, const struct cJSON **ret_array,
                       size_t *ret_n)
{
    const cJSON *array;
    const cJSON *item;
    size_t n = 0;
    int outcome = find(root, key, &array);
    if (outcome != 0) {
        return outcome;
    }
    if (!cJSON_IsArray(array)) {
        return QUERY_BODY_BAD;
    }
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item)) {
            return QUERY_BODY_BAD;
        }
        n++;
    }
    *ret_array = array;
    *ret_n = n;
    return 0;
}

bool query_body_is_user_id(struct str text)
{
    return text.len >= 1 && text.len <= USER_ID_MAX;
}
