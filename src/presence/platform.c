/* SPDX-License-Identifier: MIT */
#include "presenced/platform.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static const struct str known_names[PLATFORM_N_KNOWN] = {
    [PLATFORM_UNKNOWN] = {"Unknown", 7}, [PLATFORM_IOS] = {"iOS", 3},
    [PLATFORM_ANDROID] = {"Android", 7}, [PLATFORM_WEB] = {"Web", 3},
    [PLATFORM_WINDOWS] = {"Windows", 7}, [PLATFORM_IPAD] = {"iPad", 4},
    [PLATFORM_MAC] = {"Mac", 3},         [PLATFORM_LINUX] = {"Linux", 5},
    [PLATFORM_RESTAPI] = {"RESTAPI", 7},
};

struct extra_name {
    uint8_t len;
    char text[PLATFORM_NAME_MAX];
};

struct platform_names {
    pthread_mutex_t lock;     /* taken to add a name; readers do not take it */
    _Atomic unsigned n_extra; /* names below it never change again */
    struct extra_name extra[PLATFORM_N_EXTRA_MAX];
};

int platform_names_new(struct platform_names **ret_names)
{
    struct platform_names *names = calloc(1, sizeof(*names));
    if (names == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&names->lock, NULL);
    *ret_names = names;
    return 0;
}

void platform_names_free(struct platform_names *names)
{
    if (names != NULL) {
        (void)pthread_mutex_destroy(&names->lock);
        free(names);
    }
}

bool platform_is_name(struct str name)
{
    if (name.len == 0 || name.len > PLATFORM_NAME_MAX) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] < ' ' || name.ptr[i] > '~') {
            return false;
        }
    }
    return true;
}

static struct str extra_name(const struct platform_names *names, unsigned at)
{
    return (struct str){names->extra[at].text, names->extra[at].len};
}

int platform_find(const struct platform_names *names, struct str name)
{
    for (unsigned i = 0; i < PLATFORM_N_KNOWN; i++) {
        if (str_equal_fold(name, known_names[i])) {
            return (int)i;
        }
    }
    if (str_equal_fold(name, STR("macOS"))) {
        return PLATFORM_MAC;
    }
    unsigned n_extra = atomic_load_explicit(&names->n_extra, memory_order_acquire);
    for (unsigned i = 0; i < n_extra; i++) {
        if (str_equal_fold(name, extra_name(names, i))) {
            return (int)(PLATFORM_N_KNOWN + i);
        }
    }
    return -1;
}

/* Adds a name that does not exist yet. The lock is held. */
static uint8_t add_extra(struct platform_names *names, struct str name)
{
    unsigned at = atomic_load_explicit(&names->n_extra, memory_order_relaxed);
    if (at == PLATFORM_N_EXTRA_MAX) {
        return PLATFORM_UNKNOWN;
    }
    names->extra[at].len = (uint8_t)name.len;
    memcpy(names->extra[at].text, name.ptr, name.len);
    atomic_store_explicit(&names->n_extra, at + 1, memory_order_release);
    return (uint8_t)(PLATFORM_N_KNOWN + at);
}

uint8_t platform_intern(struct platform_names *names, struct str name)
{
    if (!platform_is_name(name)) {
        return PLATFORM_UNKNOWN;
    }
    int found = platform_find(names, name);
    if (found >= 0) {
        return (uint8_t)found;
    }
    (void)pthread_mutex_lock(&names->lock);
    found = platform_find(names, name);
    uint8_t platform = found >= 0 ? (uint8_t)found : add_extra(names, name);
    (void)pthread_mutex_unlock(&names->lock);
    return platform;
}

struct str platform_name(const struct platform_names *names, uint8_t platform)
{
    if (platform < PLATFORM_N_KNOWN) {
        return known_names[platform];
    }
    return extra_name(names, platform - PLATFORM_N_KNOWN);
}

unsigned platform_count(const struct platform_names *names)
{
    return PLATFORM_N_KNOWN + atomic_load_explicit(&names->n_extra, memory_order_acquire);
}
