/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_VALUE_H
#define PRESENCED_VALUE_H

/* From the text of a value to the field that holds it, for options of any kind. */

#include "presenced/options.h"

#define VALUE_REFUSED 1 /* not of the kind or not in the range */

/* Sets the field; of a list: appends what `text` holds, one or several. 0; VALUE_REFUSED with the part of the
 * text that is to blame; -ENOMEM. The field stays fit for value_fini() whatever the outcome. */
int value_set(const struct option_row *option, void *field, struct str text, struct str *ret_refused);

/* Frees what the field holds, and leaves it all zero. */
void value_fini(const struct option_row *option, void *field);

/* 1 … CONFIG_TOKEN_MAX printable ASCII characters, no blank. */
bool value_is_token(struct str text);

#endif
