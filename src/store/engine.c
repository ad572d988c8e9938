/* SPDX-License-Identifier: MIT */
#include "engine.h"

#include "presenced/array.h"
#include "presenced/store.h"

#include <errno.h>
#include <limits.h>
#include <rocksdb/c.h>
#include <stdio.h>

#define BLOCK_SIZE ((size_t)16 << 10)
#define FILE_SIZE ((uint64_t)16 << 20)
#define READAHEAD_SIZE ((size_t)1 << 20)
/* For table files; WAL files and files being written come in addition. */
#define N_OPEN_FILES_MAX (STORE_N_DESCRIPTORS - 64)
#define INFO_LOG_FATAL 4

struct engine {
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *written;
    rocksdb_writeoptions_t *synced;
};

/* Maps the library's errors, which are texts that begin with their kind. */
static int error_of(const char *text)
{
    static const struct {
        const char *part;
        int error;
    } kinds[] = {
        {"No space left", -ENOSPC},
        {"Disk quota exceeded", -ENOSPC},
        {"File too large", -ENOSPC},
        {"While lock file", -EBUSY},
        {"lock hold by current process", -EBUSY},
        {"Read-only file", -EROFS},
        {"Permission denied", -EACCES},
        {"Corruption:", -EBADMSG},
        {"No such file", -EBADMSG},
        {"Invalid argument", -EBADMSG},
        {"Not implemented:", -EBADMSG},
        {"NotFound:", -EBADMSG},
    };
    for (size_t i = 0; i < N_ELEMENTS(kinds); i++) {
        if (strstr(text, kinds[i].part) != NULL) {
            return kinds[i].error;
        }
    }
    return -EIO;
}

/* Converts an error text, which is freed; NULL means success. */
static int take_error(char *text, struct engine_error *ret_error)
{
    if (text == NULL) {
        return 0;
    }
    int r = error_of(text);
    (void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    rocksdb_free(text);
    return r;
}

/* Half of the memory is for two write buffers, a quarter for cached blocks, and the rest for files being
 * written. */
static void limit_memory(rocksdb_options_t *options, uint64_t memory_bytes)
{
    rocksdb_cache_t *cache = rocksdb_cache_create_lru((size_t)memory_bytes / 4);
    rocksdb_block_based_table_options_t *tables = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_cache(tables, cache);
    rocksdb_block_based_options_set_block_size(tables, BLOCK_SIZE);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(tables, 1);
    rocksdb_options_set_block_based_table_factory(options, tables);
    rocksdb_block_based_options_destroy(tables);
    rocksdb_cache_destroy(cache);
    rocksdb_options_set_write_buffer_size(options, (size_t)memory_bytes / 4);
    rocksdb_options_set_max_write_buffer_number(options, 2);
    rocksdb_options_set_max_total_wal_size(options, memory_bytes);
    rocksdb_options_set_max_open_files(options, N_OPEN_FILES_MAX);
}

/* The library writes an info log beside its data. If the disk is full while it does, an assertion ends the
 * process (7.8.3 of Debian; closed_while_full in test_store_full.c shows it). At this level it writes
 * nothing, not even its options, which it writes at the start of a log with a size limit. */
static void disable_info_log(rocksdb_options_t *options)
{
    rocksdb_options_set_info_log_level(options, INFO_LOG_FATAL);
    rocksdb_options_set_keep_log_file_num(options, 1);
    rocksdb_options_set_stats_dump_period_sec(options, 0);
    rocksdb_options_set_stats_persist_period_sec(options, 0);
}

/* The library counts key comparisons and more per thread, which takes a fifth of the time of a write and a
 * tenth of that of loading. The counters are not used here. */
static void disable_perf_counters(void)
{
    rocksdb_set_perf_level(rocksdb_disable);
}

/* Otherwise the empty log of the last run would be renamed at each opening, and only a successful opening
 * removes the renamed ones. */
static void remove_info_log(const char *path)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%s/LOG", path);
    (void)unlink(name);
}

/* The library's background threads flush and merge table files in pieces of tens of milliseconds, and only
 * closing the store waits for them. On a core shared with threads that answer requests they would take half
 * of it and delay every answer. At low priority they get more time when events have to wait for them; beside
 * queries that use the whole core they get a sixtieth of it. The priority applies to all engines of the
 * process. */
static void lower_thread_priority(void)
{
    rocksdb_env_t *env = rocksdb_create_default_env();
    rocksdb_env_lower_thread_pool_cpu_priority(env);
    rocksdb_env_lower_high_priority_thread_pool_cpu_priority(env);
    rocksdb_env_destroy(env);
}

/* Sets options that have no function in the C API of 7.8: no preallocation, and no retries after errors,
 * because a WAL with an incomplete record is best reopened. */
static rocksdb_options_t *complete_options(rocksdb_options_t *options)
{
    char *error = NULL;
    rocksdb_options_t *completed = rocksdb_options_create();
    rocksdb_get_options_from_string(options, "allow_fallocate=false;max_bgerror_resume_count=0", completed,
                                    &error);
    rocksdb_options_destroy(options);
    if (error != NULL) {
        rocksdb_free(error);
        rocksdb_options_destroy(completed);
        return NULL;
    }
    return completed;
}

static rocksdb_options_t *make_options(uint64_t memory_bytes)
{
    rocksdb_options_t *options = rocksdb_options_create();
    /* Reads the WAL up to the first broken record. The caller knows what it must contain: see superblock.h.
     */
    rocksdb_options_set_wal_recovery_mode(options, rocksdb_point_in_time_recovery);
    rocksdb_options_set_paranoid_checks(options, 1);
    rocksdb_options_set_compression(options, rocksdb_no_compression);
    rocksdb_options_set_target_file_size_base(options, FILE_SIZE);
    rocksdb_options_set_bytes_per_sync(options, (uint64_t)1 << 20);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_skip_stats_update_on_db_open(options, 1);
    limit_memory(options, memory_bytes);
    disable_info_log(options);
    return complete_options(options);
}

static struct engine *make_engine(uint64_t memory_bytes)
{
    struct engine *engine = calloc(1, sizeof(*engine));
    if (engine == NULL) {
        return NULL;
    }
    lower_thread_priority();
    engine->options = make_options(memory_bytes);
    engine->written = rocksdb_writeoptions_create();
    engine->synced = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_sync(engine->synced, 1);
    return engine;
}

enum mode { MODE_CREATE, MODE_OPEN, MODE_READ_ONLY, MODE_BESIDE };

static int open_db(struct engine *engine, const char *path, enum mode mode, struct engine_error *ret_error)
{
    char *error = NULL;
    if (engine->options == NULL) {
        (void)snprintf(ret_error->text, sizeof(ret_error->text), "RocksDB lacks an option");
        return -EIO;
    }
    if (mode == MODE_BESIDE) {
        rocksdb_options_set_max_open_files(engine->options, -1);
    } else {
        remove_info_log(path);
    }
    if (mode == MODE_READ_ONLY || mode == MODE_BESIDE) {
        engine->db = rocksdb_open_for_read_only(engine->options, path, 0, &error);
        return take_error(error, ret_error);
    }
    if (mode == MODE_CREATE) {
        rocksdb_options_set_create_if_missing(engine->options, 1);
        rocksdb_destroy_db(engine->options, path, &error);
        int r = take_error(error, ret_error);
        if (r < 0) {
            return r;
        }
    }
    engine->db = rocksdb_open(engine->options, path, &error);
    return take_error(error, ret_error);
}

static int open_engine(const char *path, uint64_t memory_bytes, enum mode mode, struct engine **ret_engine,
                       struct engine_error *ret_error)
{
    cleanup(engine_closep) struct engine *engine = make_engine(memory_bytes);
    if (engine == NULL) {
        return -ENOMEM;
    }
    int r = open_db(engine, path, mode, ret_error);
    if (r < 0) {
        return r;
    }
    *ret_engine = take_pointer(engine);
    return 0;
}

int engine_create(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                  struct engine_error *ret_error)
{
    return open_engine(path, memory_bytes, MODE_CREATE, ret_engine, ret_error);
}

int engine_open(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                struct engine_error *ret_error)
{
    return open_engine(path, memory_bytes, MODE_OPEN, ret_engine, ret_error);
}

int engine_open_read_only(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                          struct engine_error *ret_error)
{
    return open_engine(path, memory_bytes, MODE_READ_ONLY, ret_engine, ret_error);
}

int engine_open_beside(const char *path, uint64_t memory_bytes, struct engine **ret_engine,
                       struct engine_error *ret_error)
{
    return open_engine(path, memory_bytes, MODE_BESIDE, ret_engine, ret_error);
}

void engine_close(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    if (engine->db != NULL) {
        rocksdb_close(engine->db);
    }
    if (engine->options != NULL) {
        rocksdb_options_destroy(engine->options);
    }
    rocksdb_writeoptions_destroy(engine->written);
    rocksdb_writeoptions_destroy(engine->synced);
    free(engine);
}

uint64_t engine_last_sequence(const struct engine *engine)
{
    return rocksdb_get_latest_sequence_number(engine->db);
}

uint64_t engine_min_log(const struct engine *engine)
{
    uint64_t number = 0;
    (void)rocksdb_property_int(engine->db, "rocksdb.min-log-number-to-keep", &number);
    return number;
}

int engine_flush(struct engine *engine, struct engine_error *ret_error)
{
    char *error = NULL;
    rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(options, 1);
    rocksdb_flush(engine->db, options, &error);
    rocksdb_flushoptions_destroy(options);
    return take_error(error, ret_error);
}

/* struct engine_batch is the library's object under our name. */
static rocksdb_writebatch_t *batch_of(struct engine_batch *batch)
{
    return (rocksdb_writebatch_t *)batch;
}

struct engine_batch *engine_batch_new(void)
{
    return (struct engine_batch *)rocksdb_writebatch_create();
}

void engine_batch_free(struct engine_batch *batch)
{
    if (batch != NULL) {
        rocksdb_writebatch_destroy(batch_of(batch));
    }
}

void engine_batch_clear(struct engine_batch *batch)
{
    rocksdb_writebatch_clear(batch_of(batch));
}

void engine_batch_put(struct engine_batch *batch, struct str key, struct str value)
{
    rocksdb_writebatch_put(batch_of(batch), key.ptr, key.len, value.ptr, value.len);
}

void engine_batch_delete(struct engine_batch *batch, struct str key)
{
    rocksdb_writebatch_delete(batch_of(batch), key.ptr, key.len);
}

bool engine_batch_is_empty(struct engine_batch *batch)
{
    return rocksdb_writebatch_count(batch_of(batch)) == 0;
}

size_t engine_batch_size(struct engine_batch *batch)
{
    size_t size;
    (void)rocksdb_writebatch_data(batch_of(batch), &size);
    return size;
}

int engine_write(struct engine *engine, struct engine_batch *batch, bool sync, struct engine_error *ret_error)
{
    char *error = NULL;
    disable_perf_counters();
    rocksdb_write(engine->db, sync ? engine->synced : engine->written, batch_of(batch), &error);
    return take_error(error, ret_error);
}

struct engine_cursor {
    rocksdb_iterator_t *iterator;
    rocksdb_readoptions_t *options;
    struct buf to; /* borrowed by the library */
    bool is_begun;
};

struct engine_cursor *engine_cursor_new(struct engine *engine, struct str from, struct str to)
{
    struct engine_cursor *cursor = calloc(1, sizeof(*cursor));
    if (cursor == NULL) {
        return NULL;
    }
    buf_append(&cursor->to, to);
    if (cursor->to.failed) {
        free(cursor);
        return NULL;
    }
    disable_perf_counters();
    cursor->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_verify_checksums(cursor->options, 1);
    rocksdb_readoptions_set_fill_cache(cursor->options, 0);
    rocksdb_readoptions_set_readahead_size(cursor->options, READAHEAD_SIZE);
    rocksdb_readoptions_set_iterate_upper_bound(cursor->options, cursor->to.ptr, cursor->to.len);
    cursor->iterator = rocksdb_create_iterator(engine->db, cursor->options);
    rocksdb_iter_seek(cursor->iterator, from.ptr, from.len);
    return cursor;
}

void engine_cursor_free(struct engine_cursor *cursor)
{
    if (cursor != NULL) {
        rocksdb_iter_destroy(cursor->iterator);
        rocksdb_readoptions_destroy(cursor->options);
        buf_fini(&cursor->to);
        free(cursor);
    }
}

int engine_cursor_next(struct engine_cursor *cursor, struct str *ret_key, struct str *ret_value,
                       struct engine_error *ret_error)
{
    char *error = NULL;
    if (cursor->is_begun) {
        rocksdb_iter_next(cursor->iterator);
    }
    if (!rocksdb_iter_valid(cursor->iterator)) {
        cursor->is_begun = false;
        rocksdb_iter_get_error(cursor->iterator, &error);
        int r = take_error(error, ret_error);
        return r < 0 ? r : ENGINE_END;
    }
    cursor->is_begun = true;
    ret_key->ptr = rocksdb_iter_key(cursor->iterator, &ret_key->len);
    ret_value->ptr = rocksdb_iter_value(cursor->iterator, &ret_value->len);
    return 0;
}

static int compare_cuts(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* Uses the first keys of the engine's files as boundaries. */
static size_t copy_file_starts(const rocksdb_livefiles_t *files, struct str from, struct str to,
                               struct buf *storage, struct str *ret_starts, size_t max)
{
    size_t n = 0;
    int n_files = rocksdb_livefiles_count(files);
    for (int i = 0; i < n_files && n < max; i++) {
        struct str key;
        key.ptr = rocksdb_livefiles_smallestkey(files, i, &key.len);
        char *copy = buf_reserve(storage, key.len);
        if (copy == NULL || str_compare(key, from) <= 0 || str_compare(key, to) >= 0) {
            continue;
        }
        buf_append(storage, key);
        ret_starts[n++] = (struct str){NULL, key.len};
    }
    return n;
}

size_t engine_cuts(struct engine *engine, struct str from, struct str to, struct buf *storage,
                   struct str *ret_cuts, size_t max)
{
    const rocksdb_livefiles_t *files = rocksdb_livefiles(engine->db);
    buf_clear(storage);
    size_t n = copy_file_starts(files, from, to, storage, ret_cuts, max);
    rocksdb_livefiles_destroy(files);
    /* The pointers are set only now, because the storage moves while it grows. */
    const char *at = storage->ptr;
    for (size_t i = 0; i < n; i++) {
        ret_cuts[i].ptr = at;
        at += ret_cuts[i].len;
    }
    qsort(ret_cuts, n, sizeof(*ret_cuts), compare_cuts);
    size_t n_different = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !str_equal(ret_cuts[i], ret_cuts[n_different - 1])) {
            ret_cuts[n_different++] = ret_cuts[i];
        }
    }
    return n_different;
}

const char *store_library_version(void)
{
    return PRESENCED_ROCKSDB_VERSION;
}
