/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REPLICA_FAILURE_H
#define PRESENCED_REPLICA_FAILURE_H

/* What went wrong with the engine, in words for people, and what is to be done about it. Any thread. */

#include "link.h"

enum failure_remedy {
    FAILURE_RECONNECT, /* a new connection, after a pause */
    FAILURE_PAUSE,     /* it takes no writes for now; reading goes on */
    FAILURE_LOAD,      /* it has lost the scripts */
    FAILURE_MEET,      /* it holds other data than before */
};

struct failure {
    enum failure_remedy remedy;
    const char *problem; /* constant */
    char detail[LINK_PROBLEM_SIZE];
};

/* Of an error that the engine answered, whose text may be of any place where a script was. -EREMOTEIO. */
int failure_of_reply(const struct link_reply *reply, struct failure *ret_failure);

/* Of a call to link.h that returned `r`, which is below 0 and returned. */
int failure_of_call(int r, struct failure *ret_failure);

/* Of something else; -EREMOTEIO. */
int failure_set(struct failure *ret_failure, enum failure_remedy remedy, const char *problem,
                const char *detail);

#endif
