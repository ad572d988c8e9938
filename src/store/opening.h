/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STORE_OPENING_H
#define PRESENCED_STORE_OPENING_H

/* Opens a store. Problems are found before anything is changed. For the thread that opens it, before any
 * other thread runs. */

#include "presenced/store.h"

struct batch;
struct commit_log;
struct folder;

struct opening_result {
    uint64_t n_users_loaded;
    uint64_t load_ms;
    bool was_closed; /* the previous run was closed cleanly */
};

/* Opens the folder, loads the table, sets the engine of the batch, and prepares the commit log. Returns as
 * store_open(). */
int opening_run(const struct store_config *config, struct folder *folder, struct batch *batch,
                struct commit_log *commit_log, struct opening_result *ret_result,
                char ret_problem[static STORE_PROBLEM_SIZE]);

#endif
