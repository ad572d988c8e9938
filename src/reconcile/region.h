/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_REGION_H
#define PRESENCED_REGION_H

/* The host of each region and its alternative, which is used if the first does not answer. */

#include "presenced/reconcile.h"

/* "https://…", indexed by enum config_region. */
extern const char *const region_urls[RECONCILE_N_REGIONS][RECONCILE_N_HOSTS];

#endif
