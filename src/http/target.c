/* SPDX-License-Identifier: MIT */
#include "target.h"

#include "presenced/array.h"

/* Returns the length of "http://" or "https://" at the beginning, in any case; 0 if there is neither. */
static size_t scheme_length(struct str target)
{
    static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};
    for (size_t i = 0; i < N_ELEMENTS(schemes); i++) {
        size_t len = schemes[i].len;
        if (target.len >= len && str_equal_fold((struct str){target.ptr, len}, schemes[i])) {
            return len;
        }
    }
    return 0;
}

void target_split(struct str target, struct str *ret_path, struct str *ret_query)
{
    struct str query = target;
    struct str path = {NULL, 0}; /* stays NULL if no target was read, as for an unknown HTTP version */
    size_t scheme = scheme_length(target);
    (void)str_split(&query, '?', &path);
    if (scheme > 0) {
        struct str authority = {path.ptr + scheme, path.len < scheme ? 0 : path.len - scheme};
        const char *slash = authority.len == 0 ? NULL : memchr(authority.ptr, '/', authority.len);
        path = slash == NULL ? STR("/") : (struct str){slash, path.len - (size_t)(slash - path.ptr)};
    }
    *ret_path = path;
    *ret_query = query;
}
