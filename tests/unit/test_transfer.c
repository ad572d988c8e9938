/* SPDX-License-Identifier: MIT */
/* What is exported and imported is the same; what is imported meets what is there by the order of rows; what
 * is wrong is named, and nothing of it stays. */
#include "../../src/transfer/line.h"
#include "presenced/clock.h"
#include "presenced/snapshot.h"
#include "presenced/transfer.h"
#include "store_fixture.h"
#include "must.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>

static struct store_fixture *const f = &store_fixture;

#define HEADER_OF(version) "{\"format\":\"presenced\",\"version\":" version "}\n"
#define HEADER HEADER_OF("3")
#define END(apps, users) "{\"apps\":" apps ",\"users\":" users "}\n"
#define ROW_OF(platform, action, time, client)                                                           \
    "{\"platform\":\"" platform "\",\"action\":\"" action "\",\"reason\":\"Other\",\"event_time\":" time \
    ",\"received_time\":7,\"client_ip\":" client "}"
#define USER_OF(user, rows, status, status_time)                                              \
    "{\"app\":1400000000,\"user\":\"" user "\",\"rows\":[" rows "],\"custom_status\":" status \
    ",\"custom_status_time\":" status_time "}\n"
#define LOGIN(user, time) USER_OF(user, ROW_OF("Web", "Login", time, "null"), "null", "null")
#define WITH_STATUS(user, status, time) USER_OF(user, "", "\"" status "\"", time)

/* One store after another in the fixture's root, by a name. */

static char *path_of(const char *name)
{
    char *path;
    ck_assert_int_gt(asprintf(&path, "%s/%s", f->root, name), 0);
    return path;
}

static int transfer(int (*run)(const struct config_store *config, const char *path), const char *store,
                    const char *file)
{
    cleanup(config_fini) struct config config = {0};
    cleanup(cleanup_freep) char *path = path_of(file);
    ck_assert_int_eq(config_defaults(&config), 0);
    free(config.store.path);
    config.store.path = path_of(store);
    config.store.memory_bytes = STORE_MEMORY_MIN;
    return run(&config.store, path);
}

static void export_to(const char *store, const char *file)
{
    ck_assert_int_eq(transfer(transfer_export, store, file), 0);
}

static void import_from(const char *store, const char *file)
{
    ck_assert_int_eq(transfer(transfer_import, store, file), 0);
}

static struct buf read_text(const char *name)
{
    cleanup(cleanup_freep) char *path = path_of(name);
    struct buf text = {0};
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    for (int c = fgetc(file); c != EOF; c = fgetc(file)) {
        buf_append_char(&text, (char)c);
    }
    (void)fclose(file);
    return text;
}

static void write_text(const char *name, struct str text)
{
    cleanup(cleanup_freep) char *path = path_of(name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text.ptr, 1, text.len, file), text.len);
    ck_assert_int_eq(fclose(file), 0);
}

static void expect_text(const char *name, struct str expected)
{
    cleanup(buf_fini) struct buf text = read_text(name);
    ck_assert_msg(str_equal(buf_str(&text), expected), "%.*s\nis not\n%.*s", (int)text.len, text.ptr,
                  STR_FMT(expected));
}

static void expect_same_text(const char *a, const char *b)
{
    cleanup(buf_fini) struct buf text_a = read_text(a);
    cleanup(buf_fini) struct buf text_b = read_text(b);
    ck_assert(str_equal(buf_str(&text_a), buf_str(&text_b)));
}

static size_t n_lines(const char *name)
{
    cleanup(buf_fini) struct buf text = read_text(name);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        n += text.ptr[i] == '\n';
    }
    return n;
}

/* Round trips. */

START_TEST(comes_back_the_same)
{
    f->table_config.max_users = _i == 0 ? 0 : 100;
    open_both();
    apply_events(8000);
    close_both();
    export_to("store", "first");
    ck_assert_uint_gt(n_lines("first"), _i == 0 ? 2000 : 100);
    import_from("other", "first");
    export_to("other", "second");
    expect_same_text("first", "second");
    /* Again, it changes nothing. */
    import_from("other", "second");
    export_to("other", "third");
    expect_same_text("first", "third");
}
END_TEST

/* And not only as text: a daemon finds as many users in each state. Numbers of platforms may differ. */
START_TEST(table_finds_what_was_imported)
{
    open_both();
    apply_events(5000);
    store_close(take_pointer(f->store));
    struct table *before = keep_table();
    export_to("store", "file");
    remove_folder(f->path);
    import_from("store", "file");
    open_table();
    ck_assert_int_eq(open_store(), 0);
    ck_assert_uint_eq(table_n_apps(f->table), table_n_apps(before));
    for (unsigned app = 0; app < table_n_apps(before); app++) {
        struct table_counts a;
        struct table_counts b;
        (void)table_tick(before, clock_unix_ms());
        (void)table_tick(f->table, clock_unix_ms());
        table_counts(before, (uint16_t)app, &a);
        table_counts(f->table, (uint16_t)app, &b);
        ck_assert_mem_eq(a.n_users, b.n_users, sizeof(a.n_users));
    }
    table_free(before);
}
END_TEST

START_TEST(says_all_there_is)
{
    static const char text[] = HEADER
        "{\"app\":1400000000,\"forgotten_before\":1}\n"
        "{\"app\":1400000001,\"forgotten_before\":1700000000000}\n" USER_OF(
            "\\\"\\\\\\n", ROW_OF("HarmonyOS", "Kicked", "9007199254740991", "\"2001:db8::1\""), "null",
            "null")
            USER_OF("alice",
                    ROW_OF("iOS", "Login", "2", "\"192.0.2.4\"") "," ROW_OF("a b", "Disconnect", "0", "null"),
                    "\"\"", "0")
                WITH_STATUS(
                    "\xc3\xa9", "away",
                    "5") "{\"app\":9007199254740991,\"user\":\"alice\",\"rows\":[],\"custom_status\":\"\","
                         "\"custom_status_time\":1}\n" END("2", "4");
    write_text("in", str_from(text));
    import_from("store", "in");
    export_to("store", "out");
    expect_text("out", str_from(text));
}
END_TEST

/* A stamp ahead of the clock would swallow users who come later: it counts as now. */
START_TEST(forgets_nobody_ahead_of_the_clock)
{
    write_text("in",
               STR(HEADER "{\"app\":1400000001,\"forgotten_before\":9007199254740991}\n" END("1", "0")));
    import_from("store", "in");
    export_to("store", "out");
    cleanup(buf_fini) struct buf text = read_text("out");
    buf_append_char(&text, '\0');
    ck_assert(!text.failed);
    const char *at = strstr(text.ptr, "\"forgotten_before\":");
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_le(strtoull(at + strlen("\"forgotten_before\":"), NULL, 10), clock_unix_ms());
}
END_TEST

/* An export of before, which did not end in a count. */
START_TEST(takes_what_an_older_version_wrote)
{
    write_text("in", STR(HEADER_OF("1") "{\"app\":1400000000,\"forgotten_before\":1}\n" LOGIN("a", "5")));
    import_from("store", "in");
    export_to("store", "out");
    expect_text("out",
                STR(HEADER "{\"app\":1400000000,\"forgotten_before\":1}\n" LOGIN("a", "5") END("1", "1")));
}
END_TEST

/* What Tencent answered is exported and imported like an event. */
START_TEST(answers_survive_the_round_trip)
{
    static const char text[] = HEADER USER_OF(
        "a",
        "{\"platform\":\"iOS\",\"action\":\"Reconciled\",\"reason\":\"PushOnline\",\"event_time\":5,"
        "\"received_time\":7,\"client_ip\":null}",
        "null", "null") END("0", "1");
    write_text("in", str_from(text));
    import_from("store", "in");
    export_to("store", "out");
    expect_text("out", str_from(text));
}
END_TEST

/* Merging. */

static const struct {
    const char *held;
    const char *imported;
    const char *result;
} merges[] = {
    {LOGIN("a", "5"), LOGIN("a", "4"), LOGIN("a", "5")},
    {LOGIN("a", "4"), LOGIN("a", "5"), LOGIN("a", "5")},
    {LOGIN("a", "5"), USER_OF("a", ROW_OF("web", "Logout", "5", "null"), "null", "null"), LOGIN("a", "5")},
    {USER_OF("a", ROW_OF("Web", "Logout", "5", "null"), "null", "null"), LOGIN("a", "5"), LOGIN("a", "5")},
    {LOGIN("a", "5"), LOGIN("b", "4"), LOGIN("a", "5") LOGIN("b", "4")},
    {USER_OF("a", ROW_OF("Web", "Login", "5", "null"), "\"x\"", "3"),
     USER_OF("a", ROW_OF("Mac", "Login", "1", "null"), "\"y\"", "3"),
     USER_OF("a", ROW_OF("Web", "Login", "5", "null") "," ROW_OF("Mac", "Login", "1", "null"), "\"y\"", "3")},
    {WITH_STATUS("a", "y", "3"), WITH_STATUS("a", "x", "3"), WITH_STATUS("a", "y", "3")},
    {WITH_STATUS("a", "y", "3"), WITH_STATUS("a", "x", "4"), WITH_STATUS("a", "x", "4")},
    {WITH_STATUS("a", "y", "3"), WITH_STATUS("a", "z", "2"), WITH_STATUS("a", "y", "3")},
    /* Forgotten here: what is not newer stays away, who is there gets it. */
    {"{\"app\":1400000000,\"forgotten_before\":5}\n" LOGIN("a", "3"),
     LOGIN("a", "4") LOGIN("b", "5") LOGIN("c", "6"),
     "{\"app\":1400000000,\"forgotten_before\":5}\n" LOGIN("a", "4") LOGIN("c", "6")},
    /* What the file's store had forgotten says nothing of the file's users, nor of those here. */
    {LOGIN("a", "3"), "{\"app\":1400000000,\"forgotten_before\":5}\n" LOGIN("b", "4"),
     "{\"app\":1400000000,\"forgotten_before\":5}\n" LOGIN("a", "3") LOGIN("b", "4")},
    {"{\"app\":1400000000,\"forgotten_before\":5}\n", "{\"app\":1400000000,\"forgotten_before\":4}\n",
     "{\"app\":1400000000,\"forgotten_before\":5}\n"},
};

static unsigned count_of(const char *text, const char *part)
{
    unsigned n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
        n++;
    }
    return n;
}

/* The lines of apps and users, with what belongs around them. */
static void write_lines(const char *name, const char *lines)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR(HEADER));
    buf_append(&text, str_from(lines));
    buf_appendf(&text, END("%u", "%u"), count_of(lines, "forgotten_before"), count_of(lines, "\"user\""));
    write_text(name, buf_str(&text));
}

START_TEST(merges_by_the_order_of_rows)
{
    write_lines("held", merges[_i].held);
    write_lines("imported", merges[_i].imported);
    write_lines("expected", merges[_i].result);
    import_from("store", "held");
    import_from("store", "imported");
    export_to("store", "result");
    cleanup(buf_fini) struct buf expected = read_text("expected");
    expect_text("result", buf_str(&expected));
}
END_TEST

/* Lines that are wrong. */

#define ROWS(rows) USER_OF("a", rows, "null", "null")

static const struct {
    const char *line;
    const char *says;
} wrong_lines[] = {
    {"", "empty"},
    {"{", "truncated"},
    {"[]", "not an object"},
    {"{\"app\":1,\"user\":\"\\u0000\"}", "nul"},
    {"{\"format\":\"presenced\",\"version\":4}", "version 4"},
    {"{\"format\":\"presenced\",\"version\":0}", "version 0"},
    {"{\"users\":1}", "\"apps\" is missing"},
    {"{\"apps\":1,\"users\":-1}", "\"users\" is not"},
    {"{\"apps\":1.5,\"users\":1}", "\"apps\" is not"},
    {"{\"apps\":1,\"users\":1,\"more\":1}", "a key is unknown"},
    {"{\"format\":\"presenced\",\"version\":\"1\"}", "\"version\" is not a whole number"},
    {"{\"format\":\"other\",\"version\":1}", "not \"presenced\""},
    {"{\"format\":\"presenced\"}", "\"version\" is missing"},
    {"{\"app\":1,\"forgotten_before\":1.5}", "\"forgotten_before\" is not a whole number"},
    {"{\"app\":1,\"forgotten_before\":9007199254740992}", "\"forgotten_before\" is not"},
    {"{\"app\":-1,\"forgotten_before\":1}", "\"app\" is not"},
    {"{\"app\":1,\"app\":1,\"forgotten_before\":1}", "a key comes twice"},
    {"{\"app\":1,\"forgotten_before\":1,\"more\":1}", "a key is unknown"},
    {"{\"app\":1}", "\"user\" is missing"},
    {USER_OF("", "", "\"\"", "1"), "\"user\" is not a text of 1 to 256 bytes"},
    {ROWS(""), "neither rows nor custom status"},
    {"{\"app\":1,\"user\":\"a\",\"rows\":{},\"custom_status\":null,\"custom_status_time\":null}",
     "not an array"},
    {ROWS("1"), "a row is not an object"},
    {ROWS("{\"platform\":\"Web\"}"), "\"action\" is missing"},
    {ROWS(ROW_OF("", "Login", "1", "null")), "\"platform\" is not a text"},
    {ROWS(ROW_OF("\xc3\xa9", "Login", "1", "null")), "printable ASCII"},
    {ROWS(ROW_OF("123456789012345678901234567890123", "Login", "1", "null")), "\"platform\" is not a text"},
    {ROWS(ROW_OF("Web", "login", "1", "null")), "\"action\" is none"},
    {ROWS(ROW_OF("Web", "Login", "-1", "null")), "\"event_time\" is not"},
    {ROWS(ROW_OF("Web", "Login", "1", "\"host\"")), "\"client_ip\" is neither"},
    {ROWS(ROW_OF("Web", "Login", "1", "1")), "\"client_ip\" is neither"},
    {ROWS(ROW_OF("Mac", "Login", "1", "null") "," ROW_OF("macOS", "Login", "1", "null")), "two rows of"},
    {ROWS(ROW_OF("New", "Login", "1", "null") "," ROW_OF("nEW", "Login", "1", "null")), "two rows of"},
    {ROWS(ROW_OF("New", "Login", "1", "null") "," ROW_OF("Newer", "?", "1", "null")), "\"action\" is none"},
    {USER_OF("a", ROW_OF("New", "Login", "1", "null"), "1", "1"), "\"custom_status\" is not a text"},
    {USER_OF("a", ROW_OF("New", "Login", "1", "null"), "null", "1"), "one is null"},
    {USER_OF("a", ROW_OF("New", "Login", "1", "null"), "\"\"", "null"), "one is null"},
    {USER_OF("a", ROW_OF("New", "Login", "1", "null"), "\"\"", "-1"), "\"custom_status_time\" is not"},
};

START_TEST(wrong_lines_are_named)
{
    static struct line line;
    char problem[LINE_PROBLEM_SIZE] = "";
    cleanup(platform_names_freep) struct platform_names *names = NULL;
    ck_assert_int_eq(platform_names_new(&names), 0);
    ck_assert_int_eq(line_parse(str_from(wrong_lines[_i].line), names, &line, problem), LINE_WRONG);
    ck_assert_msg(strstr(problem, wrong_lines[_i].says) != NULL, "%s", problem);
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_KNOWN);
}
END_TEST

START_TEST(no_platform_too_many_is_heard)
{
    static struct line line;
    char problem[LINE_PROBLEM_SIZE] = "";
    cleanup(platform_names_freep) struct platform_names *names = NULL;
    ck_assert_int_eq(platform_names_new(&names), 0);
    for (unsigned i = 0; i < PLATFORM_N_EXTRA_MAX - 1; i++) {
        char name[8];
        int len = snprintf(name, sizeof(name), "p%u", i);
        (void)platform_intern(names, (struct str){name, (size_t)len});
    }
    static const char two[] = ROWS(ROW_OF("x", "Login", "1", "null") "," ROW_OF("y", "Login", "1", "null"));
    static const char one[] = ROWS(ROW_OF("x", "Login", "1", "null") "," ROW_OF("p0", "Login", "1", "null"));
    ck_assert_int_eq(line_parse(str_from(two), names, &line, problem), LINE_WRONG);
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_MAX - 1);
    ck_assert_int_eq(line_parse(str_from(one), names, &line, problem), 0);
    ck_assert_uint_eq(line.user.rows[0].platform, PLATFORM_N_MAX - 1);
    ck_assert_uint_eq(line.user.rows[1].platform, PLATFORM_N_KNOWN);
}
END_TEST

static const char *const wrong_files[] = {
    "",
    "{}\n",
    LOGIN("a", "1"),
    "{\"app\":1400000000,\"forgotten_before\":5}\n",
    HEADER_OF("4") END("0", "0"),
    /* Cut, or with lines too few or too many. */
    HEADER,
    HEADER LOGIN("a", "1"),
    HEADER LOGIN("a", "1") "{\"apps\":0,\"use",
    HEADER LOGIN("a", "1") END("0", "2"),
    HEADER LOGIN("a", "1") LOGIN("b", "1") END("0", "1"),
    HEADER LOGIN("a", "1") END("1", "1"),
    HEADER END("0", "1") LOGIN("a", "1"),
    HEADER LOGIN("a", "1") END("0", "1") "\n",
};

START_TEST(other_files_leave_no_trace)
{
    write_text("file", str_from(wrong_files[_i]));
    ck_assert_int_eq(transfer(transfer_import, "store", "file"), 1);
    ck_assert_int_eq(access(f->path, F_OK), -1);
}
END_TEST

START_TEST(first_wrong_line_ends_it)
{
    static const char *const wrong[] = {"{}\n", HEADER, "\n"};
    for (size_t i = 0; i < 3; i++) {
        cleanup(buf_fini) struct buf text = {0};
        buf_append(&text, STR(HEADER "{\"app\":1400000000,\"forgotten_before\":9}\n" LOGIN("a", "1")));
        buf_append(&text, str_from(wrong[i]));
        buf_append(&text, STR(LOGIN("b", "1") END("1", "3")));
        write_text("file", buf_str(&text));
        ck_assert_int_eq(transfer(transfer_import, "store", "file"), 1);
        export_to("store", "out");
        expect_text("out", STR(HEADER LOGIN("a", "1") END("0", "1")));
    }
    /* Mended, it is all there: the first try has forgotten nobody. */
    write_text("file", STR(HEADER "{\"app\":1400000000,\"forgotten_before\":9}\n" LOGIN("a", "1")
                               LOGIN("b", "1") END("1", "2")));
    import_from("store", "file");
    export_to("store", "out");
    expect_same_text("file", "out");
}
END_TEST

START_TEST(lines_have_a_bound)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR(HEADER));
    for (size_t i = 0; i <= LINE_SIZE_MAX; i++) {
        buf_append_char(&text, ' ');
    }
    write_text("file", buf_str(&text));
    ck_assert_int_eq(transfer(transfer_import, "store", "file"), 1);
}
END_TEST

/* The longest user there can be fits a line. */
START_TEST(longest_user_fits)
{
    static struct user user;
    static struct line line;
    char problem[LINE_PROBLEM_SIZE] = "";
    cleanup(buf_fini) struct buf text = {0};
    cleanup(platform_names_freep) struct platform_names *names = NULL;
    ck_assert_int_eq(platform_names_new(&names), 0);
    for (char i = 0; i < PLATFORM_N_EXTRA_MAX; i++) {
        char name[PLATFORM_NAME_MAX];
        memset(name, '"', sizeof(name));
        name[0] = (char)('!' + i);
        (void)platform_intern(names, (struct str){name, sizeof(name)});
    }
    user.id_len = USER_ID_MAX;
    user.custom_status_len = USER_CUSTOM_STATUS_MAX;
    memset(user.id, 1, USER_ID_MAX);
    memset(user.custom_status, 1, USER_CUSTOM_STATUS_MAX);
    user.has_custom_status = true;
    user.custom_status_time_ms = EVENT_TIME_MAX_MS;
    user.n_rows = (uint16_t)platform_count(names);
    for (unsigned i = 0; i < user.n_rows; i++) {
        user.rows[i] = (struct row){
            .event_time_ms = EVENT_TIME_MAX_MS,
            .received_unix_ms = (UINT64_C(1) << 48) - 1,
            .platform = (uint8_t)i,
            .action = ROW_DISCONNECT,
            .reason = ROW_REASON_UNREGISTER,
            .client = {.len = 16},
        };
        memset(user.rows[i].client.bytes, 0xff, 16);
    }
    line_write_user(&text, EVENT_TIME_MAX_MS, names, &user);
    ck_assert_uint_lt(text.len * 2, LINE_SIZE_MAX);
    ck_assert_int_eq(line_parse((struct str){text.ptr, text.len - 1}, names, &line, problem), 0);
    ck_assert_mem_eq(&line.user, &user, sizeof(user));
}
END_TEST

/* Files and stores that are not as they should be. */

START_TEST(no_import_into_a_store_in_use)
{
    write_text("file", STR(HEADER LOGIN("a", "1") END("0", "1")));
    open_both();
    ck_assert_int_eq(transfer(transfer_import, "store", "file"), 1);
    ck_assert_uint_eq(changes_last_revision(table_changes(f->table)), 0);
}
END_TEST

START_TEST(no_store_is_said_and_none_is_made)
{
    ck_assert_int_eq(transfer(transfer_export, "store", "file"), 1);
    ck_assert_int_eq(access(f->path, F_OK), -1);
    ck_assert_int_eq(mkdir(f->path, 0700), 0);
    ck_assert_int_eq(transfer(transfer_export, "store", "file"), 1);
    cleanup(cleanup_freep) char *file = path_of("file");
    ck_assert_int_eq(access(file, F_OK), -1);
}
END_TEST

/* An export that fails leaves the one before, and nothing else. */
START_TEST(damaged_store_leaves_the_file)
{
    char path[STORE_FIXTURE_PATH_SIZE * 2];
    open_both();
    apply_events(5000);
    close_both();
    write_text("file", STR("before"));
    find_file(f->path, ".sst", path);
    flip_byte(path, file_size(path) / 3);
    ck_assert_int_eq(transfer(transfer_export, "store", "file"), 1);
    expect_text("file", STR("before"));
    unsigned n = 0;
    DIR *folder = opendir(f->root);
    while (readdir(folder) != NULL) {
        n++;
    }
    (void)closedir(folder);
    ck_assert_uint_eq(n, 4); /* ".", "..", "store", "file" */
}
END_TEST

START_TEST(export_is_for_its_user_alone)
{
    struct stat status;
    cleanup(cleanup_freep) char *path = path_of("file");
    open_both();
    close_both();
    export_to("store", "file");
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    expect_text("file", STR(HEADER END("0", "0")));
}
END_TEST

START_TEST(export_changes_nothing_of_the_store)
{
    open_both();
    apply_events(5000);
    await_stored();
    await_sync();
    uint64_t before = hash_folder(f->path);
    export_to("store", "file");
    ck_assert_uint_eq(hash_folder(f->path), before);
    apply_events(5000);
    await_stored();
    ck_assert_ptr_null(store_problem(f->store));
}
END_TEST

/* A snapshot beside a writer. Event n is of user n % N_WRITTEN with stamp n, so a snapshot must show each
 * user with the last stamp that is not above the highest, and all that was durable before. */

#define N_WRITTEN 2000
#define N_SNAPSHOTS 10

static _Atomic bool writer_stops;

static void await_lag(uint64_t max)
{
    struct store_stats stats;
    do {
        (void)sched_yield();
        store_stats(f->store, &stats);
    } while (stats.lag > max);
}

static void *write_on(void *cls)
{
    (void)cls;
    for (uint64_t n = 1; !atomic_load(&writer_stops); n++) {
        char id[200];
        struct table_applied applied;
        int len = snprintf(id, sizeof(id), "%0150u", (unsigned)(n % N_WRITTEN));
        const struct table_event event = {
            .kind = TABLE_LOGIN,
            .platform = PLATFORM_WEB,
            .user_id = {id, (size_t)len},
            .has_event_time = true,
            .event_time_ms = n,
        };
        must(table_apply(f->table, &event, n, &applied) == TABLE_CHANGED);
        await_lag(8192);
    }
    return NULL;
}

/* The highest stamp. */
static uint64_t read_stamps(uint64_t *ret_stamps)
{
    char problem[STORE_PROBLEM_SIZE];
    cleanup(snapshot_freep) struct snapshot *snapshot = NULL;
    static struct user user;
    uint64_t app_id;
    uint64_t highest = 0;
    int r = snapshot_open(f->path, STORE_MEMORY_MIN, &snapshot, problem);
    ck_assert_msg(r == 0, "%s", problem);
    while ((r = snapshot_next_user(snapshot, &app_id, &user, problem)) == 0) {
        uint64_t stamp = user.rows[0].event_time_ms;
        ret_stamps[strtoul(user.id, NULL, 10)] = stamp;
        highest = stamp > highest ? stamp : highest;
    }
    ck_assert_msg(r == SNAPSHOT_END, "%s", problem);
    return highest;
}

START_TEST(snapshot_beside_a_writer_is_of_one_moment)
{
    pthread_t writer;
    open_both();
    ck_assert_int_eq(pthread_create(&writer, NULL, write_on, NULL), 0);
    for (unsigned i = 0; i < N_SNAPSHOTS; i++) {
        uint64_t stamps[N_WRITTEN] = {0};
        struct store_stats stats;
        store_stats(f->store, &stats);
        uint64_t highest = read_stamps(stamps);
        ck_assert_uint_ge(highest, stats.stored_revision);
        for (uint64_t user = 0; user < N_WRITTEN; user++) {
            uint64_t behind = (highest + N_WRITTEN - user) % N_WRITTEN;
            must(stamps[user] == (behind < highest ? highest - behind : 0));
        }
    }
    atomic_store(&writer_stops, true);
    (void)pthread_join(writer, NULL);
    ck_assert_ptr_null(store_problem(f->store));
}
END_TEST

#define N_CASES(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("transfer");
    TCase *tcase = tcase_create("transfer");
    tcase_set_timeout(tcase, 100);
    tcase_add_checked_fixture(tcase, store_fixture_set_up, store_fixture_tear_down);
    tcase_add_loop_test(tcase, comes_back_the_same, 0, 2);
    tcase_add_test(tcase, table_finds_what_was_imported);
    tcase_add_test(tcase, says_all_there_is);
    tcase_add_test(tcase, takes_what_an_older_version_wrote);
    tcase_add_test(tcase, answers_survive_the_round_trip);
    tcase_add_test(tcase, forgets_nobody_ahead_of_the_clock);
    tcase_add_loop_test(tcase, merges_by_the_order_of_rows, 0, N_CASES(merges));
    tcase_add_loop_test(tcase, wrong_lines_are_named, 0, N_CASES(wrong_lines));
    tcase_add_test(tcase, no_platform_too_many_is_heard);
    tcase_add_loop_test(tcase, other_files_leave_no_trace, 0, N_CASES(wrong_files));
    tcase_add_test(tcase, first_wrong_line_ends_it);
    tcase_add_test(tcase, lines_have_a_bound);
    tcase_add_test(tcase, longest_user_fits);
    tcase_add_test(tcase, no_import_into_a_store_in_use);
    tcase_add_test(tcase, no_store_is_said_and_none_is_made);
    tcase_add_test(tcase, damaged_store_leaves_the_file);
    tcase_add_test(tcase, export_is_for_its_user_alone);
    tcase_add_test(tcase, export_changes_nothing_of_the_store);
    tcase_add_test(tcase, snapshot_beside_a_writer_is_of_one_moment);
    suite_add_tcase(suite, tcase);
    return suite;
}
