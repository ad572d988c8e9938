/* SPDX-License-Identifier: MIT */
#include "presenced/config.h"

#include "problems.h"

static bool endpoints_equal(const struct endpoint_list *a, const struct endpoint_list *b)
{
    bool equal = a->n == b->n;
    for (size_t i = 0; equal && i < a->n; i++) {
        char texts[2][ENDPOINT_TEXT_SIZE];
        endpoint_format(&a->items[i], texts[0]);
        endpoint_format(&b->items[i], texts[1]);
        equal = strcmp(texts[0], texts[1]) == 0;
    }
    return equal;
}

/* Compares the kinds of options that may require a restart. */
static bool fields_equal(const struct option_row *option, const void *a, const void *b)
{
    switch (option->kind) {
    case OPTION_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case OPTION_CHOICE:
        return *(const unsigned *)a == *(const unsigned *)b;
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_COUNT:
        return *(const uint64_t *)a == *(const uint64_t *)b;
    case OPTION_ENDPOINTS:
        return endpoints_equal(a, b);
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_URL_PATH:
        return strcmp(*(char *const *)a, *(char *const *)b) == 0;
    case OPTION_NETWORKS:
    case OPTION_NAMES:
    case OPTION_FILES:
    case OPTION_SECRETS:
        break;
    }
    return true;
}

static void check_section(const struct option_section *section, const struct config *running,
                          const struct config *next, struct problems *problems)
{
    const char *before = (const char *)running + section->offset;
    const char *after = (const char *)next + section->offset;
    for (size_t i = 0; i < section->n_options; i++) {
        const struct option_row *option = &section->options[i];
        bool fixed = (option->flags & OPTION_RESTART) != 0;
        if (fixed && !fields_equal(option, before + option->offset, after + option->offset)) {
            const struct config_lines *lines = (const struct config_lines *)(const void *)after;
            problems_add(problems, config_line(lines, section->name, option->key),
                         "[%s] %s: cannot change while presenced runs: restart it", section->name,
                         option->key);
        }
    }
}

int config_check_reload(const struct config *running, const struct config *next, struct buf *errors)
{
    struct problems problems = {.files = &next->files, .out = errors};
    for (size_t i = 0; i < option_n_sections; i++) {
        if (&option_sections[i] != option_app_section) {
            check_section(&option_sections[i], running, next, &problems);
        }
    }
    if ((running->status.certificate[0] == '\0') != (next->status.certificate[0] == '\0')) {
        problems_add(
            &problems, config_line(&next->status.lines, "status", "certificate"),
            "[status] certificate: HTTPS cannot be turned on or off while presenced runs: restart it");
    }
    return problems_result(&problems);
}
