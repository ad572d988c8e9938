/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CREDENTIAL_H
#define PRESENCED_CREDENTIAL_H

/* `credential:NAME`: a file that the service manager gives to the daemon alone, in $CREDENTIALS_DIRECTORY
 * (systemd.exec(5), LoadCredential=). Any thread. */

#include "presenced/str.h"

#define CREDENTIAL_REFUSED 1

bool credential_is_named(struct str value);

/* The path of what is named, for free(): in $CREDENTIALS_DIRECTORY, where that is not set in the folder
 * `fallback`; NULL: there is none. 0; CREDENTIAL_REFUSED with the reason, a constant text; -ENOMEM. */
int credential_find(struct str value, const char *fallback, char **ret_path, const char **ret_why);

#endif
