/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JOURNAL_H
#define PRESENCED_JOURNAL_H

/* A journal of the store's pairs that the engine does not have yet, in a file mapped into memory: what is
 * written there survives the end of the process without a system call, but not necessarily that of the
 * machine. There is one file per run of the daemon; journal.c documents the format. For one thread at a time,
 * unless stated otherwise. */

#include "engine.h"

struct journal;

#define JOURNAL_KEY_MAX 512
#define JOURNAL_VALUE_MAX 8192

/* A pair of a change. A deleted pair has no value. */
struct journal_pair {
    bool is_deleted;
    struct str key;
    struct str value;
};

/* Creates the file of a new run, empty and synced. Returns 0 or -errno. */
int journal_create(int folder_fd, uint64_t run, struct journal **ret_journal);
void journal_free(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_free)

/* Removes the files of all runs, which must not be needed any more. Files that cannot be removed are left. */
void journal_remove_all(int folder_fd);

/* Adds a pair of the change `revision`; key and value are copied. Pairs of changes up to `stored_revision`
 * may be overwritten. Returns false if there is no room or the file is lost. */
bool journal_put(struct journal *journal, uint64_t stored_revision, uint64_t revision,
                 const struct journal_pair *pair);

/* Called when all pairs of the change were added. */
void journal_complete(struct journal *journal, uint64_t revision);

/* Calls fsync on the file. Returns 0 or -errno. Any thread may call this. */
int journal_sync(const struct journal *journal);

/* Returns the last complete change; 0 if there is none or the file is lost. Any thread may call this. */
uint64_t journal_revision(const struct journal *journal);

/* Returns whether the file was truncated by another process or could not be written: its content is lost, and
 * no more can be added. Any thread may call this. */
bool journal_is_lost(const struct journal *journal);

/* Creates the file of a new run to replace a lost one; returns as journal_create(). Pairs can be added after
 * journal_resume(). */
int journal_renew(struct journal *journal, int folder_fd, uint64_t run);
void journal_resume(struct journal *journal);

/* Reads the file of a run that has ended. */
struct journal_reader;

/* Opens a file. Returns 0; -EBADMSG with a description in `ret_error` if it is missing or damaged; or another
 * -errno. */
int journal_open(int folder_fd, uint64_t run, struct journal_reader **ret_reader,
                 struct engine_error *ret_error);
void journal_reader_free(struct journal_reader *reader);
DEFINE_CLEANUP(struct journal_reader *, journal_reader_free)

/* Returns the next pair, oldest first, borrowed from the reader. Returns false at the end. */
bool journal_next(struct journal_reader *reader, uint64_t *ret_revision, struct journal_pair *ret_pair);

/* Returns whether the machine has not been restarted since, so that the file is exactly as its process left
 * it. */
bool journal_is_of_this_boot(const struct journal_reader *reader);

/* Called after journal_next() has returned false: returns whether the end is what a killed process leaves, a
 * single incomplete entry. The file may also end early if the machine was restarted, because its pages may
 * then have different ages. Otherwise it is damaged. */
bool journal_ends_well(const struct journal_reader *reader);

#endif
