/* SPDX-License-Identifier: MIT */
/* Marks of users that reconciliation should query: one bit per user, whose cost does not depend on how many
 * are marked. */
#include "table_private.h"

#include "presenced/array.h"
#include "presenced/record.h"

#include <stdatomic.h>

#define STEP_BYTES 8192

/* Users copied out while a shard's lock is held once. */
struct step {
    size_t n_bytes;
    size_t n;
    uint16_t starts[STEP_BYTES / 16];
    uint8_t bytes[STEP_BYTES];
};

_Static_assert(STEP_BYTES >= RECORD_SIZE_MAX, "any user fits a step");

void table_mark_doubts(struct table *table, uint16_t app, bool is_on)
{
    atomic_store_explicit(&table->apps[app]->marks_doubts, is_on, memory_order_relaxed);
}

void table_mark_slot(struct table *table, struct shard *shard, uint32_t slot, bool is_marked)
{
    if (!slots_mark(&shard->slots, slot, is_marked)) {
        return;
    }
    struct app *app = table->apps[record_app(slots_at(&shard->slots, slot)->record)];
    uint32_t step = is_marked ? 1 : UINT32_MAX;
    atomic_fetch_add_explicit(&table->n_marked[shard - table->shards], step, memory_order_relaxed);
    atomic_fetch_add_explicit(&app->n_marked, is_marked ? 1 : UINT64_MAX, memory_order_relaxed);
}

void table_mark(struct table *table, uint16_t app, struct str user_id)
{
    struct place place = table_place(table, app, user_id);
    (void)pthread_mutex_lock(&place.shard->lock);
    uint32_t slot = shard_find(place.shard, place.hash, app, user_id);
    if (slot != SLOT_NONE) {
        table_mark_slot(table, place.shard, slot, true);
    }
    (void)pthread_mutex_unlock(&place.shard->lock);
}

static bool was_heard_since(const uint8_t *record, uint64_t until_ms)
{
    struct user user;
    record_decode(record, &user);
    for (unsigned i = 0; i < user.n_rows; i++) {
        if (user.rows[i].received_unix_ms > until_ms) {
            return true;
        }
    }
    return false;
}

/* Clears the marks of users of the app from `*slot` on and copies these users into the step. `*slot` is
 * SLOT_NONE at the end. */
static void take_step(struct table *table, struct shard *shard, uint16_t app, uint64_t until_ms, size_t limit,
                      uint32_t *slot, struct step *step)
{
    step->n = 0;
    step->n_bytes = 0;
    (void)pthread_mutex_lock(&shard->lock);
    while (step->n < limit && step->n < N_ELEMENTS(step->starts)) {
        *slot = slots_next(&shard->slots, SLOTS_MARKED, *slot);
        if (*slot == SLOT_NONE) {
            break;
        }
        const uint8_t *record = slots_at(&shard->slots, *slot)->record;
        if (record_app(record) == app && !was_heard_since(record, until_ms)) {
            size_t size = record_size(record);
            if (size > STEP_BYTES - step->n_bytes) {
                break;
            }
            memcpy(step->bytes + step->n_bytes, record, size);
            step->starts[step->n++] = (uint16_t)step->n_bytes;
            step->n_bytes += size;
            table_mark_slot(table, shard, *slot, false);
        }
        (*slot)++;
    }
    (void)pthread_mutex_unlock(&shard->lock);
}

size_t table_take_marked(struct table *table, uint16_t app, uint64_t until_ms, size_t limit,
                         void (*visit)(void *cls, const struct user *user), void *cls)
{
    struct step step;
    size_t n = 0;
    for (unsigned at = 0; at < TABLE_N_SHARDS && n < limit; at++) {
        bool is_any = atomic_load_explicit(&table->n_marked[at], memory_order_relaxed) != 0;
        for (uint32_t slot = is_any ? 0 : SLOT_NONE; slot != SLOT_NONE && n < limit;) {
            take_step(table, &table->shards[at], app, until_ms, limit - n, &slot, &step);
            for (size_t i = 0; i < step.n; i++) {
                struct user user;
                record_decode(step.bytes + step.starts[i], &user);
                visit(cls, &user);
            }
            n += step.n;
        }
    }
    return n;
}

uint64_t table_n_marked(const struct table *table, uint16_t app)
{
    return atomic_load_explicit(&table->apps[app]->n_marked, memory_order_relaxed);
}

uint64_t table_n_events(const struct table *table, uint16_t app)
{
    return app_n_events(table->apps[app]);
}
