/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONFIG_CREDENTIAL_H
#define PRESENCED_CONFIG_CREDENTIAL_H

/* `credential:NAME`: a file that the service manager provides only to the daemon, in $CREDENTIALS_DIRECTORY
 * (systemd.exec(5), LoadCredential=). */

#include "presenced/str.h"

#define CREDENTIAL_REFUSED 1

bool credential_is_named(struct str value);

/* Returns the path of a credential in `ret_path`, which the caller frees. Returns 0; CREDENTIAL_REFUSED with
 * the reason, a constant text, in `ret_why`; or -ENOMEM. */
int credential_find(struct str value, char **ret_path, const char **ret_why);

#endif
