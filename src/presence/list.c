/* SPDX-License-Identifier: MIT */
/* Lists go over shards and slots by number. Users are copied out in small steps with the shard locked, and
 * unpacked and handed out without. A cursor is the next slot to look at: shard << 32 | slot. */
#include "table_private.h"

#include "presenced/record.h"

#include <assert.h>

#define STEP_LOOKS 128
#define STEP_BYTES 8192

static_assert(STEP_BYTES >= RECORD_SIZE_MAX, "any user fits a step");

/* What one hold of a shard's lock yields. */
struct step {
    struct user_view view; /* how they are filed */
    size_t n_looked;
    size_t n;
    uint16_t starts[STEP_LOOKS];
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

/* Copies users from the cursor on, of its shard only, and moves the cursor behind them. */
static void copy_step(struct table *table, const struct table_filter *filter, size_t max_looks,
                      size_t max_copies, struct table_cursor *cursor, struct step *step)
{
    uint64_t at = cursor->position >> 32;
    uint32_t slot = (uint32_t)cursor->position;
    struct shard *shard = &table->shards[at];
    size_t n_bytes = 0;
    step->n = 0;
    step->n_looked = 0;
    (void)pthread_mutex_lock(&shard->lock);
    step->view = table_filed_view(table, shard, slot, 0);
    while (step->n_looked < max_looks && step->n < max_copies) {
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
        step->n_looked++;
        slot++;
    }
    (void)pthread_mutex_unlock(&shard->lock);
    cursor->position = position_of(at, slot);
}

/* Moves the cursor on to the next user of the states; false where there is none. */
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
        copy_step(table, filter, max_visited < STEP_LOOKS ? max_visited : STEP_LOOKS, limit, cursor, &step);
        max_visited -= step.n_looked;
        limit -= visit_step(&step, filter, visit, cls);
    }
    return false;
}
