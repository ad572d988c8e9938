/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_CAPTURE_H
#define PRESENCED_CTL_CAPTURE_H

/* Reads a captured callback from a file: the request line ("POST /?SdkAppid=… HTTP/1.1"), or only the target
 * or URL; optional headers; an empty line; the body. */

#include "arguments.h"

struct capture {
    struct buf head; /* the file; `method` and `target` point into it, or into the command line */
    struct buf body;
    struct str method; /* "POST" if there is no request line */
    struct str target; /* without the host */
};

/* Reads the file given by --file, or takes --url and reads --body. Returns 0, or CTL_WRONG after printing the
 * error. `ret_capture` must be passed to capture_fini() in either case. */
int capture_read(const struct arguments *arguments, struct capture *ret_capture);
void capture_fini(struct capture *capture);

/* Parses the content of a file, which is copied. Returns false if its first line is empty, or if out of
 * memory. */
bool capture_parse(struct str file, struct capture *ret_capture);

#endif
