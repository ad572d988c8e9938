/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LOG_READER_H
#define PRESENCED_REPLICA_LOG_READER_H

/* Follows the buckets' logs, and knows by their numbers and by the identities when it has missed something.
 * One thread. */

#include "gather.h"
#include "layout.h"
#include "outbox.h"

#define LOG_READER_ID_SIZE 48 /* of an entry */
#define LOG_READER_BLOCK_MS 1000

struct log_bucket {
    char last_id[LOG_READER_ID_SIZE]; /* entries up to it were read */
    uint64_t sequence;                /* its number */
    uint64_t engine_sequence;         /* at the last look: what the engine had then */
    bool has_moved;                   /* something was read since */
};

struct log_reader {
    const char *run; /* whose entries tell us nothing new */
    char identities[LAYOUT_N_BUCKETS][OUTBOX_IDENTITY_SIZE];
    struct log_bucket buckets[LAYOUT_N_BUCKETS];
    uint64_t asked_ms; /* clock_monotonic_ms() when XREAD was sent */
    uint64_t n_entries;
};

/* Something was missed, or the data is other data: all must be compared anew. */
#define LOG_MISSED 1

/* Notes who the data is and where its logs end; data that is nobody's becomes `new_identity`. 0 or below. */
int log_reader_note(struct log_reader *reader, struct primary *primary, const char *new_identity,
                    struct failure *ret_failure);

/* Looks whether the engine is a primary and holds the data that was noted, and whether what is to be read
 * comes: now and then, and on each new connection. 0, LOG_MISSED or below. */
int log_reader_look(struct log_reader *reader, struct primary *primary, struct failure *ret_failure);

/* Asks for what comes next: once, then again after each log_reader_take(). 0 or below. */
int log_reader_ask(struct log_reader *reader, struct primary *primary, struct failure *ret_failure);

/* Takes the answer, which link_fd() has shown to come. 0, LOG_MISSED or below. */
int log_reader_take(struct log_reader *reader, struct primary *primary, struct gather *gather,
                    struct failure *ret_failure);

/* Whether the answer should long be there. */
bool log_reader_is_late(const struct log_reader *reader);

/* Entries that the engine has, as far as is known, and that were not read. */
uint64_t log_reader_lag(const struct log_reader *reader);

#endif
