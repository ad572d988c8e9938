/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOG_LINE_H
#define PRESENCED_LOG_LINE_H

/* One line of the log as text or JSON; log.c writes it. Any thread. */

#include "presenced/log.h"
#include "presenced/siphash.h"

enum log_line_style {
    LOG_LINE_TEXT,         /* begins with the time */
    LOG_LINE_JOURNAL,      /* text; begins with the priority, as the journal stamps lines by itself */
    LOG_LINE_JSON,         /* an object a line */
    LOG_LINE_JOURNAL_JSON, /* the same behind the priority, which the journal takes away */
};

struct log_line_format {
    enum log_line_style style;
    const struct siphash_key *user_key; /* NULL: users' ids as they are */
};

/* Appends the line with its newline, the only one it has. */
void log_line_append(struct buf *out, const struct log_line_format *format, uint64_t unix_ms,
                     enum log_level level, const char *message, const struct log_field *fields,
                     size_t n_fields);

#endif
