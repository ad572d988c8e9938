/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_SLOTS_H
#define PRESENCED_SLOTS_H

/* Users by number. A user keeps its number while it is held, and a bitmap a state says who is in it, so lists
 * have an order that nothing disturbs and go over those of a state only; one more says who is marked. One
 * thread at a time. */

#include "presenced/user.h"

/* A user in memory. Ten million of them: what is not in the record is in four bytes. */
struct entry {
    uint32_t state : 2;    /* enum user_state, as last looked at */
    uint32_t heap_at : 30; /* where it stands in the heap of its state, if that has one */
    uint8_t record[];      /* record.h */
};

#define SLOTS_MAX (UINT32_C(1) << 30)
#define SLOT_NONE UINT32_MAX

struct slots {
    union slot *slots;
    struct state_bits *states;
    uint32_t n_ever; /* slots taken at some time: all below it */
    uint32_t capacity;
    uint32_t first_free; /* SLOT_NONE: none but those never taken */
};

void slots_init(struct slots *slots);

/* Frees the users too. */
void slots_fini(struct slots *slots);

/* Room for one more: slots_take() needs it. 0 or -ENOMEM. */
int slots_reserve(struct slots *slots);

/* Takes over `held`, which malloc() gave, filed by its state; returns its slot. */
uint32_t slots_take(struct slots *slots, struct entry *entry);

/* Hands the user back and frees its slot. */
struct entry *slots_give_back(struct slots *slots, uint32_t slot);

/* The slot that slots_take() will return next; after slots_reserve(). */
uint32_t slots_peek(const struct slots *slots);

struct entry *slots_at(const struct slots *slots, uint32_t slot);

/* The user has moved in memory. */
void slots_replace(struct slots *slots, uint32_t slot, struct entry *entry);

void slots_set_state(struct slots *slots, uint32_t slot, enum user_state state);

/* Marks a user, or takes the mark back: before slots_give_back(). Whether that changed anything. */
bool slots_mark(struct slots *slots, uint32_t slot, bool is_marked);

#define SLOTS_ANY_STATE ((1U << USER_N_STATES) - 1)
#define SLOTS_MARKED (1U << USER_N_STATES)

/* The first slot from `from` on whose user is in one of the states (bit 1 << state each, or SLOTS_MARKED), or
 * SLOT_NONE. */
uint32_t slots_next(const struct slots *slots, unsigned states, uint32_t from);

#endif
