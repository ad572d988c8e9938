/* SPDX-License-Identifier: MIT */
#include "presenced/secret.h"

#include <errno.h>
#include <sys/mman.h>

struct secret {
    size_t len;
    char bytes[SECRET_SIZE_MAX];
};

int secret_new(struct str bytes, struct secret **ret_secret)
{
    if (bytes.len > SECRET_SIZE_MAX) {
        return -EFBIG;
    }
    struct secret *secret = mmap(NULL, sizeof(*secret), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                                 -1, 0);
    if (secret == MAP_FAILED) {
        return -ENOMEM;
    }
    (void)mlock(secret, sizeof(*secret));
    (void)madvise(secret, sizeof(*secret), MADV_DONTDUMP);
    secret->len = bytes.len;
    if (bytes.len > 0) {
        memcpy(secret->bytes, bytes.ptr, bytes.len);
    }
    *ret_secret = secret;
    return 0;
}

void secret_free(struct secret *secret)
{
    if (secret != NULL) {
        explicit_bzero(secret, sizeof(*secret));
        (void)munmap(secret, sizeof(*secret));
    }
}

struct str secret_str(const struct secret *secret)
{
    return secret == NULL ? STR("") : (struct str){secret->bytes, secret->len};
}
