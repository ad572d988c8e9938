/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LOG_READER_H
#define PRESENCED_REPLICA_LOG_READER_H

/* Follows the buckets' logs, and knows by their numbers and by the identities when it has missed something.
 * One thread. */

#include "gather.h"
#include "layout.h"
#include "outbox.h"

#define LOG_READER_ID_SIZE 48 /* of an entry */

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
    bool has_asked;    /* XREAD was sent, and its answer is to come */
    uint64_t asked_ms; /* when, by clock_monotonic_ms() */
    uint64_t taken_us; /* when the last answer was taken */
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

/* On a new connection, after log_reader_note() or log_reader_look(): reads on from where it was. */
void log_reader_begin(struct log_reader *reader);

/* Takes the answer of the logs where `is_there`, as link_fd() of the reading connection shows; else asks,
 * when it is time. 0, LOG_MISSED or below; -ETIMEDOUT when the answer is late. */
int log_reader_read(struct log_reader *reader, struct primary *primary, bool is_there, struct gather *gather,
                    struct failure *ret_failure);

/* For how long it waits before it asks again, so that many entries come together; UINT64_MAX: it has asked.
 */
uint64_t log_reader_wait_us(const struct log_reader *reader);

/* Entries that the engine has, as far as is known, and that were not read. */
uint64_t log_reader_lag(const struct log_reader *reader);

#endif
