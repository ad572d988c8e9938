/* SPDX-License-Identifier: MIT */
#include "presenced/vendor_platform.h"

#include "presenced/array.h"

static const struct {
    struct str name;
    struct str query_name;
} platforms[] = {
    {{"iOS", 3}, {"iPhone", 6}}, {{"Android", 7}, {"Android", 7}}, {{"Web", 3}, {"Web", 3}},
    {{"Windows", 7}, {"PC", 2}}, {{"iPad", 4}, {"iPad", 4}},       {{"Mac", 3}, {"Mac", 3}},
};

struct str vendor_platform_to_query(struct str name)
{
    for (size_t i = 0; i < N_ELEMENTS(platforms); i++) {
        if (str_equal_fold(name, platforms[i].name)) {
            return platforms[i].query_name;
        }
    }
    return name;
}

struct str vendor_platform_from_query(struct str query_name)
{
    for (size_t i = 0; i < N_ELEMENTS(platforms); i++) {
        if (str_equal_fold(query_name, platforms[i].query_name)) {
            return platforms[i].name;
        }
    }
    return query_name;
}

bool vendor_platform_is_in_query(struct str name)
{
    for (size_t i = 0; i < N_ELEMENTS(platforms); i++) {
        if (str_equal_fold(name, platforms[i].name)) {
            return true;
        }
    }
    return false;
}
