/* SPDX-License-Identifier: MIT */

/* The formats of a line:
 *
 *  2026-01-31T08:00:00.123Z level=info msg="listening" address=192.0.2.1:8443
 *  <6>level=info msg="listening" address=192.0.2.1:8443
 *  {"time":"2026-01-31T08:00:00.123Z","level":"info","msg":"listening","address":"192.0.2.1:8443"}
 *
 * In text, a value is quoted if it is empty or contains a space, '"', '=', '\' or a character that must be
 * escaped. */

#include "log_line.h"

#include "escape.h"
#include "presenced/json.h"
#include "presenced/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define VALUE_MAX 256 /* bytes of a value from outside that are shown */

#define TIME_TEXT_SIZE 40

static const struct {
    const char *name;
    char journal_priority; /* priority prefix of sd-daemon(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", '3'},   [LOG_LEVEL_WARNING] = {"warning", '4'},
    [LOG_LEVEL_NOTICE] = {"notice", '5'}, [LOG_LEVEL_INFO] = {"info", '6'},
    [LOG_LEVEL_DEBUG] = {"debug", '7'},
};

/* Formats a time as ISO 8601 in UTC. */
static void format_time(uint64_t unix_ms, char ret_text[static TIME_TEXT_SIZE])
{
    time_t unix_s = (time_t)(unix_ms / 1000);
    struct tm tm = {0};
    char seconds[24];
    (void)gmtime_r(&unix_s, &tm);
    size_t len = strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
    (void)snprintf(ret_text, TIME_TEXT_SIZE, "%.*s.%03uZ", (int)len, seconds, (unsigned)(unix_ms % 1000));
}

/* Cuts a long value at a character boundary. */
static struct str shorten(struct str value)
{
    if (value.len <= VALUE_MAX) {
        return value;
    }
    size_t len = VALUE_MAX;
    while (len > VALUE_MAX - 3 && (value.ptr[len] & 0xc0) == 0x80) {
        len--;
    }
    return (struct str){value.ptr, len};
}

static bool needs_quotes(struct str value)
{
    while (value.len > 0) {
        uint32_t code_point;
        size_t n = utf8_decode(value, &code_point);
        if (n == 0 || utf8_is_unsafe(code_point) || strchr(" \"=\\", value.ptr[0]) != NULL) {
            return true;
        }
        value.ptr += n;
        value.len -= n;
    }
    return false;
}

static void append_quoted(struct buf *out, struct str value, bool is_cut)
{
    buf_append_char(out, '"');
    escape_append(out, value, ESCAPE_LOG);
    buf_append(out, is_cut ? STR("...\"") : STR("\""));
}

static void append_text_value(struct buf *out, struct str value)
{
    struct str shown = shorten(value);
    if (value.len == 0 || shown.len < value.len || needs_quotes(shown)) {
        append_quoted(out, shown, shown.len < value.len);
    } else {
        buf_append(out, shown);
    }
}

static struct str describe_user(struct str id, const struct siphash_key *key,
                                char scratch[static ADDRESS_TEXT_SIZE])
{
    if (key == NULL) {
        return id;
    }
    (void)snprintf(scratch, ADDRESS_TEXT_SIZE, "%016" PRIx64, siphash(key, (const uint8_t *)id.ptr, id.len));
    return str_from(scratch);
}

static struct str describe_error(int error, char scratch[static ADDRESS_TEXT_SIZE])
{
    error = error < 0 ? -error : error;
    const char *text = strerrordesc_np(error);
    if (text == NULL) {
        (void)snprintf(scratch, ADDRESS_TEXT_SIZE, "error %d", error);
        text = scratch;
    }
    return str_from(text);
}

/* Returns the text of a field that is not a number: its own, a constant, or written to `scratch`. */
static struct str describe(const struct log_field *field, const struct log_line_format *format,
                           char scratch[static ADDRESS_TEXT_SIZE])
{
    switch (field->kind) {
    case LOG_FIELD_USER:
        return describe_user(field->value.str, format->user_key, scratch);
    case LOG_FIELD_ADDRESS:
        return (struct str){scratch, address_format(field->value.address, scratch)};
    case LOG_FIELD_ERRNO:
        return describe_error(field->value.error, scratch);
    default:
        return field->value.str;
    }
}

static void append_text_field(struct buf *out, const struct log_field *field,
                              const struct log_line_format *format)
{
    char scratch[ADDRESS_TEXT_SIZE];
    buf_append_char(out, ' ');
    buf_append(out, str_from(field->name));
    buf_append_char(out, '=');
    switch (field->kind) {
    case LOG_FIELD_U64:
        buf_append_u64(out, field->value.u64);
        break;
    case LOG_FIELD_I64:
        buf_append_i64(out, field->value.i64);
        break;
    case LOG_FIELD_STR:
    case LOG_FIELD_USER:
    case LOG_FIELD_ADDRESS:
    case LOG_FIELD_ERRNO:
        append_text_value(out, describe(field, format, scratch));
        break;
    }
}

static void append_json_field(struct json_writer *json, const struct log_field *field,
                              const struct log_line_format *format)
{
    char scratch[ADDRESS_TEXT_SIZE];
    char cut[VALUE_MAX + 3];
    struct str text;
    struct str shown;
    switch (field->kind) {
    case LOG_FIELD_U64:
        json_u64(json, field->name, field->value.u64);
        break;
    case LOG_FIELD_I64:
        json_i64(json, field->name, field->value.i64);
        break;
    case LOG_FIELD_STR:
    case LOG_FIELD_USER:
    case LOG_FIELD_ADDRESS:
    case LOG_FIELD_ERRNO:
        text = describe(field, format, scratch);
        shown = shorten(text);
        if (shown.len < text.len) {
            memcpy(cut, shown.ptr, shown.len);
            memset(cut + shown.len, '.', 3);
            shown = (struct str){cut, shown.len + 3};
        }
        json_str(json, field->name, shown);
        break;
    }
}

static void append_json(struct buf *out, const struct log_line_format *format, const char *time,
                        enum log_level level, const char *message, const struct log_field *fields,
                        size_t n_fields)
{
    struct json_writer json = {.out = out};
    json_begin_object(&json, NULL);
    json_str(&json, "time", str_from(time));
    json_str(&json, "level", str_from(levels[level].name));
    json_str(&json, "msg", str_from(message));
    for (size_t i = 0; i < n_fields; i++) {
        append_json_field(&json, &fields[i], format);
    }
    json_end_object(&json);
}

void log_line_append(struct buf *out, const struct log_line_format *format, uint64_t unix_ms,
                     enum log_level level, const char *message, const struct log_field *fields,
                     size_t n_fields)
{
    char time[TIME_TEXT_SIZE];
    format_time(unix_ms, time);
    if (format->style == LOG_LINE_JOURNAL || format->style == LOG_LINE_JOURNAL_JSON) {
        buf_appendf(out, "<%c>", levels[level].journal_priority);
    }
    if (format->style == LOG_LINE_JSON || format->style == LOG_LINE_JOURNAL_JSON) {
        append_json(out, format, time, level, message, fields, n_fields);
        buf_append_char(out, '\n');
        return;
    }
    if (format->style == LOG_LINE_TEXT) {
        buf_appendf(out, "%s ", time);
    }
    buf_appendf(out, "level=%s msg=", levels[level].name);
    append_quoted(out, str_from(message), false);
    for (size_t i = 0; i < n_fields; i++) {
        append_text_field(out, &fields[i], format);
    }
    buf_append_char(out, '\n');
}
