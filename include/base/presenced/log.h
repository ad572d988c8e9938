/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOG_H
#define PRESENCED_LOG_H

/* The process's log: lines of fields on stderr, as text or JSON.
 * Any thread may write. A writer formats its line and leaves it in a bounded ring; a thread of the log's own
 * writes it out, so a stalled stderr never stalls a request: lines that find the ring full are dropped and
 * counted, and the count is logged when there is room again. Before log_start() and after log_stop() lines
 * are written at once by their caller, who waits a second for a stalled stderr. */

#include "presenced/address.h"
#include "presenced/metric.h"
#include "presenced/str.h"

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

struct log_config {
    enum log_level level; /* lines above it are left out */
    bool json;
    bool hash_users; /* what log_user() shows is a keyed hash, 16 hex digits, the same for the same user */
};

/* Changes all that; at any time, from one thread. The key of the hash is the process's own: nobody knows it,
 * and when the process has ended nobody ever will. */
void log_configure(const struct log_config *config);

/* Whether a line of this level would be written: for callers who have to look for what it says. */
bool log_takes(enum log_level level);

/* Starts the writing thread. 0, or -errno. */
int log_start(void);

/* Writes out what is left and ends the thread. */
void log_stop(void);

/* Lines dropped since the start. */
uint64_t log_n_dropped(void);

void log_metrics(const struct metric_visitor *visitor);

struct log_field {
    const char *name; /* of ours: printed as it is */
    enum {
        LOG_FIELD_STR,
        LOG_FIELD_USER,
        LOG_FIELD_U64,
        LOG_FIELD_I64,
        LOG_FIELD_ADDRESS,
        LOG_FIELD_ERRNO
    } kind;
    union {
        struct str str; /* may be foreign: escaped, cut at 256 bytes */
        uint64_t u64;
        int64_t i64;
        const struct address *address;
        int error; /* errno or -errno, printed as its text */
    } value;
};

#define log_text(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_STR, .value.str = str_from(v)})
#define log_str(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_STR, .value.str = (v)})
/* A user's id, or its hash: in no line does one stand as another kind of field. */
#define log_user(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_USER, .value.str = (v)})
#define log_u64(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_U64, .value.u64 = (v)})
#define log_i64(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_I64, .value.i64 = (v)})
#define log_address(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_ADDRESS, .value.address = (v)})
#define log_errno(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_ERRNO, .value.error = (v)})

/* `message` is a short constant text of ours. */
void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n_fields);

#define log_at(level, message, ...)                                                                          \
    log_write((level), (message), (const struct log_field[]){{.name = NULL}, ##__VA_ARGS__} + 1,             \
              sizeof((const struct log_field[]){{.name = NULL}, ##__VA_ARGS__}) / sizeof(struct log_field) - \
                  1)
#define log_error(message, ...) log_at(LOG_LEVEL_ERROR, message, ##__VA_ARGS__)
#define log_warning(message, ...) log_at(LOG_LEVEL_WARNING, message, ##__VA_ARGS__)
#define log_notice(message, ...) log_at(LOG_LEVEL_NOTICE, message, ##__VA_ARGS__)
#define log_info(message, ...) log_at(LOG_LEVEL_INFO, message, ##__VA_ARGS__)
#define log_debug(message, ...) log_at(LOG_LEVEL_DEBUG, message, ##__VA_ARGS__)

/* A bound on lines of one kind that a caller from outside can cause. All zero but `per_second` and `burst`;
 * shared by threads. */
struct log_limit {
    unsigned per_second;
    unsigned burst;
    _Atomic uint64_t state;
    _Atomic uint64_t n_suppressed;
};

/* Whether a line of this kind may be written now; `*ret_n_suppressed` says how many were not since the last
 * that was, for the line to tell. */
bool log_limit_pass(struct log_limit *limit, uint64_t *ret_n_suppressed);

/* The same at a time of the caller's (clock_monotonic_ms()). */
bool log_limit_pass_at(struct log_limit *limit, uint64_t now_ms, uint64_t *ret_n_suppressed);

#endif
