/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VALUE_H
#define PRESENCED_VALUE_H

/* Parses the text of a value into its field, for options of any kind. */

#include "presenced/options.h"

#define VALUE_REFUSED 1 /* not valid for the kind, or out of range */

/* Sets the field; for a list, appends the values in `text`. Returns 0; VALUE_REFUSED with the invalid part of
 * the text in `ret_refused`; or -ENOMEM. The field remains valid for value_fini() in any case. */
int value_set(const struct option_row *option, void *field, struct str text, struct str *ret_refused);

/* Frees the value of the field and sets it to zero. */
void value_fini(const struct option_row *option, void *field);

/* Returns whether the text has 1 to CONFIG_TOKEN_MAX printable ASCII characters without spaces. */
bool value_is_token(struct str text);

#endif
