/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CHECK_H
#define PRESENCED_CHECK_H

/* Checks that the options of a configuration are consistent with each other, after each was validated by
 * itself. */

#include "problems.h"

void check_config(const struct config *config, struct problems *problems);

#endif
