/* SPDX-License-Identifier: MIT */
#include "line.h"

#include "presenced/json_read.h"
#include "presenced/portable_user.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>

#define NUMBER_MAX EVENT_TIME_MAX_MS /* largest integer that a JSON number carries exactly */

/* Parses an object that has exactly two numbers. */
static int parse_two_numbers(const cJSON *tree, const char *const keys[static 2], uint64_t *ret_first,
                             uint64_t *ret_second, char ret_problem[static LINE_PROBLEM_SIZE])
{
    const cJSON *values[2];
    int r = json_strict_members(tree, keys, 2, values, ret_problem);
    if (r != 0) {
        return r;
    }
    r = json_strict_u64(values[0], NUMBER_MAX, ret_first, ret_problem);
    return r != 0 ? r : json_strict_u64(values[1], NUMBER_MAX, ret_second, ret_problem);
}

static int parse_header(const cJSON *tree, uint64_t *ret_version, char ret_problem[static LINE_PROBLEM_SIZE])
{
    static const char *const keys[] = {"format", "version"};
    const cJSON *values[2];
    struct str format;
    int r = json_strict_members(tree, keys, 2, values, ret_problem);
    if (r != 0) {
        return r;
    }
    if (!json_read_text(values[0], &format) || !str_equal(format, STR("presenced"))) {
        return json_strict_wrong(ret_problem, "\"format\" is not \"presenced\"");
    }
    r = json_strict_u64(values[1], NUMBER_MAX, ret_version, ret_problem);
    if (r != 0) {
        return r;
    }
    if (*ret_version == 0 || *ret_version > LINE_FORMAT_VERSION) {
        return json_strict_wrong(ret_problem,
                                 "version %llu of the format, this presenced reads up to version %d",
                                 (unsigned long long)*ret_version, LINE_FORMAT_VERSION);
    }
    return 0;
}

static bool has_key(const cJSON *tree, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(tree, key) != NULL;
}

static int parse_tree(const cJSON *tree, struct platform_names *names, struct line *line,
                      char ret_problem[static LINE_PROBLEM_SIZE])
{
    static const char *const app_keys[] = {"app", "forgotten_before"};
    static const char *const end_keys[] = {"apps", "users"};
    if (!cJSON_IsObject(tree)) {
        return json_strict_wrong(ret_problem, "not an object");
    }
    if (has_key(tree, "format")) {
        line->kind = LINE_HEADER;
        return parse_header(tree, &line->version, ret_problem);
    }
    if (has_key(tree, "forgotten_before")) {
        line->kind = LINE_APP;
        return parse_two_numbers(tree, app_keys, &line->app_id, &line->forgotten_before_ms, ret_problem);
    }
    if (has_key(tree, "users")) {
        line->kind = LINE_END;
        return parse_two_numbers(tree, end_keys, &line->n_apps, &line->n_users, ret_problem);
    }
    line->kind = LINE_USER;
    return portable_read_user(tree, names, &line->app_id, &line->user, ret_problem);
}

static const char *describe_outcome(int outcome)
{
    static const char *const texts[] = {
#define AS_TEXT(id, name, text) [JSON_CHECK_##id] = "malformed JSON: " name,
        JSON_CHECK_OUTCOMES(AS_TEXT)
#undef AS_TEXT
            [JSON_READ_DUPLICATE_KEY] = "a key comes twice",
    };
    return texts[outcome];
}

int line_parse(struct str text, struct platform_names *names, struct line *ret_line,
               char ret_problem[static LINE_PROBLEM_SIZE])
{
    cleanup(json_read_freep) cJSON *tree = NULL;
    int r = json_read(text, &tree);
    if (r < 0) {
        return r;
    }
    if (r > 0) {
        return json_strict_wrong(ret_problem, "%s", describe_outcome(r));
    }
    memset(ret_line, 0, sizeof(*ret_line));
    return parse_tree(tree, names, ret_line, ret_problem);
}
