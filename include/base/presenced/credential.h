/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CREDENTIAL_H
#define PRESENCED_CREDENTIAL_H

/* `credential:NAME`: a file that the service manager provides only to the daemon, in $CREDENTIALS_DIRECTORY
 * (systemd.exec(5), LoadCredential=). May be called from any thread. */

#include "presenced/str.h"

#define CREDENTIAL_REFUSED 1

bool credential_is_named(struct str value);

/* Returns the path of a credential in `ret_path`, which the caller frees: in $CREDENTIALS_DIRECTORY or, if
 * that is not set, in the folder `fallback` (NULL: there is none). Returns 0; CREDENTIAL_REFUSED with the
 * reason, a constant text, in `ret_why`; or -ENOMEM. */
int credential_find(struct str value, const char *fallback, char **ret_path, const char **ret_why);

#endif
