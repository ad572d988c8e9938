/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_H
#define PRESENCED_JSON_H

/* Writes JSON (RFC 8259) into a buf without building a tree. The writer inserts commas and escapes; the
 * caller is responsible for correct nesting. A writer is used by one thread at a time. */

#include "presenced/str.h"

struct json_writer {
    struct buf *out;
    bool needs_comma;
};

/* `key` is NULL for a value inside an array. Keys are constants of the program and are not escaped. */
void json_begin_object(struct json_writer *json, const char *key);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json, const char *key);
void json_end_array(struct json_writer *json);
void json_str(struct json_writer *json, const char *key,
              struct str value); /* escaped; bytes that are not UTF-8 become U+FFFD */
void json_u64(struct json_writer *json, const char *key, uint64_t value);
void json_i64(struct json_writer *json, const char *key, int64_t value);
void json_bool(struct json_writer *json, const char *key, bool value);
void json_null(struct json_writer *json, const char *key);

/* Writes a key that comes from outside (a platform name, an app id), escaped. */
void json_key(struct json_writer *json,
              struct str key); /* call the function for the value next, with key NULL */

#endif
