/* SPDX-License-Identifier: MIT */
#include "parameters.h"

void parameters_find(struct str query, struct query_value ret_values[static N_PARAMETERS])
{
    static const struct str names[N_PARAMETERS] = {
        [PARAMETER_SDKAPPID] = {"SdkAppid", 8},         [PARAMETER_SIGN] = {"Sign", 4},
        [PARAMETER_REQUEST_TIME] = {"RequestTime", 11}, [PARAMETER_COMMAND] = {"CallbackCommand", 15},
        [PARAMETER_CLIENT_IP] = {"ClientIP", 8},        [PARAMETER_OPT_PLATFORM] = {"OptPlatform", 11},
    };
    query_find(query, names, N_PARAMETERS, ret_values);
}
