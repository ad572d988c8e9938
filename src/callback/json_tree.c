/* SPDX-License-Identifier: MIT */
#include "json_tree.h"

#include <cjson/cJSON.h>
#include <stdalign.h>

#define ARENA_BYTES 8192 /* the documented body takes 1.5 KiB */

static _Thread_local struct {
    alignas(max_align_t) unsigned char bytes[ARENA_BYTES];
    size_t used;
    unsigned n_trees;    /* trees that may use the arena */
    bool is_open;        /* a tree is being parsed */
    bool has_overflowed; /* parts of them are on the heap */
} arena;

static void *arena_alloc(size_t size)
{
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!arena.is_open) {
        return malloc(size);
    }
    if (rounded < size || rounded > ARENA_BYTES - arena.used) {
        arena.has_overflowed = true;
        return malloc(size);
    }
    void *taken = arena.bytes + arena.used;
    arena.used += rounded;
    return taken;
}

static bool is_in_arena(const void *pointer)
{
    return (uintptr_t)pointer - (uintptr_t)arena.bytes < ARENA_BYTES;
}

static void arena_free(void *pointer)
{
    if (!is_in_arena(pointer)) {
        free(pointer);
    }
}

void json_tree_prepare(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = arena_alloc, .free_fn = arena_free});
}

static void release_tree(void)
{
    if (--arena.n_trees == 0) {
        arena.used = 0;
        arena.has_overflowed = false;
    }
}

cJSON *json_tree_parse(struct str text)
{
    arena.n_trees++;
    arena.is_open = true;
    cJSON *tree = cJSON_ParseWithLengthOpts(text.ptr, text.len, NULL, 0);
    arena.is_open = false;
    arena.has_overflowed |= tree != NULL && !is_in_arena(tree);
    if (tree == NULL) {
        release_tree();
    }
    return tree;
}

/* A tree that is entirely in the arena needs no deletion of its nodes. */
void json_tree_free(cJSON *tree)
{
    if (tree == NULL) {
        return;
    }
    if (arena.has_overflowed) {
        cJSON_Delete(tree);
    }
    release_tree();
}
