/* SPDX-License-Identifier: MIT */
#include "json_arena.h"

#include <cjson/cJSON.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ARENA_BYTES 8192 /* the documented body takes 1.5 KiB */

static _Thread_local struct {
    alignas(max_align_t) unsigned char bytes[ARENA_BYTES];
    size_t used;
    unsigned n_users; /* trees that may lie here */
    bool is_open;
} arena;

static void *take(size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena.is_open || rounded < size || rounded > ARENA_BYTES - arena.used) {
        return malloc(size);
    }
    void *taken = arena.bytes + arena.used;
    arena.used += rounded;
    return taken;
}

static void give_back(void *pointer)
{
    uintptr_t offset = (uintptr_t)pointer - (uintptr_t)arena.bytes;
    if (offset >= ARENA_BYTES) {
        free(pointer);
    }
}

void json_arena_prepare(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = take, .free_fn = give_back});
}

void json_arena_begin(void)
{
    arena.n_users++;
    arena.is_open = true;
}

void json_arena_end(void)
{
    arena.is_open = false;
}

void json_arena_release(void)
{
    if (--arena.n_users == 0) {
        arena.used = 0;
    }
}
