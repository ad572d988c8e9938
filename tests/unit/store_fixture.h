/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_STORE_FIXTURE_H
#define PRESENCED_TESTS_STORE_FIXTURE_H

/* A table and a store in a folder that is created for a test and removed after it. A test applies random
 * events and checks what was stored. Used by one thread. */

#include "../property/history.h"
#include "suite.h"

#include "presenced/store.h"

#include <pthread.h>

#define STORE_FIXTURE_PATH_SIZE 128

struct store_fixture {
    char root[STORE_FIXTURE_PATH_SIZE]; /* the folder of the test */
    char path[STORE_FIXTURE_PATH_SIZE]; /* folder of the store: root/store */
    struct table_config table_config;
    enum store_durability durability;
    struct table *table;
    struct store *store;
    struct pool pool;
    char problem[STORE_PROBLEM_SIZE]; /* reported by the last open_store() */
    unsigned n_looks;                 /* how often the last open_store() asked whether to continue */
    unsigned cancels_at;              /* the question, counted from 1, that is answered no; 0: none */
    unsigned n_minutes;               /* how many of `minutes` the last open_store() reported */
    struct {
        uint64_t unix_ms;
        uint64_t n_online;
    } minutes[16];
    /* Protected by `lock`: */
    bool holds;      /* calls of on_durable() block */
    unsigned n_held; /* calls of on_durable() that are blocked now */
    pthread_mutex_t lock;
    pthread_cond_t told;
};

extern struct store_fixture store_fixture;

/* For checked fixtures. store_fixture_set_up() opens neither the table nor the store. */
void store_fixture_set_up(void);
void store_fixture_tear_down(void);

/* Opens a table with the apps of history.h, from which the pool draws events. */
void open_table(void);
int open_store(void);
void close_both(void);

/* Opens the table and the store. */
void open_both(void);

/* Fails unless opening the store fails with that error and a problem that contains `words`. */
void expect_refused(int error, const char *words);

/* Applies random events at the current time, without waiting until they are durable. */
void apply_events(unsigned n);

/* Blocks the store's writer thread, so that later changes stay in the journal, and releases it. */
void hold_writer(void);
void release_writer(void);

/* Waits until all events applied so far are durable. */
void await_durable(void);

/* Waits until they are in the storage engine, too. */
void await_stored(void);

/* Waits until all changes so far have been synced. */
void await_sync(void);

/* Waits until store_problem() returns this text; NULL: no problem. */
void await_problem(const char *problem);

/* keep_table() removes the table from the fixture and returns it, for a later comparison.
 * expect_same_tables() fails unless both tables have the same users, apps and counts, in any order. */
struct table *keep_table(void);
void expect_same_tables(struct table *a, struct table *b);

/* Closes and reopens the table and the store, and fails unless the table is the same. */
void expect_same_reopened(void);

/* copy_folder() does not copy subfolders; copy_file() replaces an existing file. find_file() finds the
 * largest file whose name contains `part`, and fails if there is none. */
void copy_folder(const char *from, const char *to);
void copy_file(const char *from, const char *to);
void remove_folder(const char *path);
void find_file(const char *folder, const char *part, char ret_path[static STORE_FIXTURE_PATH_SIZE * 2]);
size_t file_size(const char *path);
void flip_byte(const char *path, size_t at);
void cut_file(const char *path, size_t size);

/* Returns a hash of the content of all files except the engine's information log. */
uint64_t hash_folder(const char *path);

/* Copies the store's folder while it is in use, in a state in which a kill could have left it. Repeats the
 * copy if files have changed meanwhile. */
void copy_still(const char *to);

#endif
