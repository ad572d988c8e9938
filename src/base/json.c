/* SPDX-License-Identifier: MIT */
#include "presenced/json.h"
#include "presenced/utf8.h"

#include "escape.h"

static void append_string(struct buf *out, struct str text)
{
    buf_append_char(out, '"');
    escape_append(out, text, ESCAPE_JSON);
    buf_append_char(out, '"');
}

static void begin_value(struct json_writer *json, const char *key)
{
    if (json->needs_comma) {
        buf_append_char(json->out, ',');
    }
    if (key != NULL) {
        buf_append_char(json->out, '"');
        buf_append(json->out, str_from(key));
        buf_append(json->out, STR("\":"));
    }
    json->needs_comma = true;
}

static void begin_nested(struct json_writer *json, const char *key, char bracket)
{
    begin_value(json, key);
    buf_append_char(json->out, bracket);
    json->needs_comma = false;
}

static void end_nested(struct json_writer *json, char bracket)
{
    buf_append_char(json->out, bracket);
    json->needs_comma = true;
}

void json_begin_object(struct json_writer *json, const char *key)
{
    begin_nested(json, key, '{');
}

void json_end_object(struct json_writer *json)
{
    end_nested(json, '}');
}

void json_begin_array(struct json_writer *json, const char *key)
{
    begin_nested(json, key, '[');
}

void json_end_array(struct json_writer *json)
{
    end_nested(json, ']');
}

void json_str(struct json_writer *json, const char *key, struct str value)
{
    begin_value(json, key);
    append_string(json->out, value);
}

void json_u64(struct json_writer *json, const char *key, uint64_t value)
{
    begin_value(json, key);
    buf_append_u64(json->out, value);
}

void json_i64(struct json_writer *json, const char *key, int64_t value)
{
    begin_value(json, key);
    buf_append_i64(json->out, value);
}

void json_bool(struct json_writer *json, const char *key, bool value)
{
    begin_value(json, key);
    buf_append(json->out, value ? STR("true") : STR("false"));
}

void json_null(struct json_writer *json, const char *key)
{
    begin_value(json, key);
    buf_append(json->out, STR("null"));
}

void json_key(struct json_writer *json, struct str key)
{
    begin_value(json, NULL);
    append_string(json->out, key);
    buf_append_char(json->out, ':');
    json->needs_comma = false;
}
