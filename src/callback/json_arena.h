/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_JSON_ARENA_H
#define PRESENCED_CALLBACK_JSON_ARENA_H

/* Where cJSON puts the tree of a callback's body: into some memory of the thread, taken from front to back
 * and given back as a whole, instead of forty pieces of the heap. A tree that is too large for it goes on in
 * the heap. */

/* Gives cJSON this memory, once a process and before a second thread uses cJSON. Without it, and outside of
 * begin and end, cJSON uses the heap. */
void json_arena_prepare(void);

/* What cJSON allocates on this thread from begin to end lies in the arena, until release: on the same thread,
 * once for each begin, after cJSON_Delete(). */
void json_arena_begin(void);
void json_arena_end(void);
void json_arena_release(void);

#endif
