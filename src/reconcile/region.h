/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REGION_H
#define PRESENCED_REGION_H

/* Whom to ask: the host of each region, and the one beside it for when it does not answer. Constant. */

#include "presenced/reconcile.h"

/* "https://…", by enum config_region's numbers. */
extern const char *const region_urls[RECONCILE_N_REGIONS][RECONCILE_N_HOSTS];

#endif
