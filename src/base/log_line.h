/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOG_LINE_H
#define PRESENCED_LOG_LINE_H

/* Formats one log line as text or JSON for log.c. Any thread may call this. */

#include "presenced/log.h"
#include "presenced/siphash.h"

enum log_line_style {
    LOG_LINE_TEXT,         /* text that begins with the time */
    LOG_LINE_JOURNAL,      /* text that begins with the priority; the journal adds the time itself */
    LOG_LINE_JSON,         /* one JSON object per line */
    LOG_LINE_JOURNAL_JSON, /* one JSON object after the priority, which the journal strips */
};

struct log_line_format {
    enum log_line_style style;
    const struct siphash_key *user_key; /* NULL: user ids are shown unhashed */
};

/* Appends the line with its newline, which is the only newline in it. */
void log_line_append(struct buf *out, const struct log_line_format *format, uint64_t unix_ms,
                     enum log_level level, const char *message, const struct log_field *fields,
                     size_t n_fields);

#endif
