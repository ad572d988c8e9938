/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_LOG_READER_H
#define PRESENCED_REPLICA_LOG_READER_H

/* Reads the logs of the buckets, and detects missed entries by their sequence numbers and changed data by
 * its identities. For one thread. */

#include "gather.h"
#include "layout.h"
#include "outbox.h"

#define LOG_READER_ID_SIZE 48 /* of the id of an entry, with NUL */

struct log_bucket {
    char last_id[LOG_READER_ID_SIZE]; /* the last entry that was read */
    uint64_t sequence;                /* sequence number of that entry */
    uint64_t engine_sequence;         /* sequence number of the engine's last entry at the last check */
    bool has_moved;                   /* an entry was read since the last check */
};

struct log_reader {
    const char *run; /* this process, whose own entries are ignored */
    char identities[LAYOUT_N_BUCKETS][OUTBOX_IDENTITY_SIZE];
    struct log_bucket buckets[LAYOUT_N_BUCKETS];
    bool has_asked;    /* XREAD was sent and its reply is awaited */
    uint64_t asked_ms; /* when it was sent, by clock_monotonic_ms() */
    uint64_t taken_us; /* when the last reply was received, by clock_monotonic_us() */
    uint64_t n_entries;
};

/* Entries were missed, or the data has another identity: all rows must be compared. */
#define LOG_MISSED 1

/* Records the identity of the data and the ends of its logs. Data without an identity gets `new_identity`.
 * Returns 0 or -errno. */
int log_reader_note(struct log_reader *reader, struct primary *primary, const char *new_identity,
                    struct failure *ret_failure);

/* Checks that the engine is a primary and its data has the recorded identity, and that no entries were
 * missed. Called regularly, and on each new connection. Returns 0, LOG_MISSED or -errno. */
int log_reader_look(struct log_reader *reader, struct primary *primary, struct failure *ret_failure);

/* Continues after the last entry read. Called on a new connection, after log_reader_note() or
 * log_reader_look(). */
void log_reader_begin(struct log_reader *reader);

/* Receives the reply with new entries if `is_there`, that is, if link_fd() of the reading connection is
 * readable; otherwise requests it, if it is time. Returns 0, LOG_MISSED or -errno; -ETIMEDOUT if the reply
 * is overdue. */
int log_reader_read(struct log_reader *reader, struct primary *primary, bool is_there, struct gather *gather,
                    struct failure *ret_failure);

/* Returns for how many µs the next request is delayed, so that one reply brings many entries; UINT64_MAX: a
 * reply is awaited. */
uint64_t log_reader_wait_us(const struct log_reader *reader);

/* Returns the number of entries that the engine had at the last check and that have not been read. */
uint64_t log_reader_lag(const struct log_reader *reader);

#endif
