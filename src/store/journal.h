/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_JOURNAL_H
#define PRESENCED_JOURNAL_H

/* The store's pairs that the engine does not have yet, in a file that is mapped into memory: what is put
 * there survives the death of the process, without a system call; the machine's death may take it. One file a
 * run of the daemon; the drawing is in journal.c. One thread at a time, where nothing else is said. */

#include "engine.h"

struct journal;

#define JOURNAL_KEY_MAX 512
#define JOURNAL_VALUE_MAX 8192

/* One of a change. Where it is deleted it has no value. */
struct journal_pair {
    bool is_deleted;
    struct str key;
    struct str value;
};

/* Makes the file of a run that begins, empty and synced. 0 or -errno. */
int journal_create(int folder_fd, uint64_t run, struct journal **ret_journal);
void journal_free(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_free)

/* Removes the files of all runs, which nobody needs any more. What cannot be removed stays. */
void journal_remove_all(int folder_fd);

/* Puts a pair of the change `revision`; key and value are copied. Pairs of changes up to `stored_revision`
 * may give way. False: there was no room, or the file is lost. */
bool journal_put(struct journal *journal, uint64_t stored_revision, uint64_t revision,
                 const struct journal_pair *pair);

/* All pairs of the change were put. */
void journal_complete(struct journal *journal, uint64_t revision);

/* Makes what was put survive the death of the machine. 0 or -errno. From any thread. */
int journal_sync(const struct journal *journal);

/* The last change that is complete; 0: none, or the file is lost. From any thread. */
uint64_t journal_revision(const struct journal *journal);

/* Whether its file was cut from outside, or could not be written: what it held is nowhere, and it takes no
 * more. From any thread. */
bool journal_is_lost(const struct journal *journal);

/* Makes the file of another run in the place of one that is lost, as journal_create(). It takes pairs from
 * journal_resume() on. */
int journal_renew(struct journal *journal, int folder_fd, uint64_t run);
void journal_resume(struct journal *journal);

/* A file of a run that has ended. */
struct journal_reader;

/* 0; -EBADMSG: it is missing or not as it was written, with words in `ret_error`; or another -errno. */
int journal_open(int folder_fd, uint64_t run, struct journal_reader **ret_reader,
                 struct engine_error *ret_error);
void journal_reader_free(struct journal_reader *reader);
DEFINE_CLEANUP(struct journal_reader *, journal_reader_free)

/* The next pair, the oldest first; borrowed from the reader. False at the end. */
bool journal_next(struct journal_reader *reader, uint64_t *ret_revision, struct journal_pair *ret_pair);

/* Whether it is as its process left it, for the machine has not gone down since. */
bool journal_is_of_this_boot(const struct journal_reader *reader);

/* After journal_next() has said false: whether what it ended at is what a killed process leaves, one entry
 * that is not finished. It may also end early where the machine went down since, for then pages of the file
 * are of any age. Otherwise it was damaged. */
bool journal_ends_well(const struct journal_reader *reader);

#endif
