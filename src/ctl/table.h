/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TABLE_H
#define PRESENCED_CTL_TABLE_H

/* A table for people. Columns are as wide as their widest cell; if they do not fit the terminal, the widest
 * columns are cut. Columns without text are omitted. */

#include "presenced/str.h"

#define TABLE_N_COLUMNS_MAX 12

enum tint {
    TINT_NONE,
    TINT_HEAD,
    TINT_GOOD,
    TINT_MIDDLE,
    TINT_BAD,
};

struct table {
    const char *const *heads; /* borrowed; NULL: no heads */
    size_t n_columns;
    struct table_cell *cells; /* row by row */
    size_t n_cells;
    size_t n_allocated;
    bool failed; /* an allocation has failed */
};

/* `heads` must outlive the table. `n_columns` is at most TABLE_N_COLUMNS_MAX. */
void table_init(struct table *table, const char *const *heads, size_t n_columns);
void table_fini(struct table *table);

/* Adds the next cell of the row, or the first cell of the next row. The text may come from elsewhere: it is
 * made safe to print. */
void table_add(struct table *table, enum tint tint, struct str text);

/* Adds a cell with a number, which is aligned to the right. */
void table_add_number(struct table *table, uint64_t number);

/* Appends the table to `out`. `width` is the width of the terminal in columns; 0: cut nothing. Without
 * `tints`, no escape sequences are written. */
void table_write(const struct table *table, size_t width, bool tints, struct buf *out);

/* Appends a text in a colour. `safe` was made by text_append_safe(). */
void tint_append(struct buf *out, enum tint tint, bool tints, struct str safe);

#endif
