/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JSON_H
#define PRESENCED_JSON_H

/* Writes JSON (RFC 8259) into a buf, without a tree: commas and escapes are its work, the nesting the
 * caller's. One thread a writer. */

#include "presenced/str.h"

struct json_writer {
    struct buf *out;
    bool needs_comma;
};

/* A value inside an array: `key` NULL. Keys are constants of ours and are not escaped. */
void json_begin_object(struct json_writer *json, const char *key);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json, const char *key);
void json_end_array(struct json_writer *json);
void json_str(struct json_writer *json, const char *key,
              struct str value); /* escaped; what is not UTF-8 becomes U+FFFD */
void json_u64(struct json_writer *json, const char *key, uint64_t value);
void json_i64(struct json_writer *json, const char *key, int64_t value);
void json_bool(struct json_writer *json, const char *key, bool value);
void json_null(struct json_writer *json, const char *key);

/* The same where the key comes from outside (a platform's name, an app's id): escaped. */
void json_key(struct json_writer *json, struct str key); /* the value follows with key NULL */

#endif
