/* SPDX-License-Identifier: MIT */
#include "presenced/changes.h"
#include "suite.h"
#include "must.h"

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

#define MAX_ENTRIES 8
#define MAX_BYTES 100
#define N_READ_MAX 16

static struct changes *log_of_changes;
static struct buf storage;
static struct change read_changes[N_READ_MAX];
static size_t n_read;

static void set_up(void)
{
    ck_assert_int_eq(changes_new(MAX_ENTRIES, MAX_BYTES, &log_of_changes), 0);
}

static void tear_down(void)
{
    changes_free(log_of_changes);
    buf_fini(&storage);
}

/* A record of `len` bytes that says which one it is. */
static struct str record_of(unsigned number, size_t len, char text[static MAX_BYTES + 1])
{
    memset(text, '.', MAX_BYTES + 1);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)('a' + (number + i) % 26);
    }
    return (struct str){text, len};
}

static uint64_t append(unsigned number, size_t len)
{
    char text[MAX_BYTES + 1];
    return changes_append(log_of_changes, number % 2 == 0 ? CHANGE_UPDATED : CHANGE_FORGOTTEN,
                          (enum change_origin)(number % 5), number % 3 == 0, 1000 + number,
                          record_of(number, len, text));
}

static int read_after(uint64_t revision, size_t max_changes, size_t max_bytes)
{
    return changes_read(log_of_changes, revision, max_changes, max_bytes, &storage, read_changes, &n_read);
}

static void check_change(const struct change *change, unsigned number, size_t len)
{
    char text[MAX_BYTES + 1];
    must(change->revision == number);
    must(change->unix_ms == 1000 + number);
    must(change->kind == (number % 2 == 0 ? CHANGE_UPDATED : CHANGE_FORGOTTEN));
    must(change->origin == (enum change_origin)(number % 5));
    must(change->was_online == (number % 3 == 0));
    must(str_equal(change->record, record_of(number, len, text)));
}

static void check_size(uint64_t n_entries, uint64_t n_bytes)
{
    struct changes_size size;
    changes_size(log_of_changes, &size);
    must(size.n_entries == n_entries);
    must(size.n_bytes == n_bytes);
}

START_TEST(an_empty_log_has_nothing_to_read)
{
    ck_assert_uint_eq(changes_last_revision(log_of_changes), 0);
    n_read = 99;
    ck_assert_int_eq(read_after(0, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(n_read, 0);
    ck_assert_int_eq(read_after(1, N_READ_MAX, 1000), CHANGES_LOST);
    check_size(0, 0);
}
END_TEST

START_TEST(in_order_and_numbered)
{
    for (unsigned i = 1; i <= 5; i++) {
        ck_assert_uint_eq(append(i, 5 + i), i);
        ck_assert_uint_eq(changes_last_revision(log_of_changes), i);
    }
    for (unsigned after = 0; after <= 5; after++) {
        ck_assert_int_eq(read_after(after, N_READ_MAX, 1000), 0);
        ck_assert_uint_eq(n_read, 5 - after);
        for (unsigned i = 0; i < n_read; i++) {
            check_change(&read_changes[i], after + 1 + i, 6 + after + i);
        }
    }
    ck_assert_int_eq(read_after(6, N_READ_MAX, 1000), CHANGES_LOST);
    ck_assert_int_eq(read_after(UINT64_MAX, N_READ_MAX, 1000), CHANGES_LOST);
}
END_TEST

/* Records of 1 to 50 bytes, so that either ring is what overflows, at every place of the other. */
START_TEST(oldest_go_first)
{
    size_t len = (size_t)_i;
    size_t n_held = MAX_BYTES / len < MAX_ENTRIES ? MAX_BYTES / len : MAX_ENTRIES;
    for (unsigned i = 1; i <= 300; i++) {
        (void)append(i, len);
        if (i <= n_held) {
            check_size(i, i * len);
            continue;
        }
        check_size(n_held, n_held * len);
        must(read_after(i - n_held - 1, N_READ_MAX, 1000) == CHANGES_LOST);
        must(read_after(i - n_held, N_READ_MAX, 1000) == 0);
        must(n_read == n_held);
        for (unsigned k = 0; k < n_held; k++) {
            check_change(&read_changes[k], (unsigned)(i - n_held + 1 + k), len);
        }
    }
}
END_TEST

START_TEST(large_record_displaces_several)
{
    for (unsigned i = 1; i <= 5; i++) {
        (void)append(i, 20);
    }
    (void)append(6, 45);
    ck_assert_int_eq(read_after(2, N_READ_MAX, 1000), CHANGES_LOST);
    ck_assert_int_eq(read_after(3, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(n_read, 3);
    check_change(&read_changes[2], 6, 45);
}
END_TEST

/* A log too small for a record goes on without it: followers are told that they missed something. */
START_TEST(record_beyond_the_log)
{
    (void)append(1, MAX_BYTES);
    ck_assert_int_eq(read_after(0, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(n_read, 1);
    ck_assert_uint_eq(append(2, MAX_BYTES + 1), 2);
    ck_assert_int_eq(read_after(0, N_READ_MAX, 1000), CHANGES_LOST);
    ck_assert_int_eq(read_after(1, N_READ_MAX, 1000), CHANGES_LOST);
    ck_assert_int_eq(read_after(2, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(n_read, 0);
    ck_assert_uint_eq(append(3, 10), 3);
    ck_assert_int_eq(read_after(2, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(n_read, 1);
    check_change(&read_changes[0], 3, 10);
}
END_TEST

static const struct {
    size_t max_changes;
    size_t max_bytes;
    size_t n;
} bounds[] = {
    {0, 1000, 0}, {1, 1000, 1}, {3, 1000, 3}, {N_READ_MAX, 0, 1},  {N_READ_MAX, 9, 1},
    {8, 10, 1},   {8, 19, 1},   {8, 20, 2},   {N_READ_MAX, 50, 5}, {N_READ_MAX, 1000, 6},
};

#define N_BOUNDS ((int)(sizeof(bounds) / sizeof(bounds[0])))

START_TEST(bounds_of_a_read)
{
    for (unsigned i = 1; i <= 6; i++) {
        (void)append(i, 10);
    }
    ck_assert_int_eq(read_after(0, bounds[_i].max_changes, bounds[_i].max_bytes), 0);
    ck_assert_uint_eq(n_read, bounds[_i].n);
    for (unsigned i = 0; i < n_read; i++) {
        check_change(&read_changes[i], i + 1, 10);
    }
}
END_TEST

/* What was read before makes way, also where the storage had failed. */
START_TEST(storage_is_cleared)
{
    (void)append(1, 10);
    ck_assert_int_eq(read_after(0, N_READ_MAX, 1000), 0);
    storage.failed = true;
    ck_assert_int_eq(read_after(0, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(storage.len, 10);
    check_change(&read_changes[0], 1, 10);
}
END_TEST

static uint64_t told(int fd)
{
    eventfd_t value = 0;
    int r = eventfd_read(fd, &value);
    ck_assert(r == 0 || errno == EAGAIN);
    return value;
}

START_TEST(followers_are_told_once_until_one_reads)
{
    int a = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int b = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    (void)append(1, 10);
    ck_assert_int_eq(changes_follow(log_of_changes, a), 0);
    ck_assert_int_eq(changes_follow(log_of_changes, b), 0);
    ck_assert_uint_eq(told(a), 0);
    (void)append(2, 10);
    (void)append(3, 10);
    ck_assert_uint_eq(told(a), 1);
    ck_assert_uint_eq(told(b), 1);
    (void)append(4, 10);
    ck_assert_uint_eq(told(a), 0);
    ck_assert_int_eq(read_after(0, N_READ_MAX, 1000), 0);
    ck_assert_uint_eq(told(a), 0);
    (void)append(5, 10);
    ck_assert_uint_eq(told(a), 1);
    ck_assert_uint_eq(told(b), 1);
    ck_assert_int_eq(read_after(99, N_READ_MAX, 1000), CHANGES_LOST);
    changes_unfollow(log_of_changes, a);
    (void)append(6, 10);
    ck_assert_uint_eq(told(a), 0);
    ck_assert_uint_eq(told(b), 1);
    (void)close(a);
    (void)close(b);
}
END_TEST

START_TEST(has_room_for_sixteen_followers)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    for (unsigned i = 0; i < 16; i++) {
        ck_assert_int_eq(changes_follow(log_of_changes, fd), 0);
    }
    ck_assert_int_eq(changes_follow(log_of_changes, fd), -ENOSPC);
    changes_unfollow(log_of_changes, fd);
    ck_assert_int_eq(changes_follow(log_of_changes, fd), 0);
    (void)append(1, 10);
    ck_assert_uint_eq(told(fd), 16);
    (void)close(fd);
}
END_TEST

#define N_APPENDS 20000

static void *append_many(void *cls)
{
    struct changes *changes = cls;
    for (unsigned i = 0; i < N_APPENDS; i++) {
        (void)changes_append(changes, CHANGE_UPDATED, CHANGE_BY_CALLBACK, false, i, STR("0123456789"));
    }
    return NULL;
}

/* Two write, one follows: all is seen once, in order, or the log says that it was lost. */
struct observed {
    struct changes_observer observer;
    unsigned n;
    uint64_t last_revision;
};

static void observe(void *cls, const struct change *change)
{
    struct observed *observed = cls;
    check_change(change, (unsigned)change->revision, 5);
    ck_assert_uint_eq(change->revision, observed->last_revision + 1);
    ck_assert_uint_eq(changes_last_revision(log_of_changes), observed->last_revision);
    observed->last_revision = change->revision;
    observed->n++;
}

START_TEST(shows_each_change_to_each_observer)
{
    struct observed observed[3] = {{.n = 0}};
    for (unsigned i = 0; i < 3; i++) {
        observed[i].observer = (struct changes_observer){.on_change = observe, .cls = &observed[i]};
        changes_observe(log_of_changes, &observed[i].observer);
    }
    (void)append(1, 5);
    changes_unobserve(log_of_changes, &observed[1].observer);
    changes_unobserve(log_of_changes, &observed[1].observer); /* harmless */
    (void)append(2, 5);
    (void)append(3, 5);
    changes_unobserve(log_of_changes, &observed[2].observer);
    changes_unobserve(log_of_changes, &observed[0].observer);
    (void)append(4, 5);
    ck_assert_uint_eq(observed[0].n, 3);
    ck_assert_uint_eq(observed[1].n, 1);
    ck_assert_uint_eq(observed[2].n, 3);
}
END_TEST

START_TEST(threads_append_without_gaps)
{
    struct changes *changes;
    struct change some[64];
    pthread_t threads[2];
    uint64_t seen = 0;
    ck_assert_int_eq(changes_new(1024, 16384, &changes), 0);
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, append_many, changes), 0);
    }
    while (seen < 2 * (uint64_t)N_APPENDS) {
        size_t n = 0;
        int r = changes_read(changes, seen, 64, 1000, &storage, some, &n);
        if (r == CHANGES_LOST) {
            seen = changes_last_revision(changes);
            continue;
        }
        ck_assert_int_eq(r, 0);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(some[i].revision, ++seen);
            ck_assert(str_equal(some[i].record, STR("0123456789")));
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    changes_free(changes);
}
END_TEST

START_TEST(free_takes_null)
{
    changes_free(NULL);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("changes");
    TCase *tcase = tcase_create("changes");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_empty_log_has_nothing_to_read);
    tcase_add_test(tcase, in_order_and_numbered);
    tcase_add_loop_test(tcase, oldest_go_first, 1, 51);
    tcase_add_test(tcase, large_record_displaces_several);
    tcase_add_test(tcase, record_beyond_the_log);
    tcase_add_loop_test(tcase, bounds_of_a_read, 0, N_BOUNDS);
    tcase_add_test(tcase, storage_is_cleared);
    tcase_add_test(tcase, followers_are_told_once_until_one_reads);
    tcase_add_test(tcase, has_room_for_sixteen_followers);
    tcase_add_test(tcase, shows_each_change_to_each_observer);
    tcase_add_test(tcase, threads_append_without_gaps);
    tcase_add_test(tcase, free_takes_null);
    suite_add_tcase(suite, tcase);
    return suite;
}
