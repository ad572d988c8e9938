/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CHECK_H
#define PRESENCED_CHECK_H

/* What the options of a configuration must be to one another, once each is good by itself. */

#include "problems.h"

void check_config(const struct config *config, struct problems *problems);

#endif
