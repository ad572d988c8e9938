/* SPDX-License-Identifier: MIT */
#include "presenced/json_read.h"

#include <cjson/cJSON.h>
#include <errno.h>

/* Objects with more keys than this are checked by sorting, so that the cost of many keys is not quadratic. */
#define FEW_KEYS 16

/* The first bytes usually differ, which saves the call of strcmp(). */
static bool equal_keys(const char *a, const char *b)
{
    return a[0] == b[0] && strcmp(a, b) == 0;
}

static int check_few_keys(const cJSON *object)
{
    for (const cJSON *a = object->child; a != NULL; a = a->next) {
        for (const cJSON *b = a->next; b != NULL; b = b->next) {
            if (equal_keys(a->string, b->string)) {
                return JSON_READ_DUPLICATE_KEY;
            }
        }
    }
    return 0;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_many_keys(const cJSON *object, size_t n_keys)
{
    size_t n = 0;
    cleanup(cleanup_freep) const char **keys = malloc(n_keys * sizeof(*keys));
    if (keys == NULL) {
        return -ENOMEM;
    }
    for (const cJSON *item = object->child; item != NULL; item = item->next) {
        keys[n++] = item->string;
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(keys[i - 1], keys[i]) == 0) {
            return JSON_READ_DUPLICATE_KEY;
        }
    }
    return 0;
}

/* Recursion is safe because json_check() has limited the depth. Keys are compared after cJSON has decoded
 * them, so "a" and "\u0061" are the same key. */
int json_read_check_keys(const cJSON *tree)
{
    size_t n_children = 0;
    for (const cJSON *item = tree->child; item != NULL; item = item->next) {
        n_children++;
    }
    if (cJSON_IsObject(tree)) {
        int r = n_children <= FEW_KEYS ? check_few_keys(tree) : check_many_keys(tree, n_children);
        if (r != 0) {
            return r;
        }
    }
    for (const cJSON *item = tree->child; item != NULL; item = item->next) {
        int r = item->child == NULL ? 0 : json_read_check_keys(item);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

int json_read(struct str text, cJSON **ret_tree)
{
    int r = json_check(text);
    if (r != 0) {
        return r;
    }
    cleanup(json_read_freep) cJSON *tree = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, 0);
    if (tree == NULL) {
        return -ENOMEM; /* json_check() has accepted it, so cJSON does, too */
    }
    r = json_read_check_keys(tree);
    if (r != 0) {
        return r;
    }
    *ret_tree = take_pointer(tree);
    return 0;
}

void json_read_free(cJSON *tree)
{
    cJSON_Delete(tree);
}

const cJSON *json_read_member(const cJSON *object, const char *key)
{
    const cJSON *item = object->child;
    while (item != NULL && !equal_keys(item->string, key)) {
        item = item->next;
    }
    return cJSON_IsNull(item) ? NULL : item;
}

bool json_read_text(const cJSON *item, struct str *ret_text)
{
    if (!cJSON_IsString(item)) {
        return false;
    }
    *ret_text = str_from(item->valuestring);
    return true;
}

bool json_read_u64(const cJSON *item, uint64_t max, uint64_t *ret_number)
{
    if (!cJSON_IsNumber(item)) {
        return false;
    }
    double value = item->valuedouble;
    if (!(value >= 0 && value <= (double)max) || value != (double)(uint64_t)value) {
        return false;
    }
    *ret_number = (uint64_t)value;
    return true;
}
