/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_PENDING_H
#define PRESENCED_PENDING_H

/* The pairs that a killed run had in its journal but not in the engine: the newest pair of each key, sorted
 * by key; and a cursor over the engine merged with them. Any thread may read it. */

#include "journal.h"
#include "layout.h"

#include <stddef.h>

struct pending_pair {
    struct journal_pair pair;
    uint64_t revision;
};

struct pending {
    struct journal_reader *reader; /* owns the bytes; NULL: nothing is pending */
    struct pending_pair *pairs;
    size_t n;
};

/* Reads the entries after `position` in the journal it names; if run is 0, nothing is pending. If another
 * process is writing the journal (`is_in_use`), it may end anywhere. Returns 0; -EBADMSG: the journal is
 * missing or damaged; or another -errno. */
int pending_read(int folder_fd, const struct layout_position *position, bool is_in_use,
                 struct pending *ret_pending, struct engine_error *ret_error);
void pending_fini(struct pending *pending);

struct pending_cursor;

/* As engine_cursor_new(); `engine` and `pending` are borrowed. */
struct pending_cursor *pending_cursor_new(const struct pending *pending, struct engine *engine,
                                          struct str from, struct str to);
void pending_cursor_free(struct pending_cursor *cursor);
DEFINE_CLEANUP(struct pending_cursor *, pending_cursor_free)

/* As engine_cursor_next(). */
int pending_cursor_next(struct pending_cursor *cursor, struct str *ret_key, struct str *ret_value,
                        struct engine_error *ret_error);

#endif
