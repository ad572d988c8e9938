/* SPDX-License-Identifier: MIT */
#include "outbox.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#define N_ROWS_MAX 256 /* per call, which then blocks the engine for well below a millisecond */
#define N_USER_ROWS_MAX (PLATFORM_N_MAX + 1)
#define N_ARGUMENTS_MAX (6 + N_ROWS_MAX + 4 + 3 * N_ROWS_MAX)

static_assert(N_USER_ROWS_MAX <= N_ROWS_MAX, "the rows of any user fit into one call");

/* The rows of a bucket that the next call of the merge script will send. `bytes` has their fields and
 * values. */
struct bucket {
    struct buf bytes;
    size_t n_rows;
    size_t n_leaves; /* one for each user, even if several have the same */
    unsigned leaves[N_ROWS_MAX];
    struct {
        size_t at;
        uint16_t field_len;
        uint16_t value_len;
        uint16_t leaf; /* index in `leaves` */
    } rows[N_ROWS_MAX];
};

struct outbox {
    struct table *table;
    struct primary *primary;
    const char *run;
    const char (*identities)[OUTBOX_IDENTITY_SIZE];
    bool is_large;
    size_t n_rows;
    size_t n_calls; /* calls whose replies are outstanding */
    struct bucket buckets[LAYOUT_N_BUCKETS];
    /* The command being composed. `keys` and `numbers` are the storage of some of its arguments. */
    size_t n_arguments;
    struct str arguments[N_ARGUMENTS_MAX];
    char keys[N_ROWS_MAX + 2][LAYOUT_KEY_SIZE];
    char numbers[N_ROWS_MAX + 1][8];
};

int outbox_new(struct table *table, struct outbox **ret_outbox)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (outbox == NULL) {
        return -ENOMEM;
    }
    outbox->table = table;
    *ret_outbox = outbox;
    return 0;
}

void outbox_free(struct outbox *outbox)
{
    if (outbox == NULL) {
        return;
    }
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        buf_fini(&outbox->buckets[i].bytes);
    }
    free(outbox);
}

static void clear_bucket(struct bucket *bucket)
{
    buf_clear(&bucket->bytes);
    bucket->n_rows = 0;
    bucket->n_leaves = 0;
}

static void clear(struct outbox *outbox)
{
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS; i++) {
        clear_bucket(&outbox->buckets[i]);
    }
    outbox->n_rows = 0;
    outbox->n_calls = 0;
}

void outbox_begin(struct outbox *outbox, struct primary *primary, const char *run,
                  const char (*identities)[OUTBOX_IDENTITY_SIZE])
{
    clear(outbox);
    outbox->primary = primary;
    outbox->run = run;
    outbox->identities = identities;
}

void outbox_set_large(struct outbox *outbox, bool is_large)
{
    outbox->is_large = is_large;
}

size_t outbox_n_rows(const struct outbox *outbox)
{
    return outbox->n_rows;
}

static void put(struct outbox *outbox, struct str argument)
{
    outbox->arguments[outbox->n_arguments++] = argument;
}

static void put_number(struct outbox *outbox, size_t slot, size_t number)
{
    int len = snprintf(outbox->numbers[slot], sizeof(outbox->numbers[slot]), "%u", (unsigned)number);
    put(outbox, (struct str){outbox->numbers[slot], (size_t)len});
}

/* Begins a command with the keys and the arguments that both scripts have in common. */
static void begin_call(struct outbox *outbox, unsigned bucket, const char *sha, const unsigned *leaves,
                       size_t n_leaves)
{
    outbox->n_arguments = 0;
    put(outbox, STR("EVALSHA"));
    put(outbox, str_from(sha));
    put_number(outbox, 0, 2 + n_leaves);
    put(outbox, layout_state_key(bucket, outbox->keys[0]));
    put(outbox, layout_log_key(bucket, outbox->keys[1]));
    for (size_t i = 0; i < n_leaves; i++) {
        put(outbox, layout_leaf_key(leaves[i], outbox->keys[2 + i]));
    }
    put(outbox, str_from(outbox->identities[bucket]));
    put(outbox, outbox->is_large ? STR(LAYOUT_LOG_MAX_LARGE_ENTRIES) : STR(LAYOUT_LOG_MAX_ENTRIES));
    put(outbox, str_from(outbox->run));
}

static int end_call(struct outbox *outbox)
{
    outbox->n_calls++;
    return link_append(outbox->primary->writer, outbox->arguments, outbox->n_arguments);
}

static int send_bucket(struct outbox *outbox, unsigned at)
{
    struct bucket *bucket = &outbox->buckets[at];
    if (bucket->n_rows == 0) {
        return 0;
    }
    if (bucket->bytes.failed) {
        buf_fini(&bucket->bytes);
        clear_bucket(bucket);
        return -ENOMEM;
    }
    begin_call(outbox, at, outbox->primary->merge_sha, bucket->leaves, bucket->n_leaves);
    for (size_t i = 0; i < bucket->n_rows; i++) {
        const char *text = bucket->bytes.ptr + bucket->rows[i].at;
        /* The index of a key: Lua counts from 1, and state and log are the first two. */
        put_number(outbox, 1 + i, 3 + (size_t)bucket->rows[i].leaf);
        put(outbox, (struct str){text, bucket->rows[i].field_len});
        put(outbox, (struct str){text + bucket->rows[i].field_len, bucket->rows[i].value_len});
    }
    clear_bucket(bucket);
    return end_call(outbox);
}

static void add_row(void *cls, struct str field, struct str value)
{
    struct bucket *bucket = cls;
    size_t at = bucket->bytes.len;
    buf_append(&bucket->bytes, field);
    buf_append(&bucket->bytes, value);
    bucket->rows[bucket->n_rows].at = at;
    bucket->rows[bucket->n_rows].field_len = (uint16_t)field.len;
    bucket->rows[bucket->n_rows].value_len = (uint16_t)value.len;
    bucket->rows[bucket->n_rows].leaf = (uint16_t)(bucket->n_leaves - 1);
    bucket->n_rows++;
}

/* Adds a leaf to the bucket's call for `n_rows` rows of one user or app. If they do not fit, the call is
 * sent first. Returns 0 or -ENOMEM. */
static int add_leaf(struct outbox *outbox, struct layout_place place, size_t n_rows)
{
    struct bucket *bucket = &outbox->buckets[place.bucket];
    int r = bucket->n_rows + n_rows > N_ROWS_MAX ? send_bucket(outbox, place.bucket) : 0;
    if (r < 0) {
        return r;
    }
    bucket->leaves[bucket->n_leaves++] = place.leaf;
    return 0;
}

int outbox_add_user(struct outbox *outbox, const struct user *user, uint64_t received_unix_ms)
{
    struct layout_place place = user_rows_place(outbox->table, user);
    struct bucket *bucket = &outbox->buckets[place.bucket];
    int r = add_leaf(outbox, place, (size_t)user->n_rows + user->has_custom_status);
    if (r < 0) {
        return r;
    }
    size_t n_before = bucket->n_rows;
    user_rows_each(outbox->table, user, received_unix_ms, &(struct user_rows_visitor){add_row, bucket});
    bucket->n_leaves -= bucket->n_rows == n_before;
    outbox->n_rows += bucket->n_rows - n_before;
    return 0;
}

int outbox_add_stamp(struct outbox *outbox, uint16_t app)
{
    char field[CODEC_FIELD_MAX];
    char value[CODEC_VALUE_MAX];
    struct table_counts counts;
    table_counts(outbox->table, app, &counts);
    if (counts.forgotten_before_ms == 0) {
        return 0;
    }
    struct str key = {field, codec_app(table_app_id(outbox->table, app), field)};
    struct layout_place place = layout_place(key);
    int r = add_leaf(outbox, place, 1);
    if (r < 0) {
        return r;
    }
    add_row(&outbox->buckets[place.bucket], key,
            (struct str){value, codec_stamp(counts.forgotten_before_ms, value)});
    outbox->n_rows++;
    return 0;
}

/* A user's rows as arguments of the forget script. */
struct forgotten {
    struct buf bytes;
    size_t n_rows;
    size_t lengths[2 * N_USER_ROWS_MAX];
};

static void add_known(void *cls, struct str field, struct str value)
{
    struct forgotten *forgotten = cls;
    buf_append(&forgotten->bytes, field);
    buf_append(&forgotten->bytes, value);
    forgotten->lengths[2 * forgotten->n_rows] = field.len;
    forgotten->lengths[2 * forgotten->n_rows + 1] = value.len;
    forgotten->n_rows++;
}

int outbox_add_gone(struct outbox *outbox, const struct user *user)
{
    struct layout_place place = user_rows_place(outbox->table, user);
    char prefix[CODEC_FIELD_MAX];
    struct forgotten forgotten = {.n_rows = 0};
    int r = send_bucket(outbox, place.bucket);
    if (r < 0) {
        return r;
    }
    user_rows_each(outbox->table, user, 0, &(struct user_rows_visitor){add_known, &forgotten});
    begin_call(outbox, place.bucket, outbox->primary->forget_sha, &place.leaf, 1);
    put(outbox,
        (struct str){prefix, codec_user(table_app_id(outbox->table, user->app), user_id(user), prefix)});
    const char *at = forgotten.bytes.ptr;
    for (size_t i = 0; i < 2 * forgotten.n_rows; i++) {
        put(outbox, (struct str){at, forgotten.lengths[i]});
        at += forgotten.lengths[i];
    }
    r = forgotten.bytes.failed ? -ENOMEM : end_call(outbox);
    buf_fini(&forgotten.bytes);
    outbox->n_rows += forgotten.n_rows;
    return r;
}

/* Merges the rows that the engine has of a user it did not forget; field and value alternate in its
 * reply. */
static int take_rows(const struct link_reply *reply, struct gather *gather)
{
    for (size_t i = 0; i + 1 < link_reply_n(reply); i += 2) {
        int r = gather_add(gather, link_reply_text(link_reply_at(reply, i)),
                           link_reply_text(link_reply_at(reply, i + 1)), false);
        if (r < 0) {
            return r;
        }
    }
    return gather_end(gather);
}

/* Receives all replies, even after an error, because one that was left would be taken for the reply to a
 * later command. */
static int take_replies(struct outbox *outbox, struct gather *gather, struct failure *ret_failure)
{
    int result = 0;
    for (; outbox->n_calls > 0; outbox->n_calls--) {
        cleanup(link_reply_freep) struct link_reply *reply = NULL;
        struct failure failure;
        int r = primary_receive(outbox->primary, &reply, &failure);
        if (r == 0) {
            r = take_rows(reply, gather);
            r = r < 0 ? failure_of_call(r, &failure) : 0;
        }
        if (r < 0 && result == 0) {
            *ret_failure = failure;
            result = r;
        }
        if (r < 0 && r != -EREMOTEIO) {
            return result; /* the connection is lost, so there are no more replies */
        }
    }
    return result;
}

int outbox_flush(struct outbox *outbox, struct gather *gather, struct failure *ret_failure)
{
    int r = 0;
    for (unsigned i = 0; i < LAYOUT_N_BUCKETS && r == 0; i++) {
        r = send_bucket(outbox, i);
    }
    r = r < 0 ? failure_of_call(r, ret_failure) : take_replies(outbox, gather, ret_failure);
    clear(outbox);
    return r;
}
