/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_OUTCOME_H
#define PRESENCED_CALLBACK_OUTCOME_H

/* All outcomes as one table: those of CALLBACK_OUTCOMES and those of a rejected body. Constant; any thread
 * may read it. */

#include "presenced/callback.h"

struct outcome {
    const char *name;
    unsigned status;
    enum log_level level;
    const char *error_info; /* "": the answer is OK */
};

extern const struct outcome callback_outcomes[CALLBACK_N_OUTCOMES];

#endif
