/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TABLE_H
#define PRESENCED_CTL_TABLE_H

/* A table for people: columns as wide as what stands in them, and where that is more than the terminal has,
 * the widest are cut. A column in which nothing stands is left out. */

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
    const char *const *heads; /* NULL: none; outlive the table */
    size_t n_columns;
    struct table_cell *cells; /* row by row */
    size_t n_cells;
    size_t n_allocated;
    bool failed; /* memory is gone */
};

void table_init(struct table *table, const char *const *heads, size_t n_columns);
void table_fini(struct table *table);

/* The next cell of the row, or the first of the next one. The text may be foreign. */
void table_add(struct table *table, enum tint tint, struct str text);

/* The same for a number, which stands at the right of its column. */
void table_add_number(struct table *table, uint64_t number);

/* `width`: columns of the terminal; 0: nothing is cut. Without `tints` no escape sequence is written. */
void table_write(const struct table *table, size_t width, bool tints, struct buf *out);

/* A text in a colour; `safe` as text_append_safe() makes it. */
void tint_append(struct buf *out, enum tint tint, bool tints, struct str safe);

#endif
