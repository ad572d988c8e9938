/* SPDX-License-Identifier: MIT */
#include "slots.h"

#include <errno.h>

#define FIRST_CAPACITY 64
#define STATE_MASK 3U
#define MARKED USER_N_STATES
#define N_BITMAPS (USER_N_STATES + 1)

union slot {
    struct entry *entry;
    uint32_t next_free;
};

/* The bitmaps of 64 consecutive slots. */
struct state_bits {
    uint64_t words[N_BITMAPS];
};

void slots_init(struct slots *slots)
{
    *slots = (struct slots){.first_free = SLOT_NONE};
}

void slots_fini(struct slots *slots)
{
    for (uint32_t at = 0; (at = slots_next(slots, SLOTS_ANY_STATE, at)) != SLOT_NONE; at++) {
        free(slots->slots[at].entry);
    }
    free(slots->slots);
    free(slots->states);
    slots_init(slots);
}

static int grow(struct slots *slots)
{
    uint32_t capacity = (slots->capacity + slots->capacity / 4 + 63) & ~UINT32_C(63);
    capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity;
    if (capacity > SLOTS_MAX) {
        return -ENOMEM;
    }
    union slot *grown = reallocarray(slots->slots, capacity, sizeof(*grown));
    if (grown == NULL) {
        return -ENOMEM;
    }
    slots->slots = grown;
    struct state_bits *states = reallocarray(slots->states, capacity / 64, sizeof(*states));
    if (states == NULL) {
        return -ENOMEM;
    }
    memset(states + slots->capacity / 64, 0, (capacity - slots->capacity) / 64 * sizeof(*states));
    slots->states = states;
    slots->capacity = capacity;
    return 0;
}

int slots_reserve(struct slots *slots)
{
    bool has_room = slots->first_free != SLOT_NONE || slots->n_ever_used < slots->capacity;
    return has_room ? 0 : grow(slots);
}

static uint64_t *state_word(const struct slots *slots, uint32_t slot, unsigned state)
{
    return &slots->states[slot / 64].words[state];
}

static uint64_t bit_of(uint32_t slot)
{
    return UINT64_C(1) << (slot % 64);
}

uint32_t slots_peek(const struct slots *slots)
{
    return slots->first_free != SLOT_NONE ? slots->first_free : slots->n_ever_used;
}

uint32_t slots_take(struct slots *slots, struct entry *entry)
{
    uint32_t slot = slots_peek(slots);
    if (slot == slots->first_free) {
        slots->first_free = slots->slots[slot].next_free;
    } else {
        slots->n_ever_used++;
    }
    slots->slots[slot].entry = entry;
    *state_word(slots, slot, entry->state) |= bit_of(slot);
    return slot;
}

struct entry *slots_give_back(struct slots *slots, uint32_t slot)
{
    struct entry *entry = slots->slots[slot].entry;
    *state_word(slots, slot, entry->state) &= ~bit_of(slot);
    slots->slots[slot].next_free = slots->first_free;
    slots->first_free = slot;
    return entry;
}

struct entry *slots_at(const struct slots *slots, uint32_t slot)
{
    return slots->slots[slot].entry;
}

void slots_replace(struct slots *slots, uint32_t slot, struct entry *entry)
{
    slots->slots[slot].entry = entry;
}

void slots_set_state(struct slots *slots, uint32_t slot, enum user_state state)
{
    struct entry *entry = slots->slots[slot].entry;
    *state_word(slots, slot, entry->state) &= ~bit_of(slot);
    *state_word(slots, slot, state) |= bit_of(slot);
    entry->state = state & STATE_MASK;
}

bool slots_mark(struct slots *slots, uint32_t slot, bool is_marked)
{
    uint64_t *word = state_word(slots, slot, MARKED);
    uint64_t before = *word;
    *word = is_marked ? before | bit_of(slot) : before & ~bit_of(slot);
    return *word != before;
}

static uint64_t bits_of_states(const struct slots *slots, uint32_t block, unsigned states)
{
    uint64_t bits = 0;
    for (unsigned state = 0; state < N_BITMAPS; state++) {
        bits |= (states >> state & 1) != 0 ? slots->states[block].words[state] : 0;
    }
    return bits;
}

uint32_t slots_next(const struct slots *slots, unsigned states, uint32_t from)
{
    uint64_t wanted = ~UINT64_C(0) << (from % 64);
    for (uint32_t block = from / 64; block < slots->capacity / 64; block++) {
        uint64_t bits = bits_of_states(slots, block, states) & wanted;
        if (bits != 0) {
            return block * 64 + (uint32_t)__builtin_ctzll(bits);
        }
        wanted = ~UINT64_C(0);
    }
    return SLOT_NONE;
}
