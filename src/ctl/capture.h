/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_CAPTURE_H
#define PRESENCED_CTL_CAPTURE_H

/* A captured callback, from a file: its request line ("POST /?SdkAppid=… HTTP/1.1") or its target or URL
 * alone, headers or none, an empty line, the body. */

#include "arguments.h"

struct capture {
    struct buf head; /* of which the texts below are part, or of the command line */
    struct buf body;
    struct str method; /* "POST" where nothing is said */
    struct str target; /* without the host */
};

/* Of --file, or of --url and --body. 0 or CTL_WRONG, which has been said. For capture_fini() in any case. */
int capture_read(const struct arguments *arguments, struct capture *ret_capture);
void capture_fini(struct capture *capture);

/* Takes the file apart. False: there is no line to be a target. */
bool capture_parse(struct str file, struct capture *ret_capture);

#endif
