/* SPDX-License-Identifier: MIT */
#include "app_choice.h"

#include "parameter.h"

int app_choose(const struct table *table, int only_app, const uint64_t *app_id, uint16_t *ret_app)
{
    int single_app = table_n_apps(table) == 1 ? 0 : only_app;
    if (app_id == NULL && single_app == APP_ANY) {
        return APP_NOT_NAMED;
    }
    int app = app_id == NULL ? single_app : table_find_app(table, *app_id);
    if (app < 0 || (only_app != APP_ANY && app != only_app)) {
        return APP_UNKNOWN;
    }
    *ret_app = (uint16_t)app;
    return 0;
}

int app_choose_by_parameter(const struct table *table, int only_app, const struct query_value *value,
                            uint16_t *ret_app)
{
    uint64_t app_id;
    int outcome = parameter_u64(value, UINT64_MAX, &app_id);
    if (outcome == PARAMETER_BAD) {
        return APP_MALFORMED;
    }
    return app_choose(table, only_app, outcome == PARAMETER_ABSENT ? NULL : &app_id, ret_app);
}

struct problem app_choice_problem(int outcome)
{
    switch (outcome) {
    case APP_UNKNOWN:
        return (struct problem){404, "no such app is configured"};
    case APP_NOT_NAMED:
        return (struct problem){400, "app is missing; it may be left out only where one app is configured"};
    default:
        return (struct problem){400, "app is not the number of an app, given once"};
    }
}
