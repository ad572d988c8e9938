/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOG_H
#define PRESENCED_LOG_H

/* The process's log: lines of fields on stderr, as text or JSON. Any thread may write.
 *
 * A caller formats its line and copies it into a bounded ring buffer; a thread of the log writes the ring to
 * stderr, so that a stalled stderr never delays a request. Lines that do not fit in the ring are dropped and
 * counted, and the count is logged as soon as there is room again. Before log_start() and after log_stop(),
 * the caller writes its line itself and waits up to a second for a stalled stderr. */

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
    enum log_level level; /* less severe lines are not written */
    bool json;
    bool hash_users; /* user ids are replaced by a keyed hash: 16 hex digits, the same for the same user */
};

/* Sets the configuration. May be called at any time, by one thread at a time. The hash key is random, kept
 * only in memory, and lost when the process ends. */
void log_configure(const struct log_config *config);

/* Returns whether a line of this level would be written: for callers whose fields are expensive to compute.
 */
bool log_takes(enum log_level level);

/* Starts the writer thread. Returns 0 or -errno. */
int log_start(void);

/* Writes the remaining lines and stops the writer thread. */
void log_stop(void);

/* Returns the number of lines dropped since the process started. */
uint64_t log_n_dropped(void);

void log_metrics(const struct metric_visitor *visitor);

struct log_field {
    const char *name; /* constant of the program, printed unescaped */
    enum {
        LOG_FIELD_STR,
        LOG_FIELD_USER,
        LOG_FIELD_U64,
        LOG_FIELD_I64,
        LOG_FIELD_ADDRESS,
        LOG_FIELD_ERRNO
    } kind;
    union {
        struct str str; /* may come from outside: escaped and cut at 256 bytes */
        uint64_t u64;
        int64_t i64;
        const struct address *address;
        int error; /* errno or -errno, printed as its text */
    } value;
};

#define log_text(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_STR, .value.str = str_from(v)})
#define log_str(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_STR, .value.str = (v)})
/* A user id, or its hash. User ids must not be logged as any other kind of field. */
#define log_user(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_USER, .value.str = (v)})
#define log_u64(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_U64, .value.u64 = (v)})
#define log_i64(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_I64, .value.i64 = (v)})
#define log_address(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_ADDRESS, .value.address = (v)})
#define log_errno(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_ERRNO, .value.error = (v)})

/* Writes a line. `message` is a short constant text of the program. The fields are borrowed for the call. */
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

/* A rate limit for one kind of line that a remote peer can cause. Initialise everything but `per_second` and
 * `burst` with zero. Any thread may use it. */
struct log_limit {
    unsigned per_second;
    unsigned burst;
    _Atomic uint64_t state;
    _Atomic uint64_t n_suppressed;
};

/* Returns whether a line of this kind may be written now. If so, `*ret_n_suppressed` is the number of lines
 * suppressed since the last one that was written. */
bool log_limit_pass(struct log_limit *limit, uint64_t *ret_n_suppressed);

/* As log_limit_pass(), with the current time (clock_monotonic_ms()) passed by the caller. */
bool log_limit_pass_at(struct log_limit *limit, uint64_t now_ms, uint64_t *ret_n_suppressed);

#endif
