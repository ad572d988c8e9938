/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "text.h"

#define GAP 2
#define NARROWEST 8 /* columns are not made narrower than this */

struct table_cell {
    struct buf text; /* made by text_append_safe() */
    size_t width;
    enum tint tint;
    bool is_number;
};

void table_init(struct table *table, const char *const *heads, size_t n_columns)
{
    *table = (struct table){.heads = heads, .n_columns = n_columns};
}

void table_fini(struct table *table)
{
    for (size_t i = 0; i < table->n_cells; i++) {
        buf_fini(&table->cells[i].text);
    }
    free(table->cells);
    *table = (struct table){0};
}

static bool grow(struct table *table)
{
    size_t n = table->n_allocated == 0 ? 64 : 2 * table->n_allocated;
    if (table->n_cells < table->n_allocated) {
        return true;
    }
    struct table_cell *cells = reallocarray(table->cells, n, sizeof(*cells));
    if (cells == NULL) {
        return false;
    }
    table->cells = cells;
    table->n_allocated = n;
    return true;
}

static void add(struct table *table, enum tint tint, bool is_number, struct str text)
{
    struct table_cell cell = {.tint = tint, .is_number = is_number};
    text_append_safe(&cell.text, text);
    if (cell.text.failed || !grow(table)) {
        buf_fini(&cell.text);
        table->failed = true;
        return;
    }
    cell.width = text_width(buf_str(&cell.text));
    table->cells[table->n_cells++] = cell;
}

void table_add(struct table *table, enum tint tint, struct str text)
{
    add(table, tint, false, text);
}

void table_add_number(struct table *table, uint64_t number)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append_u64(&text, number);
    add(table, TINT_NONE, true, buf_str(&text));
}

/* Measures the width of each column; 0 if all its cells are empty. */
static void measure(const struct table *table, size_t *ret_widths)
{
    for (size_t column = 0; column < table->n_columns; column++) {
        size_t *width = &ret_widths[column];
        *width = 0;
        for (size_t i = column; i < table->n_cells; i += table->n_columns) {
            *width = table->cells[i].width > *width ? table->cells[i].width : *width;
        }
    }
    for (size_t column = 0; table->heads != NULL && column < table->n_columns; column++) {
        size_t head = strlen(table->heads[column]);
        if (ret_widths[column] > 0 && ret_widths[column] < head) {
            ret_widths[column] = head;
        }
    }
}

static size_t sum(const size_t *widths, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += widths[i] == 0 ? 0 : widths[i] + GAP;
    }
    return total == 0 ? 0 : total - GAP;
}

static void squeeze(size_t *widths, size_t n, size_t width)
{
    while (sum(widths, n) > width) {
        size_t widest = 0;
        for (size_t i = 1; i < n; i++) {
            widest = widths[i] > widths[widest] ? i : widest;
        }
        if (widths[widest] <= NARROWEST) {
            return;
        }
        widths[widest]--;
    }
}

void tint_append(struct buf *out, enum tint tint, bool tints, struct str safe)
{
    static const char *const codes[] = {
        [TINT_HEAD] = "1", [TINT_GOOD] = "32", [TINT_MIDDLE] = "33", [TINT_BAD] = "31"};
    if (!tints || tint == TINT_NONE) {
        buf_append(out, safe);
        return;
    }
    buf_appendf(out, "\033[%sm%.*s\033[0m", codes[tint], STR_FMT(safe));
}

static void append_blanks(struct buf *out, size_t n)
{
    buf_appendf(out, "%*s", (int)n, "");
}

/* Appends a cell and the gap to the next one. */
static void append_cell(struct buf *out, const struct table_cell *cell, size_t width, bool is_last,
                        bool tints)
{
    struct str text = buf_str(&cell->text);
    size_t used = cell->width;
    bool is_cut = cell->width > width;
    if (is_cut) {
        text.len = text_fit(text, width - 1);
        used = text_width(text) + 1;
    }
    if (cell->is_number) {
        append_blanks(out, width - used);
    }
    tint_append(out, cell->tint, tints, text);
    if (is_cut) {
        buf_append(out, STR("…"));
    }
    if (!is_last) {
        append_blanks(out, (cell->is_number ? 0 : width - used) + GAP);
    }
}

static size_t last_column(const size_t *widths, size_t n)
{
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        last = widths[i] > 0 ? i : last;
    }
    return last;
}

static void append_heads(const struct table *table, const size_t *widths, size_t last, bool tints,
                         struct buf *out)
{
    for (size_t column = 0; column <= last; column++) {
        struct str head = str_from(table->heads[column]);
        if (widths[column] == 0) {
            continue;
        }
        bool is_number = table->cells[column].is_number;
        head.len = head.len < widths[column] ? head.len : widths[column];
        size_t blanks = widths[column] - head.len;
        append_blanks(out, is_number ? blanks : 0);
        tint_append(out, TINT_HEAD, tints, head);
        append_blanks(out, column == last ? 0 : (is_number ? 0 : blanks) + GAP);
    }
    buf_append_char(out, '\n');
}

void table_write(const struct table *table, size_t width, bool tints, struct buf *out)
{
    size_t widths[TABLE_N_COLUMNS_MAX] = {0};
    if (table->failed) {
        out->failed = true;
        return;
    }
    measure(table, widths);
    if (width > 0) {
        squeeze(widths, table->n_columns, width);
    }
    size_t last = last_column(widths, table->n_columns);
    if (table->heads != NULL && table->n_cells > 0) {
        append_heads(table, widths, last, tints, out);
    }
    for (size_t i = 0; i < table->n_cells; i++) {
        size_t column = i % table->n_columns;
        if (widths[column] > 0) {
            append_cell(out, &table->cells[i], widths[column], column == last, tints);
        }
        if (column == last) {
            buf_append_char(out, '\n');
        }
    }
}
