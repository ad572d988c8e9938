/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_TEXT_H
#define PRESENCED_CTL_TEXT_H

/* Makes text from elsewhere, such as a user id, safe to print on a terminal. Widths are in columns and need a
 * UTF-8 locale (setlocale()). */

#include "presenced/str.h"

/* Appends `text`. Control characters, and characters that hide or reorder the text around them, are written
 * as \u{202e}; bytes that are not UTF-8 as \xff. */
void text_append_safe(struct buf *out, struct str text);

/* Return the width of a text, and how many bytes of it fit into `width` columns. `safe` was made by
 * text_append_safe(). */
size_t text_width(struct str safe);
size_t text_fit(struct str safe, size_t width);

#endif
