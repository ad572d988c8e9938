/* SPDX-License-Identifier: MIT */
#include "scarce_memory.h"

#include <errno.h>
#include <stdlib.h>

static struct scarcity left;
static unsigned n_failed;

void memory_end(struct scarcity scarcity)
{
    n_failed = 0;
    left = scarcity;
}

unsigned memory_restore(void)
{
    left = (struct scarcity){0};
    return n_failed;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *pointer, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool is_gone(void)
{
    if (left.n_failing == 0) {
        return false;
    }
    if (left.n_before > 0) {
        left.n_before--;
        return false;
    }
    left.n_failing--;
    n_failed++;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_gone() ? NULL : __libc_malloc(size);
}

void *calloc(size_t nmemb, size_t size)
{
    return is_gone() ? NULL : __libc_calloc(nmemb, size);
}

void *realloc(void *ptr, size_t size)
{
    return is_gone() ? NULL : __libc_realloc(ptr, size);
}

void *reallocarray(void *ptr, size_t nmemb, size_t size)
{
    return is_gone() ? NULL : __libc_realloc(ptr, nmemb * size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return is_gone() ? NULL : __libc_memalign(alignment, size);
}

#endif
