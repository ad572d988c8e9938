/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONFIG_SETTINGS_H
#define PRESENCED_CONFIG_SETTINGS_H

/* The values of a configuration as written, in the order in which they were read. */

#include "presenced/config.h"

/* Returns 0 or -ENOMEM. */
int settings_add(struct config_settings *settings, unsigned line, const struct option_row *option,
                 uint64_t app_id, struct str value);

void settings_fini(struct config_settings *settings);

#endif
