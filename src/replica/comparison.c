/* SPDX-License-Identifier: MIT */
/* A leaf's sum is the XOR of the hashes of its rows, so their order does not matter. Each row is added
 * twice, once as stored in the engine and once as in the table: if both have the same rows, the sum is 0. A
 * row that changes in between may leave another sum; its leaf is then sent needlessly, which does no
 * harm. */
#include "comparison.h"

#include "presenced/siphash.h"

#include <errno.h>
#include <sys/random.h>

#define LEAVES_PER_STEP_MIN 8
#define LEAVES_PER_STEP_MAX 512
#define PAIRS_PER_STEP 2048 /* approximate; more would delay changes, fewer cost round trips */
#define USERS_PER_STEP 256
#define VISITS_PER_STEP 4096

static const struct table_filter all_users = {-1, -1, -1};

void comparison_fini(struct comparison *comparison)
{
    free(comparison->sums);
    comparison->sums = NULL;
}

static int reserve_sums(struct comparison *comparison)
{
    if (comparison->sums == NULL) {
        comparison->sums = calloc(LAYOUT_N_ALL_LEAVES, sizeof(*comparison->sums));
    }
    return comparison->sums == NULL ? -ENOMEM : 0;
}

int comparison_begin(struct comparison *comparison)
{
    int r = reserve_sums(comparison);
    if (r < 0) {
        return r;
    }
    if (getrandom(comparison->key, sizeof(comparison->key), 0) < 0) {
        return -errno;
    }
    memset(comparison->sums, 0, LAYOUT_N_ALL_LEAVES * sizeof(*comparison->sums));
    comparison->phase = COMPARISON_READS;
    comparison->next_leaf = 0;
    comparison->n_leaves = LEAVES_PER_STEP_MAX / 8;
    comparison->cursor = (struct table_cursor){0};
    return 0;
}

int comparison_send_all(struct comparison *comparison)
{
    int r = reserve_sums(comparison);
    if (r < 0) {
        return r;
    }
    comparison->sends_all = true;
    if (comparison->phase == COMPARISON_OVER || comparison->phase == COMPARISON_SENDS) {
        comparison->phase = COMPARISON_SENDS;
        comparison->cursor = (struct table_cursor){0};
    }
    return 0;
}

static void add_to_sum(struct comparison *comparison, unsigned leaf, struct str field, struct str value)
{
    struct siphash_key key;
    char bytes[CODEC_FIELD_MAX + CODEC_VALUE_MAX];
    struct str order = codec_order(value);
    memcpy(&key, comparison->key, sizeof(key));
    memcpy(bytes, field.ptr, field.len);
    memcpy(bytes + field.len, order.ptr, order.len);
    comparison->sums[leaf] ^= siphash(&key, (const uint8_t *)bytes, field.len + order.len);
}

struct pair {
    struct str field;
    struct str value;
};

static int compare_pairs(const void *a, const void *b)
{
    return str_compare(((const struct pair *)a)->field, ((const struct pair *)b)->field);
}

/* Passes a leaf's rows to `gather`. A field begins with the user, so sorting brings the rows of each user
 * together. Returns 0 or -errno. */
static int gather_leaf(struct comparison *comparison, unsigned leaf, const struct link_reply *reply,
                       struct gather *gather)
{
    size_t n = link_reply_n(reply) / 2;
    cleanup(cleanup_freep) struct pair *pairs = calloc(n + 1, sizeof(*pairs));
    if (pairs == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (struct pair){link_reply_text(link_reply_at(reply, 2 * i)),
                                 link_reply_text(link_reply_at(reply, 2 * i + 1))};
    }
    qsort(pairs, n, sizeof(*pairs), compare_pairs);
    for (size_t i = 0; i < n; i++) {
        int r = gather_add(gather, pairs[i].field, pairs[i].value, false);
        if (r < 0) {
            return r;
        }
        if (r == 0) {
            add_to_sum(comparison, leaf, pairs[i].field, pairs[i].value);
        }
    }
    return gather_end(gather);
}

static int request_leaves(struct comparison *comparison, struct primary *primary)
{
    int r = 0;
    for (unsigned i = 0; i < comparison->n_leaves && r == 0; i++) {
        char key[LAYOUT_KEY_SIZE];
        const struct str arguments[] = {STR("HGETALL"), layout_leaf_key(comparison->next_leaf + i, key)};
        r = link_append(primary->writer, arguments, 2);
    }
    return r;
}

/* Adapts the number of leaves, so that the next step reads about PAIRS_PER_STEP rows. */
static void end_step(struct comparison *comparison, size_t n_pairs)
{
    unsigned n = comparison->n_leaves;
    comparison->next_leaf += n;
    n = n_pairs < PAIRS_PER_STEP / 2 ? 2 * n : n_pairs > PAIRS_PER_STEP ? n / 2 : n;
    n = n < LEAVES_PER_STEP_MIN ? LEAVES_PER_STEP_MIN : n > LEAVES_PER_STEP_MAX ? LEAVES_PER_STEP_MAX : n;
    unsigned n_left = LAYOUT_N_ALL_LEAVES - comparison->next_leaf;
    comparison->n_leaves = n < n_left ? n : n_left;
    if (n_left == 0) {
        comparison->phase = COMPARISON_SUMS;
    }
}

int comparison_read(struct comparison *comparison, struct primary *primary, struct gather *gather,
                    struct failure *ret_failure)
{
    size_t n_pairs = 0;
    int r = request_leaves(comparison, primary);
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    for (unsigned i = 0; i < comparison->n_leaves; i++) {
        cleanup(link_reply_freep) struct link_reply *reply = NULL;
        r = primary_receive(primary, &reply, ret_failure);
        if (r < 0) {
            return r;
        }
        r = gather_leaf(comparison, comparison->next_leaf + i, reply, gather);
        if (r < 0) {
            return failure_of_call(r, ret_failure);
        }
        n_pairs += link_reply_n(reply) / 2;
    }
    end_step(comparison, n_pairs);
    return 0;
}

struct summing {
    struct comparison *comparison;
    struct table *table;
    unsigned leaf;
};

static void sum_row(void *cls, struct str field, struct str value)
{
    const struct summing *summing = cls;
    add_to_sum(summing->comparison, summing->leaf, field, value);
}

static void sum_user(void *cls, const struct user *user)
{
    struct summing *summing = cls;
    summing->leaf = user_rows_place(summing->table, user).leaf;
    user_rows_each(summing->table, user, 0, &(struct user_rows_visitor){sum_row, summing});
}

void comparison_sum(struct comparison *comparison, struct table *table)
{
    struct summing summing = {comparison, table, 0};
    if (!table_list(table, &all_users, USERS_PER_STEP, VISITS_PER_STEP, &comparison->cursor, sum_user,
                    &summing)) {
        comparison->phase = COMPARISON_SENDS;
        comparison->cursor = (struct table_cursor){0};
    }
}

struct sending {
    const struct comparison *comparison;
    struct table *table;
    struct outbox *outbox;
    int r;
};

static void send_user(void *cls, const struct user *user)
{
    struct sending *sending = cls;
    unsigned leaf = user_rows_place(sending->table, user).leaf;
    if (sending->r == 0 && (sending->comparison->sends_all || sending->comparison->sums[leaf] != 0)) {
        sending->r = outbox_add_user(sending->outbox, user, 0);
    }
}

/* Sent after all users, because a node that received an app's stamp first would treat users that follow as
 * forgotten. */
static int send_stamps(struct table *table, struct outbox *outbox)
{
    int r = 0;
    for (unsigned app = 0; app < table_n_apps(table) && r == 0; app++) {
        r = outbox_add_stamp(outbox, (uint16_t)app);
    }
    return r;
}

static int send_step(struct comparison *comparison, struct table *table, struct outbox *outbox,
                     struct table_cursor *cursor, bool *ret_has_more)
{
    struct sending sending = {comparison, table, outbox, 0};
    *ret_has_more = table_list(table, &all_users, USERS_PER_STEP, VISITS_PER_STEP, cursor, send_user,
                               &sending);
    return sending.r == 0 && !*ret_has_more ? send_stamps(table, outbox) : sending.r;
}

int comparison_send(struct comparison *comparison, struct table *table, struct outbox *outbox,
                    struct gather *gather, struct failure *ret_failure)
{
    struct table_cursor cursor = comparison->cursor;
    bool has_more;
    outbox_set_large(outbox, true);
    int r = send_step(comparison, table, outbox, &cursor, &has_more);
    r = r < 0 ? failure_of_call(r, ret_failure) : outbox_flush(outbox, gather, ret_failure);
    outbox_set_large(outbox, false);
    if (r < 0) {
        return r;
    }
    comparison->cursor = cursor;
    if (!has_more) {
        comparison->phase = COMPARISON_OVER;
        comparison->sends_all = false;
    }
    return 0;
}
