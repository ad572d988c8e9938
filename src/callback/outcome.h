/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_OUTCOME_H
#define PRESENCED_CALLBACK_OUTCOME_H

/* CALLBACK_OUTCOMES and what is wrong with a body, as one table. Constant; any thread. */

#include "presenced/callback.h"

struct outcome {
    const char *name;
    unsigned status;
    enum log_level level;
    const char *error_info; /* "": the answer is OK */
};

extern const struct outcome callback_outcomes[CALLBACK_N_OUTCOMES];

#endif
