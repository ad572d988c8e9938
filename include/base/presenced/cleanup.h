/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CLEANUP_H
#define PRESENCED_CLEANUP_H

/* Scope cleanup: a local variable declared with cleanup() is released when its scope ends, on every path. To
 * pass ownership on, move the value out with take_pointer() or take_fd(). */

#include <stdlib.h>
#include <unistd.h>

#define cleanup(function) __attribute__((cleanup(function)))

/* Defines T_freep() for a destructor `void T_free(struct T *)` that accepts NULL; `type` is `struct T *`. */
#define DEFINE_CLEANUP(type, destroy)           \
    static inline void destroy##p(type *object) \
    {                                           \
        destroy(*object);                       \
    }

static inline void cleanup_freep(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_closep(const int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
}

#define take_pointer(pointer)                   \
    ({                                          \
        __typeof__(pointer) taken_ = (pointer); \
        (pointer) = NULL;                       \
        taken_;                                 \
    })

static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

#endif
