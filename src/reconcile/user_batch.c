/* SPDX-License-Identifier: MIT */
#include "user_batch.h"

void user_batch_fini(struct user_batch *batch)
{
    buf_fini(&batch->ids);
    memset(batch, 0, sizeof(*batch));
}

struct str user_batch_user(const struct user_batch *batch, size_t number)
{
    uint32_t start = batch->starts[number];
    return (struct str){batch->ids.ptr + start, batch->starts[number + 1] - start};
}

/* FNV-1a. User ids chosen to collide would make lookups slow, but a batch has 500 users at most. */
static uint32_t hash_of(struct str user)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < user.len; i++) {
        hash = (hash ^ (uint8_t)user.ptr[i]) * 16777619U;
    }
    return hash;
}

/* Returns the position of the user in the index, or the free position where it would be added. */
static uint32_t place_of(const struct user_batch *batch, struct str user)
{
    uint32_t at = hash_of(user) % USER_BATCH_N_INDEX;
    while (batch->index[at] != 0 && !str_equal(user_batch_user(batch, batch->index[at] - 1U), user)) {
        at = (at + 1) % USER_BATCH_N_INDEX;
    }
    return at;
}

int user_batch_find(const struct user_batch *batch, struct str user)
{
    return batch->index[place_of(batch, user)] - 1;
}

bool user_batch_add(struct user_batch *batch, struct str user, enum reconcile_cause cause)
{
    uint32_t at = place_of(batch, user);
    if (batch->index[at] != 0) {
        return true;
    }
    if (batch->n == ONLINE_QUERY_N_USERS_MAX) {
        return false;
    }
    buf_append(&batch->ids, user);
    if (batch->ids.failed) {
        return false;
    }
    batch->causes[batch->n] = (uint8_t)cause;
    batch->n++;
    batch->starts[batch->n] = (uint32_t)batch->ids.len;
    batch->index[at] = (uint16_t)batch->n;
    return true;
}
