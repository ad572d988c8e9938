/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_LOADER_H
#define PRESENCED_LOADER_H

/* Loads the engine's content and the pending pairs into the table: names and apps first, then users with
 * several threads. Called by one thread. */

#include "pending.h"

#include "presenced/store.h"

/* What to load; borrowed. */
struct loader_source {
    struct engine *engine;
    const struct pending *pending;
};

/* Checks the version of the layout, and reads which part of which journal the engine has. Returns as
 * loader_run(). */
int loader_read_position(struct engine *engine, struct layout_position *ret_position,
                         struct engine_error *ret_error);

/* Interns the platform names. Returns as loader_run(). */
int loader_read_names(const struct loader_source *source, struct platform_names *names,
                      struct engine_error *ret_error);

/* Returns 0, or -ECANCELED if is_cancelled() returns true. */
int loader_check_cancelled(const struct store_config *config);

/* Loads everything into the table of `config`, calling its callbacks. Returns 0; -ECANCELED; -EBADMSG: an
 * invalid pair; -EPROTONOSUPPORT: a newer layout; or an error of the engine. `ret_error` has a description.
 */
int loader_run(const struct store_config *config, const struct loader_source *source, uint64_t *ret_n_users,
               struct engine_error *ret_error);

#endif
