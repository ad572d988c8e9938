/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_PAGE_H
#define PRESENCED_STATUS_PAGE_H

/* GET / and the files that the page there is made of: src/status/page/, which the program carries with it.
 * They hold nothing but the page itself, so they are open to anybody. Any thread. */

#include "presenced/request.h"
#include "presenced/str.h"

struct page_file;

/* The file of that name, "" the page itself; NULL: there is none. */
const struct page_file *page_find(struct str name);

/* The file, or 304 where the one who asks has it already. `needs_token`: all else is answered to who shows a
 * token, which the reply says too, so that the page need not be refused something to learn of it. NULL when
 * memory is gone. */
struct http_reply *page_answer(const struct page_file *file, const struct http_request *request,
                               bool needs_token);

#endif
