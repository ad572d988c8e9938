/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_FAILURE_H
#define PRESENCED_REPLICA_FAILURE_H

/* A failure of the engine or the connection: a description and the remedy. Any thread. */

#include "link.h"

enum failure_remedy {
    FAILURE_RECONNECT, /* connect again after a pause */
    FAILURE_PAUSE,     /* pause sending, because writes are refused; reading continues */
    FAILURE_LOAD,      /* load the scripts again */
    FAILURE_MEET,      /* compare all rows, because the data is not the same as before */
};

struct failure {
    enum failure_remedy remedy;
    const char *problem; /* constant */
    char detail[LINK_PROBLEM_SIZE];
};

/* Describes an error reply of the engine. Returns -EREMOTEIO. */
int failure_of_reply(const struct link_reply *reply, struct failure *ret_failure);

/* Describes a failed call, for example of link.h, that returned `r`. Returns `r`. */
int failure_of_call(int r, struct failure *ret_failure);

/* Describes any other failure. `problem` must be constant; `detail` is copied. Returns -EREMOTEIO. */
int failure_set(struct failure *ret_failure, enum failure_remedy remedy, const char *problem,
                const char *detail);

#endif
