/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOADER_H
#define PRESENCED_LOADER_H

/* From the engine, with what is pending, into the table: names and apps first, then users, by a few threads.
 * Called by one thread. */

#include "pending.h"

#include "presenced/store.h"

/* What is to be read, both borrowed. */
struct loader_source {
    struct engine *engine;
    const struct pending *pending;
};

/* Checks that the layout is known, and reads up to where of which journal the engine has all. As
 * loader_run(). */
int loader_read_position(struct engine *engine, struct layout_position *ret_position,
                         struct engine_error *ret_error);

/* Interns the names of platforms. As loader_run(). */
int loader_read_names(const struct loader_source *source, struct platform_names *names,
                      struct engine_error *ret_error);

/* 0, or -ECANCELED where is_cancelled() says so. */
int loader_check_cancelled(const struct store_config *config);

/* Loads all that there is into config's table, telling config's callbacks. 0; -ECANCELED; -EBADMSG: a pair is
 * not as it should be; -EPROTONOSUPPORT: of a newer layout; or as the engine. `ret_error` has the words. */
int loader_run(const struct store_config *config, const struct loader_source *source, uint64_t *ret_n_users,
               struct engine_error *ret_error);

#endif
