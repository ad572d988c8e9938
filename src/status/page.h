/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_PAGE_H
#define PRESENCED_STATUS_PAGE_H

/* GET / and the files of the page shown there: src/status/page/, which are part of the program. They contain
 * no data, so they are served without a token. Any thread may call everything here. */

#include "presenced/request.h"
#include "presenced/str.h"

struct page_file;

/* Returns the file of that name ("" is the page itself), or NULL. */
const struct page_file *page_find(struct str name);

/* Answers with the file, or with 304 if the client already has it. With `needs_token`, the reply says that
 * other requests need a token, so that the page knows this without a refused request. Returns NULL if out of
 * memory. */
struct http_reply *page_answer(const struct page_file *file, const struct http_request *request,
                               bool needs_token);

#endif
