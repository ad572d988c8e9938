/* SPDX-License-Identifier: MIT */
/* Listings visit shards and slots in numerical order. Users are copied out in small steps with the shard
 * locked, and decoded and passed on without the lock. A cursor is the next slot to examine: shard << 32 |
 * slot. */
#include "table_private.h"

#include "presenced/record.h"

#include <assert.h>

#define STEP_N_MAX 128
#define STEP_BYTES 8192

static_assert(STEP_BYTES >= RECORD_SIZE_MAX, "any user fits a step");

/* Users copied out while a shard's lock is held once. */
struct step {
    struct user_view view; /* the view with which they are classified */
    size_t n_examined;
    size_t n;
    uint16_t starts[STEP_N_MAX];
    uint8_t bytes[STEP_BYTES];
};

static unsigned states_of(const struct table_filter *filter)
{
    return filter->state < 0 ? SLOTS_ANY_STATE : 1U << filter->state & SLOTS_ANY_STATE;
}

static uint64_t position_of(uint64_t shard, uint32_t slot)
{
    return shard << 32 | slot;
}

/* Copies users of the cursor's shard, starting at the cursor, and advances the cursor. */
static void copy_step(struct table *table, const struct table_filter *filter, size_t max_examined,
                      size_t max_copies, struct table_cursor *cursor, struct step *step)
{
    uint64_t at = cursor->position >> 32;
    uint32_t slot = (uint32_t)cursor->position;
    struct shard *shard = &table->shards[at];
    size_t n_bytes = 0;
    step->n = 0;
    step->n_examined = 0;
    (void)pthread_mutex_lock(&shard->lock);
    step->view = table_shard_view(table, shard, slot, 0);
    while (step->n_examined < max_examined && step->n < max_copies) {
        slot = slots_next(&shard->slots, states_of(filter), slot);
        if (slot == SLOT_NONE) {
            at++;
            slot = 0;
            break;
        }
        const uint8_t *record = slots_at(&shard->slots, slot)->record;
        if (filter->app < 0 || record_app(record) == filter->app) {
            size_t size = record_size(record);
            if (size > STEP_BYTES - n_bytes) {
                break;
            }
            memcpy(step->bytes + n_bytes, record, size);
            step->starts[step->n++] = (uint16_t)n_bytes;
            n_bytes += size;
        }
        step->n_examined++;
        slot++;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    cursor->position = position_of(at, slot);
}

/* Advances the cursor to the next user in the given states; false if there is none. */
static bool skip_to_next(struct table *table, unsigned states, struct table_cursor *cursor)
{
    uint32_t from = (uint32_t)cursor->position;
    for (uint64_t at = cursor->position >> 32; at < TABLE_N_SHARDS; at++) {
        struct shard *shard = &table->shards[at];
        (void)pthread_mutex_lock(&shard->lock);
        uint32_t slot = slots_next(&shard->slots, states, from);
        (void)pthread_mutex_unlock(&shard->lock);
        if (slot != SLOT_NONE) {
            cursor->position = position_of(at, slot);
            return true;
        }
        from = 0;
    }
    cursor->position = position_of(TABLE_N_SHARDS, 0);
    return false;
}

static bool has_platform(const struct user *user, const struct table_filter *filter,
                         const struct user_view *view)
{
    if (filter->platform < 0) {
        return true;
    }
    if (filter->platform >= PLATFORM_N_MAX) {
        return false;
    }
    if (filter->state == USER_ONLINE) {
        struct platform_set online = user_online_platforms(user, view);
        return platform_set_has(&online, (uint8_t)filter->platform);
    }
    return user_row(user, (uint8_t)filter->platform) != NULL;
}

static size_t visit_step(const struct step *step, const struct table_filter *filter,
                         void (*visit)(void *cls, const struct user *user), void *cls)
{
    size_t n_visited = 0;
    for (size_t i = 0; i < step->n; i++) {
        struct user user;
        record_decode(step->bytes + step->starts[i], &user);
        if (has_platform(&user, filter, &step->view)) {
            visit(cls, &user);
            n_visited++;
        }
    }
    return n_visited;
}

bool table_list(struct table *table, const struct table_filter *filter, size_t limit, size_t max_visited,
                struct table_cursor *cursor, void (*visit)(void *cls, const struct user *user), void *cls)
{
    struct step step;
    while (cursor->position >> 32 < TABLE_N_SHARDS) {
        if (limit == 0 || max_visited == 0) {
            return skip_to_next(table, states_of(filter), cursor);
        }
        copy_step(table, filter, max_visited < STEP_N_MAX ? max_visited : STEP_N_MAX, limit, cursor, &step);
        max_visited -= step.n_examined;
        limit -= visit_step(&step, filter, visit, cls);
    }
    return false;
}
