/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOADER_H
#define PRESENCED_LOADER_H

/* From the engine into the table: names and apps first, then users, by a few threads. */

#include "engine.h"

#include "presenced/store.h"

struct loaded {
    uint64_t n_users;
    uint64_t oldest_minute_ms; /* of those stored; 0: none */
    uint64_t newest_minute_ms;
};

/* Checks that the layout is one that is known, and hears the names of platforms. As loader_run(). */
int loader_read_names(struct engine *engine, struct platform_names *names, struct engine_error *ret_error);

/* Loads all that the engine holds into config's table, telling config's callbacks. 0; -EBADMSG: a pair is not
 * as it should be; -EPROTONOSUPPORT: of a newer layout; or as the engine says. `ret_error` has the words. */
int loader_run(const struct store_config *config, struct engine *engine, struct loaded *ret_loaded,
               struct engine_error *ret_error);

#endif
