/* SPDX-License-Identifier: MIT */
#include "when.h"

#include "presenced/array.h"

#include <time.h>

static const struct unit {
    const char *shown;
    const char *given;
    uint64_t ms;
} units[] = {
    {"d", "d", 86400000}, {"h", "h", 3600000}, {"min", "m", 60000}, {"s", "s", 1000}, {"ms", "ms", 1},
};

void when_append_span(struct buf *out, uint64_t ms)
{
    size_t i = 0;
    while (i < N_ELEMENTS(units) - 1 && ms < 2 * units[i].ms) {
        i++;
    }
    buf_appendf(out, "%lu %s", (unsigned long)(ms / units[i].ms), units[i].shown);
}

void when_append_ago(struct buf *out, uint64_t unix_ms, uint64_t now_ms)
{
    if (unix_ms <= now_ms && now_ms - unix_ms < 1000) {
        buf_append(out, STR("now"));
    } else if (unix_ms <= now_ms) {
        when_append_span(out, now_ms - unix_ms);
        buf_append(out, STR(" ago"));
    } else {
        buf_append(out, STR("in "));
        when_append_span(out, unix_ms - now_ms);
    }
}

void when_append(struct buf *out, uint64_t unix_ms, uint64_t now_ms, bool for_people)
{
    char text[64];
    struct tm parts;
    time_t seconds = (time_t)(unix_ms / 1000);
    if ((for_people ? localtime_r(&seconds, &parts) : gmtime_r(&seconds, &parts)) == NULL) {
        buf_append_u64(out, unix_ms); /* the year does not fit struct tm */
        return;
    }
    size_t n = strftime(text, sizeof(text), for_people ? "%Y-%m-%d %H:%M:%S (" : "%Y-%m-%dT%H:%M:%S", &parts);
    buf_append(out, (struct str){text, n});
    if (for_people) {
        when_append_ago(out, unix_ms, now_ms);
        buf_append_char(out, ')');
    } else {
        buf_appendf(out, ".%03uZ", (unsigned)(unix_ms % 1000));
    }
}

void when_append_short(struct buf *out, uint64_t unix_ms, uint64_t now_ms)
{
    char text[64];
    struct tm parts;
    struct tm today;
    time_t seconds = (time_t)(unix_ms / 1000);
    time_t now = (time_t)(now_ms / 1000);
    if (localtime_r(&seconds, &parts) == NULL || localtime_r(&now, &today) == NULL) {
        buf_append_u64(out, unix_ms);
        return;
    }
    bool is_today = parts.tm_year == today.tm_year && parts.tm_yday == today.tm_yday;
    size_t n = strftime(text, sizeof(text), is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M:%S", &parts);
    buf_append(out, (struct str){text, n});
}

/* Splits a text into the number at its beginning and the rest. */
static bool parse_number(struct str text, uint64_t *ret_number, struct str *ret_unit)
{
    struct str digits = {text.ptr, 0};
    while (digits.len < text.len && text.ptr[digits.len] >= '0' && text.ptr[digits.len] <= '9') {
        digits.len++;
    }
    *ret_unit = (struct str){text.ptr + digits.len, text.len - digits.len};
    return str_parse_u64(digits, UINT64_MAX / 86400000, ret_number);
}

bool when_parse_span(struct str text, uint64_t *ret_ms)
{
    uint64_t number;
    struct str unit;
    if (!parse_number(text, &number, &unit)) {
        return false;
    }
    for (size_t i = 0; i < N_ELEMENTS(units); i++) {
        if (str_equal(unit, str_from(units[i].given))) {
            *ret_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

bool when_parse(struct str text, uint64_t now_ms, uint64_t *ret_unix_ms)
{
    uint64_t span_ms;
    if (when_parse_span(text, &span_ms)) {
        *ret_unix_ms = span_ms < now_ms ? now_ms - span_ms : 0;
        return true;
    }
    return str_parse_u64(text, (UINT64_C(1) << 53) - 1, ret_unix_ms);
}
