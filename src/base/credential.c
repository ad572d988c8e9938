/* SPDX-License-Identifier: MIT */
#include "presenced/credential.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct str prefix = {"credential:", 11};

bool credential_is_named(struct str value)
{
    return str_starts_with(value, prefix);
}

static bool is_file_name(struct str name)
{
    return name.len > 0 && memchr(name.ptr, '/', name.len) == NULL && !str_equal(name, STR(".")) &&
           !str_equal(name, STR(".."));
}

int credential_find(struct str value, const char *fallback, char **ret_path, const char **ret_why)
{
    struct str name = {value.ptr + prefix.len, value.len - prefix.len};
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    if (!is_file_name(name)) {
        *ret_why = "a credential is named as a file is, without '/'";
        return CREDENTIAL_REFUSED;
    }
    if (folder == NULL || folder[0] == '\0') {
        folder = fallback;
    }
    if (folder == NULL) {
        *ret_why =
            "CREDENTIALS_DIRECTORY is not set: systemd sets it for the service that has LoadCredential=";
        return CREDENTIAL_REFUSED;
    }
    char *path;
    if (asprintf(&path, "%s/%.*s", folder, STR_FMT(name)) < 0) {
        return -ENOMEM;
    }
    *ret_path = path;
    return 0;
}
