/* SPDX-License-Identifier: MIT */
#include "log_reader.h"

#include "presenced/clock.h"

#include <errno.h>
#include <stdio.h>

#define N_ARGUMENTS(arguments) (sizeof(arguments) / sizeof((arguments)[0]))
#define NO_ENTRY_ID "0-0"
#define MAX_ENTRIES "64" /* per bucket and reply */
#define BLOCK_MS 1000
#define BATCH_US 3000

/* The following append commands to the writer's connection; the replies are received later. */

static int append(struct primary *primary, const struct str *arguments, size_t n, struct failure *ret_failure)
{
    int r = link_append(primary->writer, arguments, n);
    return r < 0 ? failure_of_call(r, ret_failure) : 0;
}

static int append_claim(struct primary *primary, unsigned bucket, struct str field, struct str value,
                        struct failure *ret_failure)
{
    char key[LAYOUT_KEY_SIZE];
    const struct str arguments[] = {STR("HSETNX"), layout_state_key(bucket, key), field, value};
    return append(primary, arguments, N_ARGUMENTS(arguments), ret_failure);
}

static int append_state(struct primary *primary, unsigned bucket, struct failure *ret_failure)
{
    char key[LAYOUT_KEY_SIZE];
    const struct str arguments[] = {STR("HMGET"), layout_state_key(bucket, key), STR("identity"),
                                    STR("sequence"), STR("layout")};
    return append(primary, arguments, N_ARGUMENTS(arguments), ret_failure);
}

static int append_end(struct primary *primary, unsigned bucket, struct failure *ret_failure)
{
    char key[LAYOUT_KEY_SIZE];
    const struct str arguments[] = {
        STR("XREVRANGE"), layout_log_key(bucket, key), STR("+"), STR("-"), STR("COUNT"), STR("1")};
    return append(primary, arguments, N_ARGUMENTS(arguments), ret_failure);
}

/* An entry is [id, [name, value, …]]; for the names see layout.c. */
struct entry {
    struct str id;
    uint64_t sequence;
    struct str run;
    struct str rows;
    bool forgets;
};

static struct entry entry_of(const struct link_reply *reply)
{
    const struct link_reply *pairs = link_reply_at(reply, 1);
    struct entry entry = {.id = link_reply_text(link_reply_at(reply, 0))};
    for (size_t i = 0; i + 1 < link_reply_n(pairs); i += 2) {
        struct str name = link_reply_text(link_reply_at(pairs, i));
        const struct link_reply *value = link_reply_at(pairs, i + 1);
        if (str_equal(name, STR("s"))) {
            entry.sequence = link_reply_number(value);
        } else if (str_equal(name, STR("n"))) {
            entry.run = link_reply_text(value);
        } else {
            entry.rows = link_reply_text(value);
            entry.forgets = str_equal(name, STR("gone"));
        }
    }
    return entry;
}

static void move_to(struct log_bucket *bucket, struct str id, uint64_t sequence)
{
    (void)snprintf(bucket->last_id, sizeof(bucket->last_id), "%.*s", STR_FMT(id));
    bucket->sequence = sequence;
}

/* Receives two replies: identity, sequence and layout; and the log's last entry. An entry may be added
 * between the two commands, so the sequence number of the last entry is preferred. */
static int record_bucket(struct log_reader *reader, unsigned at, struct primary *primary,
                         struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *state = NULL;
    cleanup(link_reply_freep) struct link_reply *last = NULL;
    int r = primary_receive(primary, &state, ret_failure);
    if (r < 0) {
        return r;
    }
    r = primary_receive(primary, &last, ret_failure);
    if (r < 0) {
        return r;
    }
    struct str layout = link_reply_text(link_reply_at(state, 2));
    if (layout.len > 0 && !str_equal(layout, STR(LAYOUT_VERSION))) {
        char detail[32];
        (void)snprintf(detail, sizeof(detail), "layout %.*s", STR_FMT(layout));
        return failure_set(ret_failure, FAILURE_RECONNECT,
                           "replication: the engine's data is of another version of presenced", detail);
    }
    struct log_bucket *bucket = &reader->buckets[at];
    (void)snprintf(reader->identities[at], sizeof(reader->identities[at]), "%.*s",
                   STR_FMT(link_reply_text(link_reply_at(state, 0))));
    if (link_reply_n(last) == 0) {
        move_to(bucket, STR(NO_ENTRY_ID), link_reply_number(link_reply_at(state, 1)));
    } else {
        struct entry entry = entry_of(link_reply_at(last, 0));
        move_to(bucket, entry.id, entry.sequence);
    }
    bucket->engine_sequence = bucket->sequence;
    bucket->has_moved = false;
    return 0;
}

/* Receives `n` replies that tell only whether the command succeeded. */
static int receive_claims(struct primary *primary, size_t n, struct failure *ret_failure)
{
    for (size_t i = 0; i < n; i++) {
        cleanup(link_reply_freep) struct link_reply *reply = NULL;
        int r = primary_receive(primary, &reply, ret_failure);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

static int claim_all(struct primary *primary, const char *new_identity, struct failure *ret_failure)
{
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        int r = append_claim(primary, i, STR("identity"), str_from(new_identity), ret_failure);
        if (r < 0) {
            return r;
        }
        r = append_claim(primary, i, STR("layout"), STR(LAYOUT_VERSION), ret_failure);
        if (r < 0) {
            return r;
        }
    }
    return receive_claims(primary, (size_t)2 * LAYOUT_N_BUCKETS, ret_failure);
}

static int record_all(struct log_reader *reader, struct primary *primary, bool *ret_is_claimed,
                      struct failure *ret_failure)
{
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        int r = append_state(primary, i, ret_failure);
        if (r < 0) {
            return r;
        }
        r = append_end(primary, i, ret_failure);
        if (r < 0) {
            return r;
        }
    }
    *ret_is_claimed = true;
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        int r = record_bucket(reader, i, primary, ret_failure);
        if (r < 0) {
            return r;
        }
        *ret_is_claimed &= reader->identities[i][0] != '\0';
    }
    return 0;
}

/* Writes only if a bucket has no identity yet, because an engine that is out of memory refuses all writes,
 * but a node should still be able to learn from it. */
int log_reader_note(struct log_reader *reader, struct primary *primary, const char *new_identity,
                    struct failure *ret_failure)
{
    bool is_claimed;
    int r = record_all(reader, primary, &is_claimed, ret_failure);
    if (r < 0 || is_claimed) {
        return r;
    }
    r = claim_all(primary, new_identity, ret_failure);
    if (r < 0) {
        return r;
    }
    return record_all(reader, primary, &is_claimed, ret_failure);
}

/* Detects missed entries in two ways. Either the engine's sequence number is lower than that of the last
 * entry read, because its data was rolled back. Or an entry that existed at the last check has not been read
 * since, and no other has: a primary whose clock is behind gives new entries ids lower than the last one
 * read, and XREAD never returns these. */
static bool has_missed(struct log_bucket *bucket, uint64_t sequence)
{
    bool is_stuck = !bucket->has_moved && bucket->engine_sequence > bucket->sequence;
    bool is_behind = sequence < bucket->sequence;
    bucket->engine_sequence = sequence;
    bucket->has_moved = false;
    return is_stuck || is_behind;
}

static int check_bucket(struct log_reader *reader, unsigned at, struct primary *primary,
                        struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *state = NULL;
    int r = primary_receive(primary, &state, ret_failure);
    if (r < 0) {
        return r;
    }
    struct str identity = link_reply_text(link_reply_at(state, 0));
    uint64_t sequence = link_reply_number(link_reply_at(state, 1));
    bool is_same = str_equal(identity, str_from(reader->identities[at]));
    return has_missed(&reader->buckets[at], sequence) || !is_same ? LOG_MISSED : 0;
}

int log_reader_look(struct log_reader *reader, struct primary *primary, struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *role = NULL;
    const struct str arguments[] = {STR("ROLE")};
    int result = 0;
    int r = append(primary, arguments, N_ARGUMENTS(arguments), ret_failure);
    if (r < 0) {
        return r;
    }
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        r = append_state(primary, i, ret_failure);
        if (r < 0) {
            return r;
        }
    }
    r = primary_receive(primary, &role, ret_failure);
    if (r < 0) {
        return r;
    }
    r = primary_check_role(role, ret_failure);
    if (r < 0) {
        return r;
    }
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        r = check_bucket(reader, i, primary, ret_failure);
        if (r < 0) {
            return r;
        }
        result = r == LOG_MISSED ? LOG_MISSED : result;
    }
    return result;
}

static int request_entries(struct log_reader *reader, struct primary *primary, struct failure *ret_failure)
{
    char block[8];
    char keys[LAYOUT_N_BUCKETS][LAYOUT_KEY_SIZE];
    struct str arguments[6 + 2 * LAYOUT_N_BUCKETS] = {STR("XREAD"), STR("COUNT"), STR(MAX_ENTRIES),
                                                      STR("BLOCK")};
    (void)snprintf(block, sizeof(block), "%d", BLOCK_MS);
    arguments[4] = str_from(block);
    arguments[5] = STR("STREAMS");
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        arguments[6 + i] = layout_log_key(i, keys[i]);
        arguments[6 + LAYOUT_N_BUCKETS + i] = str_from(reader->buckets[i].last_id);
    }
    reader->has_asked = true;
    reader->asked_ms = clock_monotonic_ms();
    int r = link_append(primary->reader, arguments, N_ARGUMENTS(arguments));
    if (r == 0) {
        r = link_flush(primary->reader);
    }
    return r < 0 ? failure_of_call(r, ret_failure) : 0;
}

static bool is_late(const struct log_reader *reader)
{
    return clock_monotonic_ms() - reader->asked_ms > BLOCK_MS + PRIMARY_TIMEOUT_MS;
}

static int take_entry(struct log_reader *reader, struct log_bucket *bucket, const struct link_reply *reply,
                      struct gather *gather)
{
    struct entry entry = entry_of(reply);
    if (entry.sequence != bucket->sequence + 1) {
        return LOG_MISSED; /* entries were trimmed before they were read */
    }
    int r = str_equal(entry.run, str_from(reader->run)) ? 0
                                                        : gather_add_entry(gather, entry.rows, entry.forgets);
    if (r < 0) {
        return r;
    }
    move_to(bucket, entry.id, entry.sequence);
    bucket->has_moved = true;
    reader->n_entries++;
    return 0;
}

/* `reply` is [key, [entry, …]]. */
static int take_stream(struct log_reader *reader, const struct link_reply *reply, struct gather *gather)
{
    const struct link_reply *entries = link_reply_at(reply, 1);
    unsigned at = 0;
    char key[LAYOUT_KEY_SIZE];
    while (at < LAYOUT_N_BUCKETS &&
           !str_equal(link_reply_text(link_reply_at(reply, 0)), layout_log_key(at, key))) {
        at++;
    }
    int r = at == LAYOUT_N_BUCKETS ? -EPROTO : 0;
    for (size_t i = 0; i < link_reply_n(entries) && r == 0; i++) {
        r = take_entry(reader, &reader->buckets[at], link_reply_at(entries, i), gather);
    }
    return r;
}

static int take(struct log_reader *reader, struct primary *primary, struct gather *gather,
                struct failure *ret_failure)
{
    cleanup(link_reply_freep) struct link_reply *reply = NULL;
    int r = link_receive(primary->reader, &reply);
    reader->has_asked = false;
    reader->taken_us = clock_monotonic_us();
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    if (link_reply_is_error(reply)) {
        return failure_of_reply(reply, ret_failure);
    }
    for (size_t i = 0; i < link_reply_n(reply) && r == 0; i++) {
        r = take_stream(reader, link_reply_at(reply, i), gather);
    }
    return r < 0 ? failure_of_call(r, ret_failure) : r;
}

void log_reader_begin(struct log_reader *reader)
{
    reader->has_asked = false;
    reader->taken_us = 0;
}

uint64_t log_reader_wait_us(const struct log_reader *reader)
{
    uint64_t elapsed_us = clock_monotonic_us() - reader->taken_us;
    return reader->has_asked ? UINT64_MAX : elapsed_us < BATCH_US ? BATCH_US - elapsed_us : 0;
}

int log_reader_read(struct log_reader *reader, struct primary *primary, bool is_there, struct gather *gather,
                    struct failure *ret_failure)
{
    if (reader->has_asked && is_there) {
        return take(reader, primary, gather, ret_failure);
    }
    if (reader->has_asked) {
        return is_late(reader) ? failure_of_call(-ETIMEDOUT, ret_failure) : 0;
    }
    return log_reader_wait_us(reader) > 0 ? 0 : request_entries(reader, primary, ret_failure);
}

uint64_t log_reader_lag(const struct log_reader *reader)
{
    uint64_t lag = 0;
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        const struct log_bucket *bucket = &reader->buckets[i];
        lag += bucket->engine_sequence > bucket->sequence ? bucket->engine_sequence - bucket->sequence : 0;
    }
    return lag;
}
