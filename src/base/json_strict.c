/* SPDX-License-Identifier: MIT */
#include "presenced/json_strict.h"

#include "presenced/json_read.h"

#include <cjson/cJSON.h>
#include <stdio.h>

int json_strict_members(const cJSON *object, const char *const *keys, size_t n, const cJSON **ret_values,
                        char ret_problem[static JSON_STRICT_PROBLEM_SIZE])
{
    for (size_t i = 0; i < n; i++) {
        ret_values[i] = NULL;
    }
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        size_t i = 0;
        while (i < n && strcmp(item->string, keys[i]) != 0) {
            i++;
        }
        if (i == n) {
            return json_strict_wrong(ret_problem, "a key is unknown; allowed here: \"%s\", \"%s\", …",
                                     keys[0], keys[1]);
        }
        ret_values[i] = item;
    }
    for (size_t i = 0; i < n; i++) {
        if (ret_values[i] == NULL) {
            return json_strict_wrong(ret_problem, "\"%s\" is missing", keys[i]);
        }
    }
    return 0;
}

int json_strict_u64(const cJSON *member, uint64_t max, uint64_t *ret_number,
                    char ret_problem[static JSON_STRICT_PROBLEM_SIZE])
{
    if (!json_read_u64(member, max, ret_number)) {
        return json_strict_wrong(ret_problem, "\"%s\" is not a whole number from 0 to %llu", member->string,
                                 (unsigned long long)max);
    }
    return 0;
}

int json_strict_text(const cJSON *member, size_t min, size_t max, struct str *ret_text,
                     char ret_problem[static JSON_STRICT_PROBLEM_SIZE])
{
    struct str text;
    if (!json_read_text(member, &text) || text.len < min || text.len > max) {
        return json_strict_wrong(ret_problem, "\"%s\" is not a text of %zu to %zu bytes", member->string, min,
                                 max);
    }
    *ret_text = text;
    return 0;
}
