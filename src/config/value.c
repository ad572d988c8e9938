/* SPDX-License-Identifier: MIT */
#include "value.h"

#include "presenced/address.h"
#include "presenced/config.h"
#include "presenced/endpoint.h"

#include <errno.h>

struct unit {
    const char *suffix; /* NULL marks the end of a table */
    uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1}, {"K", UINT64_C(1) << 10}, {"M", UINT64_C(1) << 20}, {"G", UINT64_C(1) << 30}, {NULL, 0}};
static const struct unit count_units[] = {{"", 1}, {"K", 1000}, {"M", 1000000}, {"G", 1000000000}, {NULL, 0}};
static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

/* 0 needs no unit, because it is the same in all units. */
static bool parse_quantity(struct str text, const struct unit *units, uint64_t *ret_value)
{
    struct str digits = {text.ptr, 0};
    uint64_t value;
    while (digits.len < text.len && text.ptr[digits.len] >= '0' && text.ptr[digits.len] <= '9') {
        digits.len++;
    }
    struct str suffix = {text.ptr + digits.len, text.len - digits.len};
    if (!str_parse_u64(digits, UINT64_MAX, &value)) {
        return false;
    }
    if (value == 0 && suffix.len == 0) {
        *ret_value = 0;
        return true;
    }
    for (; units->suffix != NULL; units++) {
        if (str_equal(suffix, str_from(units->suffix))) {
            return !__builtin_mul_overflow(value, units->factor, ret_value);
        }
    }
    return false;
}

static const struct unit *units_of(enum option_kind kind)
{
    return kind == OPTION_SIZE ? size_units : kind == OPTION_COUNT ? count_units : duration_units;
}

/* Parses `allowed`, which is LOWEST..HIGHEST. */
static void range_of(const struct option_row *option, uint64_t *ret_lowest, uint64_t *ret_highest)
{
    const struct unit *units = option_is_list(option) ? count_units : units_of(option->kind);
    const char *dots = strstr(option->allowed, "..");
    struct str lowest = {option->allowed, (size_t)(dots - option->allowed)};
    (void)parse_quantity(lowest, units, ret_lowest);
    (void)parse_quantity(str_from(dots + 2), units, ret_highest);
}

static int set_quantity(const struct option_row *option, uint64_t *field, struct str text)
{
    uint64_t lowest = 0;
    uint64_t highest = 0;
    uint64_t value = 0;
    range_of(option, &lowest, &highest);
    if (!parse_quantity(text, units_of(option->kind), &value) || value < lowest || value > highest) {
        return VALUE_REFUSED;
    }
    *field = value;
    return 0;
}

static int set_bool(bool *field, struct str text)
{
    static const char *const words[2][3] = {{"no", "off", "false"}, {"yes", "on", "true"}};
    for (size_t i = 0; i < 6; i++) {
        if (str_equal(text, str_from(words[i / 3][i % 3]))) {
            *field = i / 3 == 1;
            return 0;
        }
    }
    return VALUE_REFUSED;
}

static int set_choice(const struct option_row *option, unsigned *field, struct str text)
{
    struct str rest = str_from(option->allowed);
    struct str word;
    for (unsigned i = 0; str_split(&rest, '|', &word); i++) {
        if (str_equal(str_trim(word), text)) {
            *field = i;
            return 0;
        }
    }
    return VALUE_REFUSED;
}

static int set_text(char **field, struct str text)
{
    char *copy = strndup(text.len == 0 ? "" : text.ptr, text.len);
    if (copy == NULL) {
        return -ENOMEM;
    }
    free(*field);
    *field = copy;
    return 0;
}

static bool is_graphic(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static int set_url_path(char **field, struct str text)
{
    bool good = text.len > 0 && text.ptr[0] == '/' && is_graphic(text) &&
                memchr(text.ptr, '?', text.len) == NULL && memchr(text.ptr, '#', text.len) == NULL;
    return good ? set_text(field, text) : VALUE_REFUSED;
}

static int append_endpoint(struct endpoint_list *list, struct str item)
{
    struct endpoint endpoint;
    if (!endpoint_parse(item, &endpoint)) {
        return VALUE_REFUSED;
    }
    struct endpoint *items = reallocarray(list->items, list->n + 1, sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    items[list->n++] = endpoint;
    list->items = items;
    return 0;
}

static int append_network(struct network_list *list, struct str item)
{
    struct network network;
    if (!network_parse(item, &network)) {
        return VALUE_REFUSED;
    }
    struct network *items = reallocarray(list->items, list->n + 1, sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    items[list->n++] = network;
    list->items = items;
    return 0;
}

static int append_text(struct text_list *list, struct str item)
{
    char **items = reallocarray(list->items, list->n + 1, sizeof(*items));
    if (items == NULL) {
        return -ENOMEM;
    }
    list->items = items;
    items[list->n] = NULL;
    int r = set_text(&items[list->n], item);
    list->n += r == 0;
    return r;
}

bool value_is_token(struct str text)
{
    return text.len > 0 && text.len <= CONFIG_TOKEN_MAX && is_graphic(text);
}

static bool is_host_name(struct str text)
{
    static const char others[] = "-._";
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool alphanumeric = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alphanumeric && memchr(others, c, sizeof(others) - 1) == NULL) {
            return false;
        }
    }
    return true;
}

static int append_item(const struct option_row *option, void *field, struct str item)
{
    switch (option->kind) {
    case OPTION_ENDPOINTS:
        return append_endpoint(field, item);
    case OPTION_NETWORKS:
        return append_network(field, item);
    case OPTION_NAMES:
        return is_host_name(item) ? append_text(field, item) : VALUE_REFUSED;
    case OPTION_SECRETS:
        return value_is_token(item) ? append_text(field, item) : VALUE_REFUSED;
    default:
        return append_text(field, item);
    }
}

static size_t list_length(const struct option_row *option, const void *field)
{
    switch (option->kind) {
    case OPTION_ENDPOINTS:
        return ((const struct endpoint_list *)field)->n;
    case OPTION_NETWORKS:
        return ((const struct network_list *)field)->n;
    default:
        return ((const struct text_list *)field)->n;
    }
}

/* Items are separated by spaces, tabs and commas. The name of a file or a token may contain these, so there
 * is only one per line. */
static bool is_separator(enum option_kind kind, char c)
{
    return kind != OPTION_FILES && kind != OPTION_SECRETS && (c == ' ' || c == '\t' || c == ',');
}

static bool next_item(enum option_kind kind, struct str *text, struct str *ret_item)
{
    while (text->len > 0 && is_separator(kind, text->ptr[0])) {
        text->ptr++;
        text->len--;
    }
    struct str item = {text->ptr, 0};
    while (item.len < text->len && !is_separator(kind, text->ptr[item.len])) {
        item.len++;
    }
    text->ptr += item.len;
    text->len -= item.len;
    *ret_item = item;
    return item.len > 0;
}

static int set_list(const struct option_row *option, void *field, struct str text, struct str *ret_refused)
{
    uint64_t lowest = 0;
    uint64_t highest = 0;
    struct str whole = text;
    struct str item;
    range_of(option, &lowest, &highest);
    while (next_item(option->kind, &text, &item)) {
        int r = list_length(option, field) < highest ? append_item(option, field, item) : VALUE_REFUSED;
        if (r != 0) {
            *ret_refused = item;
            return r;
        }
    }
    *ret_refused = whole;
    return list_length(option, field) < lowest ? VALUE_REFUSED : 0;
}

int value_set(const struct option_row *option, void *field, struct str text, struct str *ret_refused)
{
    *ret_refused = text;
    switch (option->kind) {
    case OPTION_BOOL:
        return set_bool(field, text);
    case OPTION_CHOICE:
        return set_choice(option, field, text);
    case OPTION_SIZE:
    case OPTION_DURATION:
    case OPTION_COUNT:
        return set_quantity(option, field, text);
    case OPTION_TEXT:
    case OPTION_FILE:
        return set_text(field, text);
    case OPTION_URL_PATH:
        return set_url_path(field, text);
    default:
        return set_list(option, field, text, ret_refused);
    }
}

static void free_text(const struct option_row *option, char *text)
{
    if (option->kind == OPTION_SECRETS) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

void value_fini(const struct option_row *option, void *field)
{
    struct text_list *texts = field;
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_FILE:
    case OPTION_URL_PATH:
        free(*(char **)field);
        *(char **)field = NULL;
        break;
    case OPTION_ENDPOINTS:
        free(((struct endpoint_list *)field)->items);
        *(struct endpoint_list *)field = (struct endpoint_list){0};
        break;
    case OPTION_NETWORKS:
        free(((struct network_list *)field)->items);
        *(struct network_list *)field = (struct network_list){0};
        break;
    case OPTION_NAMES:
    case OPTION_FILES:
    case OPTION_SECRETS:
        for (size_t i = 0; i < texts->n; i++) {
            free_text(option, texts->items[i]);
        }
        free(texts->items);
        *texts = (struct text_list){0};
        break;
    default:
        break;
    }
}
