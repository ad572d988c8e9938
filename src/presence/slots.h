/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SLOTS_H
#define PRESENCED_SLOTS_H

/* Users by slot number. A user keeps its number while it is in the table. There is one bitmap per state, so
 * that listings have a stable order and visit only users in the wanted states, and one bitmap for marked
 * users. For one thread at a time. */

#include "presenced/user.h"

/* A user in memory. The table may hold ten million of them, so everything outside the record fits in four
 * bytes. */
struct entry {
    uint32_t state : 2;    /* enum user_state when last evaluated */
    uint32_t heap_at : 30; /* position in the heap of its state, if there is one */
    uint8_t record[];      /* encoded user (record.h) */
};

#define SLOTS_MAX (UINT32_C(1) << 30)
#define SLOT_NONE UINT32_MAX

struct slots {
    union slot *slots;
    struct state_bits *states;
    uint32_t n_ever_used; /* number of slots ever used; all slots in use are below it */
    uint32_t capacity;
    uint32_t first_free; /* head of the free list; SLOT_NONE: only slots never used before are free */
};

void slots_init(struct slots *slots);

/* Also frees the users. */
void slots_fini(struct slots *slots);

/* Makes room for one more slot, which slots_take() requires. Returns 0 or -ENOMEM. */
int slots_reserve(struct slots *slots);

/* Puts a user into a free slot and into the bitmap of its state. Takes ownership of `entry`, allocated with
 * malloc(). Returns the slot. */
uint32_t slots_take(struct slots *slots, struct entry *entry);

/* Frees a slot and returns its user to the caller. */
struct entry *slots_give_back(struct slots *slots, uint32_t slot);

/* Returns the slot that slots_take() will use next; requires slots_reserve(). */
uint32_t slots_peek(const struct slots *slots);

struct entry *slots_at(const struct slots *slots, uint32_t slot);

/* Updates the pointer of a user that was reallocated. */
void slots_replace(struct slots *slots, uint32_t slot, struct entry *entry);

void slots_set_state(struct slots *slots, uint32_t slot, enum user_state state);

/* Sets or clears the mark of a user; it must be cleared before slots_give_back(). Returns whether the mark
 * changed. */
bool slots_mark(struct slots *slots, uint32_t slot, bool is_marked);

#define SLOTS_ANY_STATE ((1U << USER_N_STATES) - 1)
#define SLOTS_MARKED (1U << USER_N_STATES)

/* Returns the first slot from `from` on whose user is in one of the states (a bit 1 << state for each, or
 * SLOTS_MARKED), or SLOT_NONE. */
uint32_t slots_next(const struct slots *slots, unsigned states, uint32_t from);

#endif
