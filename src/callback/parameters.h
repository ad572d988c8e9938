/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CALLBACK_PARAMETERS_H
#define PRESENCED_CALLBACK_PARAMETERS_H

/* The parameters of the callback URL that mean something; any others are the operator's or news. Any thread.
 */

#include "presenced/query.h"

enum parameter {
    PARAMETER_SDKAPPID,
    PARAMETER_SIGN,
    PARAMETER_REQUEST_TIME,
    PARAMETER_COMMAND,
    PARAMETER_CLIENT_IP,
    PARAMETER_OPT_PLATFORM,
    N_PARAMETERS,
};

void parameters_find(struct str query, struct query_value ret_values[static N_PARAMETERS]);

#endif
