/* SPDX-License-Identifier: MIT */
#include "outcome.h"

const struct outcome callback_outcomes[CALLBACK_N_OUTCOMES] = {
#define AS_ROW(id, name, status, level, text) [CALLBACK_##id] = {name, status, LOG_LEVEL_##level, text},
    CALLBACK_OUTCOMES(AS_ROW)
#undef AS_ROW
#define AS_ROW(id, name, text) [CALLBACK_BODY_##id] = {"bad_body_" name, 200, LOG_LEVEL_WARNING, text},
        STATE_CHANGE_OUTCOMES(AS_ROW)
#undef AS_ROW
};

const char *callback_outcome_name(enum callback_outcome outcome)
{
    return callback_outcomes[outcome].name;
}

const char *callback_outcome_answer(enum callback_outcome outcome)
{
    if (outcome == CALLBACK_HEALTHY || outcome == CALLBACK_NOT_READY) {
        return "health";
    }
    if (callback_outcomes[outcome].status != 200) {
        return "refused";
    }
    return callback_outcomes[outcome].error_info[0] == '\0' ? "ok" : "fail";
}
