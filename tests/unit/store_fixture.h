/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_TESTS_STORE_FIXTURE_H
#define PRESENCED_TESTS_STORE_FIXTURE_H

/* A table and a store in a folder that is made for a test and removed after it. A test is its own client: it
 * applies random events and asks what was kept. One thread. */

#include "../property/history.h"
#include "suite.h"

#include "presenced/store.h"

#include <pthread.h>

#define STORE_FIXTURE_PATH_SIZE 128

struct store_fixture {
    char root[STORE_FIXTURE_PATH_SIZE]; /* ours to fill */
    char path[STORE_FIXTURE_PATH_SIZE]; /* root/store */
    struct table_config table_config;
    enum store_durability durability;
    struct table *table;
    struct store *store;
    struct pool pool;
    char problem[STORE_PROBLEM_SIZE]; /* of the last open_store() */
    unsigned n_looks;                 /* asked at the last open_store() whether to go on */
    unsigned cancels_at;              /* of them the one that says no; 0: none */
    unsigned n_minutes;               /* told at the last open_store() */
    struct {
        uint64_t unix_ms;
        uint64_t n_online;
    } minutes[16];
    bool holds;      /* calls of on_durable do not return; under the lock */
    unsigned n_held; /* of them, now */
    pthread_mutex_t lock;
    pthread_cond_t told;
};

extern struct store_fixture store_fixture;

/* For checked fixtures. Nothing is open afterwards, and before. */
void store_fixture_set_up(void);
void store_fixture_tear_down(void);

/* A table with the apps of history.h; the pool draws from them. */
void open_table(void);
int open_store(void);
void close_both(void);

/* Opens both. */
void open_both(void);

/* Fails unless the store is refused with that error and a problem that contains the words. */
void expect_refused(int error, const char *words);

/* Applies events at the time it is, and waits for none. */
void apply_events(unsigned n);

/* What changes after it stays in the journal, for the store's thread is kept from going on. */
void hold_writer(void);
void release_writer(void);

/* Until all that was applied is durable. */
void await_durable(void);

/* Until the engine has it, too. */
void await_stored(void);

/* Until all that was written so far was synced, too. */
void await_sync(void);

/* Until store_problem() is that (NULL: none). */
void await_problem(const char *problem);

/* Takes the table out of the fixture, to be compared later; and fails unless both have the same users, apps
 * and counts, whatever the order. */
struct table *keep_table(void);
void expect_same_tables(struct table *a, struct table *b);

/* Closes both, opens them again and compares. */
void expect_same_reopened(void);

/* Copies are flat, and of a file replace what was there; of several files with that part in their names the
 * largest is found. */
void copy_folder(const char *from, const char *to);
void copy_file(const char *from, const char *to);
void remove_folder(const char *path);
void find_file(const char *folder, const char *part, char ret_path[static STORE_FIXTURE_PATH_SIZE * 2]);
size_t file_size(const char *path);
void flip_byte(const char *path, size_t at);
void cut_file(const char *path, size_t size);

/* The content of every file that is not the engine's information log, as one number. */
uint64_t hash_folder(const char *path);

/* Copies the store's folder while it is in use, as a kill would leave it: not amid a write to several files.
 */
void copy_still(const char *to);

#endif
