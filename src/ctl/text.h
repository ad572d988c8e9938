/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TEXT_H
#define PRESENCED_CTL_TEXT_H

/* Text that came from elsewhere, such as a user's id, made fit for a terminal. Widths are in columns, and
 * need a UTF-8 locale (setlocale()). */

#include "presenced/str.h"

/* Appends `text` with what a terminal may obey, or what hides or turns round what stands beside it, as
 * \u{202e}, and bytes that are not UTF-8 as \xff. */
void text_append_safe(struct buf *out, struct str text);

/* Both are for what text_append_safe() has made: how many columns it takes; how many bytes of it fit into
 * `width` columns. */
size_t text_width(struct str safe);
size_t text_fit(struct str safe, size_t width);

#endif
