/* SPDX-License-Identifier: MIT */
#include "pending.h"

#include <errno.h>
#include <stdlib.h>

struct pending_cursor {
    const struct pending *pending;
    struct engine_cursor *engine;
    size_t next; /* index of the next pending pair */
    size_t end;
    bool has_stored; /* the engine's next pair was read but not returned yet */
    struct str stored_key;
    struct str stored_value;
};

/* Compares by key, then by age. */
static int compare_pairs(const void *a, const void *b)
{
    const struct pending_pair *x = a;
    const struct pending_pair *y = b;
    int r = str_compare(x->pair.key, y->pair.key);
    return r != 0 ? r : (x->revision > y->revision) - (x->revision < y->revision);
}

static bool add(struct pending *pending, size_t *capacity, uint64_t revision, const struct journal_pair *pair)
{
    if (pending->n == *capacity) {
        size_t wanted = *capacity == 0 ? 1024 : 2 * *capacity;
        struct pending_pair *pairs = reallocarray(pending->pairs, wanted, sizeof(*pairs));
        if (pairs == NULL) {
            return false;
        }
        pending->pairs = pairs;
        *capacity = wanted;
    }
    pending->pairs[pending->n++] = (struct pending_pair){*pair, revision};
    return true;
}

/* Revisions have no gaps, with two exceptions: the machine went down and the engine lost more than the
 * journal still had; or another process is writing while we read, the engine first. In both cases nothing
 * after the gap is used. Otherwise the files are from different times, as in a copy of a store in use. */
static int check_gap(const struct pending *pending, bool is_in_use, struct engine_error *ret_error)
{
    if (is_in_use || !journal_is_of_this_boot(pending->reader)) {
        return 0;
    }
    *ret_error = (struct engine_error){"its journal begins behind what the engine has"};
    return -EBADMSG;
}

static int check_end(const struct pending *pending, bool is_in_use, struct engine_error *ret_error)
{
    if (is_in_use || journal_ends_well(pending->reader)) {
        return 0;
    }
    *ret_error = (struct engine_error){"its journal has entries behind one that is not whole"};
    return -EBADMSG;
}

static int collect(struct pending *pending, uint64_t position, bool is_in_use, struct engine_error *ret_error)
{
    size_t capacity = 0;
    uint64_t revision;
    struct journal_pair pair;
    uint64_t last = position;
    while (journal_next(pending->reader, &revision, &pair)) {
        if (revision <= position) {
            continue;
        }
        if (revision > last + 1) {
            return check_gap(pending, is_in_use, ret_error);
        }
        if (!add(pending, &capacity, revision, &pair)) {
            return -ENOMEM;
        }
        last = revision;
    }
    return check_end(pending, is_in_use, ret_error);
}

static void keep_newest(struct pending *pending)
{
    size_t n = 0;
    qsort(pending->pairs, pending->n, sizeof(*pending->pairs), compare_pairs);
    for (size_t i = 0; i < pending->n; i++) {
        if (i + 1 == pending->n ||
            str_compare(pending->pairs[i].pair.key, pending->pairs[i + 1].pair.key) != 0) {
            pending->pairs[n++] = pending->pairs[i];
        }
    }
    pending->n = n;
}

int pending_read(int folder_fd, const struct layout_position *position, bool is_in_use,
                 struct pending *ret_pending, struct engine_error *ret_error)
{
    struct pending pending = {.reader = NULL};
    if (position->run == 0) {
        *ret_pending = pending;
        return 0;
    }
    int r = journal_open(folder_fd, position->run, &pending.reader, ret_error);
    if (r < 0) {
        return r;
    }
    r = collect(&pending, position->revision, is_in_use, ret_error);
    if (r < 0) {
        pending_fini(&pending);
        return r;
    }
    if (pending.n > 0) {
        keep_newest(&pending);
    }
    *ret_pending = pending;
    return 0;
}

void pending_fini(struct pending *pending)
{
    journal_reader_free(pending->reader);
    free(pending->pairs);
    *pending = (struct pending){.reader = NULL};
}

/* Returns the index of the first pair whose key is not below `key`. */
static size_t find(const struct pending *pending, struct str key)
{
    size_t low = 0;
    size_t high = pending->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(pending->pairs[middle].pair.key, key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct pending_cursor *pending_cursor_new(const struct pending *pending, struct engine *engine,
                                          struct str from, struct str to)
{
    cleanup(pending_cursor_freep) struct pending_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return NULL;
    }
    cursor->pending = pending;
    cursor->next = find(pending, from);
    cursor->end = find(pending, to);
    cursor->engine = engine_cursor_new(engine, from, to);
    return cursor->engine == NULL ? NULL : take_pointer(cursor);
}

void pending_cursor_free(struct pending_cursor *cursor)
{
    if (cursor != NULL) {
        engine_cursor_free(cursor->engine);
        free(cursor);
    }
}

static int peek_stored(struct pending_cursor *cursor, struct engine_error *ret_error)
{
    if (cursor->has_stored) {
        return 0;
    }
    int r = engine_cursor_next(cursor->engine, &cursor->stored_key, &cursor->stored_value, ret_error);
    cursor->has_stored = r == 0;
    return r;
}

/* Returns the next pending pair, or NULL. */
static const struct journal_pair *peek_pending(const struct pending_cursor *cursor)
{
    return cursor->next == cursor->end ? NULL : &cursor->pending->pairs[cursor->next].pair;
}

int pending_cursor_next(struct pending_cursor *cursor, struct str *ret_key, struct str *ret_value,
                        struct engine_error *ret_error)
{
    for (;;) {
        const struct journal_pair *pair = peek_pending(cursor);
        int r = peek_stored(cursor, ret_error);
        if (r < 0 || (r == ENGINE_END && pair == NULL)) {
            return r;
        }
        int order = r == ENGINE_END ? 1 : pair == NULL ? -1 : str_compare(cursor->stored_key, pair->key);
        if (order <= 0) {
            cursor->has_stored = false;
        }
        if (order < 0) {
            *ret_key = cursor->stored_key;
            *ret_value = cursor->stored_value;
            return 0;
        }
        cursor->next++;
        if (!pair->is_deleted) {
            *ret_key = pair->key;
            *ret_value = pair->value;
            return 0;
        }
    }
}
