/* SPDX-License-Identifier: MIT */
#include "token.h"

#include "presenced/credential.h"
#include "presenced/read_file.h"

#include <errno.h>
#include <unistd.h>

#define TOKEN_FILE_MAX 1024

/* Where systemd keeps the credentials of the running service, readable by root and the service's user. Used
 * if CREDENTIALS_DIRECTORY is not set: it is set for the unit's ExecReload, but not for a command in a
 * shell. */
#define SERVICE_CREDENTIALS "/run/credentials/presenced.service"

static void append_error(struct buf *why, const char *path, int error)
{
    buf_appendf(why, "%s: %s", path, error == -ENODATA ? "it is empty" : read_file_error(error));
}

int token_read(const char *path, struct buf *ret_token, struct buf *why)
{
    mode_t unused = 0;
    int r = read_file(path, TOKEN_FILE_MAX, ret_token, &unused);
    while (r == 0 && ret_token->len > 0 && strchr("\r\n", ret_token->ptr[ret_token->len - 1]) != NULL) {
        ret_token->len--;
    }
    if (r == 0 && ret_token->len == 0) {
        r = -ENODATA;
    }
    if (r < 0) {
        append_error(why, path, r);
    }
    return r;
}

/* Checks that a credential can be read, and explains where it comes from if not, because its path is not in
 * the configuration. */
static int check_credential(const char *option, const char *value, const char *path, struct buf *why)
{
    if (access(path, R_OK) == 0) {
        return 0;
    }
    int r = -errno;
    buf_appendf(why, "%s = %s: ", option, value);
    append_error(why, path, r);
    buf_append(why, r == -EACCES ? STR(": root may read it")
                                 : STR(": systemd keeps it there while presenced.service runs, if "
                                       "LoadCredential= names it"));
    return r;
}

int token_find_option(const char *option, const char *value, char **ret_path, struct buf *why)
{
    cleanup(cleanup_freep) char *path = NULL;
    const char *refused;
    if (!credential_is_named(str_from(value))) {
        *ret_path = strdup(value);
        return *ret_path == NULL ? -ENOMEM : 0;
    }
    int r = credential_find(str_from(value), SERVICE_CREDENTIALS, &path, &refused);
    if (r == CREDENTIAL_REFUSED) {
        buf_appendf(why, "%s = %s: %s", option, value, refused);
        return -EINVAL;
    }
    if (r < 0) {
        return r;
    }
    r = check_credential(option, value, path, why);
    if (r < 0) {
        return r;
    }
    *ret_path = take_pointer(path);
    return 0;
}

int token_read_option(const char *option, const char *value, struct buf *ret_token, struct buf *why)
{
    cleanup(cleanup_freep) char *path = NULL;
    int r = token_find_option(option, value, &path, why);
    return r < 0 ? r : token_read(path, ret_token, why);
}
