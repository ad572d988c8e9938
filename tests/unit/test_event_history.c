/* SPDX-License-Identifier: MIT */
#include "presenced/event_history.h"

#include "suite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>

#define HOUR_MS UINT64_C(3600000)
#define KEEP_MS (24 * HOUR_MS)
#define BEGIN_MS UINT64_C(1700000000000)
#define APP UINT64_C(1400000000)
#define PLENTY (UINT64_C(1) << 30)
#define N_TRIES 30

static char folder[64];
static struct event_history *history;
static _Atomic uint64_t now_ms;

static uint64_t read_now(void)
{
    return atomic_load(&now_ms);
}

static void open_with(uint64_t max_bytes)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/history", folder);
    ck_assert_int_eq(event_history_open(
                         &(struct event_history_config){
                             .path = path, .keep_ms = KEEP_MS, .max_bytes = max_bytes, .unix_ms = read_now},
                         &history),
                     0);
}

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-history-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    atomic_store(&now_ms, BEGIN_MS);
    open_with(PLENTY);
    atomic_store(&now_ms, BEGIN_MS + 1); /* what was before it began is not known */
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void tear_down(void)
{
    event_history_close(history);
    history = NULL;
    ck_assert_int_eq(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static void restart(uint64_t max_bytes)
{
    event_history_close(history);
    open_with(max_bytes);
}

static struct user_event event_of(const char *request_id)
{
    return (struct user_event){
        .received_unix_ms = read_now(),
        .has_event_time = true,
        .event_time_ms = read_now() - 100,
        .origin = CHANGE_BY_CALLBACK,
        .action = STR("Login"),
        .reason = STR("Register"),
        .platform = STR("iOS"),
        .outcome = STR("applied"),
        .request_id = str_from(request_id),
        .client = {4, {192, 0, 2, 4}},
        .peer = {4, {192, 0, 2, 9}},
    };
}

static void add(uint64_t app_id, const char *user, const char *request_id)
{
    struct user_event event = event_of(request_id);
    event_history_add(history, app_id, str_from(user), &event);
}

/* Request ids, each followed by a blank. */
struct list {
    struct buf ids;
    size_t n;
    bool is_complete;
};

static void list_one(void *cls, const struct user_event *event)
{
    struct list *list = cls;
    buf_append(&list->ids, event->request_id);
    buf_append_char(&list->ids, ' ');
    list->n++;
}

/* A disk that others use may take longer than a reader waits: asked again, as a caller would. */
static struct list read_since(const char *user, uint64_t since_ms, size_t limit)
{
    struct list list = {.n = 0};
    const struct event_history_query query = {APP, str_from(user), since_ms, limit};
    int r = EVENT_HISTORY_BUSY;
    for (int i = 0; i < N_TRIES && r == EVENT_HISTORY_BUSY; i++) {
        r = event_history_read(history, &query, list_one, &list, &list.is_complete);
    }
    ck_assert_int_eq(r, 0);
    ck_assert(!list.ids.failed);
    return list;
}

static void expect(const char *user, uint64_t since_ms, size_t limit, const char *ids, bool is_complete)
{
    struct list list = read_since(user, since_ms, limit);
    ck_assert_msg(str_equal(buf_str(&list.ids), str_from(ids)), "%.*s", STR_FMT(list.ids));
    ck_assert_int_eq(list.is_complete, is_complete);
    buf_fini(&list.ids);
}

static void keep_one(void *cls, const struct user_event *event)
{
    struct buf *out = cls;
    char text[ADDRESS_TEXT_SIZE];
    buf_appendf(out, "%llu %d %llu %d %.*s %.*s %.*s %.*s %.*s", (unsigned long long)event->received_unix_ms,
                event->has_event_time, (unsigned long long)event->event_time_ms, (int)event->origin,
                STR_FMT(event->action), STR_FMT(event->reason), STR_FMT(event->platform),
                STR_FMT(event->outcome), STR_FMT(event->request_id));
    (void)address_format(&event->client, text);
    buf_appendf(out, " %s", text);
    (void)address_format(&event->peer, text);
    buf_appendf(out, " %s", text);
    for (size_t i = 0; i < event->n_kicked; i++) {
        buf_appendf(out, " %.*s", STR_FMT(event->kicked[i]));
    }
    buf_append_char(out, '\n');
}

START_TEST(an_event_is_read_as_it_came)
{
    cleanup(buf_fini) struct buf out = {0};
    char long_text[USER_EVENT_TEXT_MAX + 2];
    bool is_complete;
    struct user_event event = event_of("id-1");
    event.kicked[event.n_kicked++] = STR("Web");
    event.kicked[event.n_kicked++] = STR("HarmonyOS");
    event.client = (struct address){16, {0x20, 1, 0xd, 0xb8}};
    event_history_add(history, APP, STR("alice"), &event);
    struct user_event bare = {.received_unix_ms = read_now(), .origin = CHANGE_BY_RECONCILE};
    memset(long_text, 'x', sizeof(long_text));
    bare.outcome = (struct str){long_text, sizeof(long_text)};
    event_history_add(history, APP, STR("alice"), &bare);
    const struct event_history_query query = {APP, STR("alice"), 0, 10};
    ck_assert_int_eq(event_history_read(history, &query, keep_one, &out, &is_complete), 0);
    buf_append_char(&out, '\0');
    long_text[USER_EVENT_TEXT_MAX] = '\0';
    cleanup(buf_fini) struct buf expected = {0};
    buf_appendf(&expected,
                "1700000000001 0 0 4    %s   \n"
                "1700000000001 1 1699999999901 0 Login Register iOS applied id-1 2001:db8:: 192.0.2.9 Web "
                "HarmonyOS\n%c",
                long_text, '\0');
    ck_assert_str_eq(out.ptr, expected.ptr);
}
END_TEST

START_TEST(the_newest_come_first_up_to_the_limit)
{
    for (int i = 0; i < 5; i++) {
        char id[12];
        (void)snprintf(id, sizeof(id), "%d", i);
        atomic_fetch_add(&now_ms, i % 2); /* two in a millisecond stay in their order */
        add(APP, "alice", id);
    }
    expect("alice", BEGIN_MS + 1, 5, "4 3 2 1 0 ", true);
    expect("alice", BEGIN_MS + 1, 4, "4 3 2 1 ", false);
    expect("alice", BEGIN_MS + 3, 5, "4 3 ", true);
    expect("alice", BEGIN_MS + 4, 5, "", true);
}
END_TEST

START_TEST(each_user_has_events_of_its_own)
{
    add(APP, "a", "1");
    add(APP, "ab", "2");
    add(APP + 1, "a", "3");
    add(APP, "b", "4");
    expect("a", BEGIN_MS + 1, 10, "1 ", true);
    expect("ab", BEGIN_MS + 1, 10, "2 ", true);
    expect("c", BEGIN_MS + 1, 10, "", true);
}
END_TEST

/* It has been there for less than what is asked for. */
START_TEST(what_was_before_it_began_is_not_known)
{
    add(APP, "alice", "1");
    expect("alice", 0, 10, "1 ", false);
    atomic_store(&now_ms, BEGIN_MS + KEEP_MS);
    expect("alice", 0, 10, "1 ", true);
}
END_TEST

START_TEST(a_restart_keeps_it)
{
    add(APP, "alice", "1");
    restart(PLENTY);
    add(APP, "alice", "2");
    restart(PLENTY);
    expect("alice", BEGIN_MS + 1, 10, "2 1 ", true);
}
END_TEST

static uint64_t n_written(void)
{
    struct event_history_stats stats;
    event_history_stats(history, &stats);
    return stats.n_written;
}

static void add_and_die(void)
{
    event_history_close(history);
    open_with(PLENTY);
    add(APP, "alice", "1");
    for (int i = 0; i < 1000 && n_written() == 0; i++) {
        (void)poll(NULL, 0, 10);
    }
    _exit(n_written() == 1 ? 0 : 1);
}

START_TEST(what_was_written_outlives_the_process)
{
    int status = 0;
    event_history_close(take_pointer(history));
    pid_t child = fork();
    if (child == 0) {
        add_and_die();
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    atomic_fetch_add(&now_ms, 1);
    open_with(PLENTY);
    expect("alice", BEGIN_MS + 1, 10, "1 ", false); /* there may have been more */
    expect("alice", BEGIN_MS + 2, 10, "", true);
}
END_TEST

/* Slices, by their names; the caller frees it. */
static size_t count_slices(char *ret_first)
{
    char path[PATH_MAX];
    size_t n = 0;
    (void)snprintf(path, sizeof(path), "%s/history", folder);
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (strchr(entry->d_name, '-') != NULL) {
            if (ret_first != NULL && (n == 0 || strcmp(entry->d_name, ret_first) < 0)) {
                (void)snprintf(ret_first, NAME_MAX + 1, "%s", entry->d_name);
            }
            n++;
        }
    }
    (void)closedir(directory);
    return n;
}

static void await_slices(size_t n)
{
    for (int i = 0; i < 1000 && count_slices(NULL) != n; i++) {
        (void)poll(NULL, 0, 10);
    }
    ck_assert_uint_eq(count_slices(NULL), n);
}

START_TEST(an_hour_is_dropped_whole)
{
    add(APP, "alice", "0");
    expect("alice", BEGIN_MS + 1, 10, "0 ", true);
    atomic_fetch_add(&now_ms, HOUR_MS);
    add(APP, "alice", "1");
    expect("alice", BEGIN_MS + 1, 10, "1 0 ", true);
    ck_assert_uint_eq(count_slices(NULL), 2);
    atomic_store(&now_ms, BEGIN_MS + KEEP_MS + HOUR_MS);
    expect("alice", 0, 10, "1 ", true);
    await_slices(2);
    atomic_store(&now_ms, BEGIN_MS + KEEP_MS + HOUR_MS + 1);
    await_slices(1);
    expect("alice", 0, 10, "1 ", true);
    atomic_fetch_add(&now_ms, HOUR_MS);
    await_slices(0);
    add(APP, "alice", "2");
    expect("alice", 0, 10, "2 ", true);
}
END_TEST

/* Somebody's clock was ahead for a while: what came then goes a day later, not when its own time has come. */
START_TEST(a_clock_that_was_set_back_keeps_no_slice_for_long)
{
    atomic_fetch_add(&now_ms, 1000 * KEEP_MS);
    add(APP, "alice", "0");
    expect("alice", 0, 10, "0 ", true);
    atomic_store(&now_ms, BEGIN_MS + HOUR_MS);
    add(APP, "alice", "1");
    expect("alice", BEGIN_MS + 1, 10, "1 0 ", true);
    ck_assert_uint_eq(count_slices(NULL), 2);
    atomic_store(&now_ms, BEGIN_MS + HOUR_MS + KEEP_MS);
    await_slices(1);
    expect("alice", BEGIN_MS + HOUR_MS, 10, "1 ", true);
}
END_TEST

#define SMALL (UINT64_C(4) << 20)
#define N_MANY 60000

/* Adds no faster than they are written. */
static void add_many(const char *user)
{
    for (unsigned i = 0; i < N_MANY; i++) {
        char id[48];
        (void)snprintf(id, sizeof(id), "%040u", i);
        add(APP, user, id);
        if (i % 5000 == 4999) {
            struct list list = read_since("nobody", 0, 1);
            buf_fini(&list.ids);
        }
    }
}

START_TEST(it_takes_no_more_than_it_may)
{
    struct event_history_stats stats;
    restart(SMALL);
    add(APP, "alice", "first");
    add_many("bob");
    add(APP, "alice", "last");
    expect("alice", BEGIN_MS + 1, 10, "last ", false);
    event_history_stats(history, &stats);
    ck_assert_uint_eq(stats.n_written, N_MANY + 2);
    ck_assert_uint_eq(stats.n_dropped, 0);
    restart(SMALL);
    expect("alice", BEGIN_MS + 1, 10, "last ", false);
    event_history_stats(history, &stats);
    ck_assert_uint_le(stats.n_bytes, SMALL + SMALL / 8);
    ck_assert_uint_ge(stats.n_bytes, SMALL / 2);
}
END_TEST

#define N_FLOOD 400000

START_TEST(what_the_queue_has_no_room_for_is_counted)
{
    struct event_history_stats stats;
    struct user_event event = event_of("0123456789012345678901234567890123456789");
    for (unsigned i = 0; i < N_FLOOD; i++) {
        event_history_add(history, APP, STR("bob"), &event);
    }
    expect("alice", BEGIN_MS + 1, 1, "", false);
    atomic_fetch_add(&now_ms, 1);
    expect("alice", BEGIN_MS + 2, 1, "", true);
    event_history_stats(history, &stats);
    ck_assert_uint_gt(stats.n_dropped, 0);
    ck_assert_uint_eq(stats.n_written + stats.n_dropped, N_FLOOD);
}
END_TEST

START_TEST(what_is_damaged_is_missing_and_no_more)
{
    char name[NAME_MAX + 1];
    char path[PATH_MAX];
    add(APP, "alice", "0");
    expect("alice", BEGIN_MS + 1, 10, "0 ", true);
    event_history_close(take_pointer(history));
    ck_assert_uint_eq(count_slices(name), 1);
    (void)snprintf(path, sizeof(path), "%s/history/%s/CURRENT", folder, name);
    ck_assert_int_eq(truncate(path, 3), 0);
    atomic_fetch_add(&now_ms, 10);
    open_with(PLENTY);
    add(APP, "alice", "1");
    expect("alice", BEGIN_MS + 1, 10, "1 ", false);
    ck_assert_uint_eq(count_slices(NULL), 2);
    atomic_fetch_add(&now_ms, HOUR_MS);
    add(APP, "alice", "2");
    expect("alice", BEGIN_MS + 12 + HOUR_MS, 10, "", true);
}
END_TEST

START_TEST(without_its_folder_there_is_none)
{
    char path[PATH_MAX];
    struct event_history *other = NULL;
    (void)snprintf(path, sizeof(path), "%s/nothing/history", folder);
    ck_assert_int_eq(event_history_open(
                         &(struct event_history_config){
                             .path = path, .keep_ms = KEEP_MS, .max_bytes = PLENTY, .unix_ms = read_now},
                         &other),
                     -ENOENT);
    ck_assert_ptr_null(other);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("event_history");
    TCase *tcase = tcase_create("event_history");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_event_is_read_as_it_came);
    tcase_add_test(tcase, the_newest_come_first_up_to_the_limit);
    tcase_add_test(tcase, each_user_has_events_of_its_own);
    tcase_add_test(tcase, what_was_before_it_began_is_not_known);
    tcase_add_test(tcase, a_restart_keeps_it);
    tcase_add_test(tcase, an_hour_is_dropped_whole);
    tcase_add_test(tcase, a_clock_that_was_set_back_keeps_no_slice_for_long);
    tcase_add_test(tcase, it_takes_no_more_than_it_may);
    tcase_add_test(tcase, what_the_queue_has_no_room_for_is_counted);
    tcase_add_test(tcase, what_is_damaged_is_missing_and_no_more);
    tcase_add_test(tcase, without_its_folder_there_is_none);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("death");
    tcase_set_tags(tcase, "forks");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, what_was_written_outlives_the_process);
    suite_add_tcase(suite, tcase);
    return suite;
}
