/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* The daemon with a store in a folder: what a restart, a kill and a full disk leave. */

#define N_USERS_MAX 8 /* of config: beyond it users are dropped */

static const char config[] = "[callback]\n"
                             "listen = 127.0.0.1:0\n"
                             "tls = off\n"
                             "[status]\n"
                             "listen = 127.0.0.1:0\n"
                             "[presence]\n"
                             "max_users = 8\n"
                             "[store]\n"
                             "path = @DIR@/store\n"
                             "[app 1400000000]\n"
                             "[app 1400000001]\n";

static const char many_config[] = "[callback]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "tls = off\n"
                                  "[status]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "[store]\n"
                                  "path = @DIR@/store\n"
                                  "[app 1400000000]\n";

static const char disk_config[] = "[callback]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "tls = off\n"
                                  "[status]\n"
                                  "listen = 127.0.0.1:0\n"
                                  "[store]\n"
                                  "path = @DIR@/disk/store\n"
                                  "[app 1400000000]\n";

/* One daemon after another in the same sandbox. */

struct run {
    struct victim *victim;
    struct client *callback;
    struct client *status;
};

static struct run run_start(struct sandbox *sandbox, const char *text)
{
    struct victim *victim = victim_start(sandbox, text);
    return (struct run){
        .victim = victim,
        .callback = client_new("http", victim_callback_port(victim)),
        .status = client_new("http", victim_status_port(victim)),
    };
}

static void run_close_clients(struct run *run)
{
    client_free(run->callback);
    client_free(run->status);
}

static void run_stop(struct run *run)
{
    run_close_clients(run);
    victim_stop(run->victim);
}

static void run_kill(struct run *run)
{
    victim_kill(run->victim);
    run_close_clients(run);
}

/* Events. */

static void send_event(struct run *run, uint64_t app, const char *platform, const char *body,
                       const char *action_status)
{
    cleanup(cleanup_freep) char *target = event_target(app, platform, "");
    cleanup(answer_fini) struct answer answer;
    client_post(run->callback, target, body, &answer);
    expect_callback(&answer, 200, action_status, strcmp(action_status, "OK") == 0 ? 0 : 1);
}

static void send_change(struct run *run, uint64_t app, const char *platform, const char *user,
                        const char *action, uint64_t event_time_ms)
{
    cleanup(cleanup_freep) char *body = event_body(
        user, action, strcmp(action, "Login") == 0 ? "Register" : "LinkClose", event_time_ms);
    send_event(run, app, platform, body, "OK");
}

static void send_custom_status(struct run *run, const char *user, const char *custom_status,
                               uint64_t event_time_ms)
{
    cleanup(buf_fini) struct buf body = {0};
    buf_appendf(&body,
                "{\"CallbackCommand\":\"State.StateChange\",\"EventTime\":%" PRIu64
                ",\"Info\":{\"To_Account\":\"%s\",\"Action\":\"CustomStatusChange\","
                "\"Reason\":\"SetCustomStatus\",\"CustomStatus\":\"%s\"}}",
                event_time_ms, user, custom_status);
    send_event(run, EVENT_APP, "Web", buf_text(&body), "OK");
}

/* A user as the API gives it, to the byte; "" where it is not known. */
static char *get_user(struct run *run, uint64_t app, const char *user)
{
    char target[128];
    (void)snprintf(target, sizeof(target), "/v1/users/%s?app=%" PRIu64, user, app);
    cleanup(answer_fini) struct answer answer;
    client_get(run->status, target, &answer);
    char *text = strdup(answer.status == 200 ? buf_text(&answer.body) : "");
    ck_assert_ptr_nonnull(text);
    return text;
}

static const struct {
    uint64_t app;
    const char *user;
} kept[] = {{EVENT_APP, "alice"}, {EVENT_APP, "bob"}, {EVENT_OTHER_APP, "alice"}, {EVENT_APP, "dropped0"}};

#define N_KEPT (sizeof(kept) / sizeof(kept[0]))

static void get_kept(struct run *run, char *ret_texts[static N_KEPT])
{
    for (size_t i = 0; i < N_KEPT; i++) {
        ret_texts[i] = get_user(run, kept[i].app, kept[i].user);
    }
}

static void expect_kept(struct run *run, char *texts[static N_KEPT])
{
    char *there[N_KEPT];
    get_kept(run, there);
    for (size_t i = 0; i < N_KEPT; i++) {
        ck_assert_str_eq(there[i], texts[i]);
        free(there[i]);
    }
}

/* Of all kinds; the users that go offline are more than may be held, so dropped0 is forgotten. */
static void send_variety(struct run *run, uint64_t now_ms)
{
    char user[32];
    for (unsigned i = 0; i < N_USERS_MAX; i++) {
        (void)snprintf(user, sizeof(user), "dropped%u", i);
        send_change(run, EVENT_APP, "Web", user, "Disconnect", now_ms - 10000 + i);
    }
    send_change(run, EVENT_APP, "IOS", "alice", "Login", now_ms);
    send_change(run, EVENT_APP, "HarmonyOS", "alice", "Login", now_ms + 1);
    send_custom_status(run, "alice", "in a meeting", now_ms + 2);
    send_change(run, EVENT_APP, "Android", "bob", "Disconnect", now_ms);
    send_change(run, EVENT_OTHER_APP, "Web", "alice", "Login", now_ms);
}

static void expect_variety(char *texts[static N_KEPT])
{
    ck_assert_msg(strstr(texts[0], "\"custom_status\":\"in a meeting\"") != NULL, "%s", texts[0]);
    ck_assert_msg(strstr(texts[0], "\"platform\":\"HarmonyOS\",\"state\":\"online\"") != NULL, "%s",
                  texts[0]);
    ck_assert_msg(strstr(texts[1], "\"state\":\"push_online\"") != NULL, "%s", texts[1]);
    ck_assert_msg(strstr(texts[2], "\"app\":1400000001") != NULL, "%s", texts[2]);
    ck_assert_str_eq(texts[3], "");
}

START_TEST(a_restart_changes_nothing)
{
    char *texts[N_KEPT];
    uint64_t now_ms = clock_unix_ms();
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct run run = run_start(sandbox, config);
    send_variety(&run, now_ms);
    get_kept(&run, texts);
    expect_variety(texts);
    for (unsigned i = 0; i < 3; i++) {
        /* In order, by force, in order. */
        (i == 1 ? run_kill : run_stop)(&run);
        run = run_start(sandbox, config);
        expect_kept(&run, texts);
        /* Forgotten stays forgotten: this is OK and changes nothing. */
        send_change(&run, EVENT_APP, "Web", "dropped0", "Login", now_ms - 10000);
        expect_kept(&run, texts);
    }
    run_stop(&run);
    for (size_t i = 0; i < N_KEPT; i++) {
        free(texts[i]);
    }
}
END_TEST

/* What is refused. */

START_TEST(a_file_is_no_folder)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    sandbox_write(sandbox, "store", "something else");
    victim_expect_refused(sandbox, config, 2, "store cannot be the store's folder: Not a directory");
    cleanup(buf_fini) struct buf content = sandbox_read(sandbox, "store");
    ck_assert_str_eq(buf_text(&content), "something else");
}
END_TEST

START_TEST(a_parent_must_be_there)
{
    static const char text[] = "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[status]\nlisten = 127.0.0.1:0\n"
                               "[store]\npath = @DIR@/nowhere/store\n[app 1400000000]\n";
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    victim_expect_refused(sandbox, text, 2, "store cannot be made: No such file or directory");
}
END_TEST

START_TEST(a_second_daemon_is_refused)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct run run = run_start(sandbox, config);
    send_change(&run, EVENT_APP, "Web", "alice", "Login", clock_unix_ms());
    victim_expect_refused(sandbox, config, 1, "store: in use by another presenced");
    send_change(&run, EVENT_APP, "Web", "bob", "Login", clock_unix_ms());
    run_kill(&run);
    run = run_start(sandbox, config);
    expect_state(run.status, "alice", "online");
    expect_state(run.status, "bob", "online");
    run_stop(&run);
}
END_TEST

/* FNV-1a over a file of the store. */
static uint64_t hash_file(const struct sandbox *sandbox, const char *name)
{
    char path[512];
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    (void)snprintf(path, sizeof(path), "store/%s", name);
    cleanup(buf_fini) struct buf content = sandbox_read(sandbox, path);
    for (size_t i = 0; i < content.len; i++) {
        hash = (hash ^ (uint8_t)content.ptr[i]) * UINT64_C(0x100000001b3);
    }
    for (; *name != '\0'; name++) {
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* All files but the engine's information logs, as one number; `ret_sst` is the name of one of its tables. */
static uint64_t hash_store(const struct sandbox *sandbox, char ret_sst[static 256])
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/store");
    uint64_t hash = 0;
    const struct dirent *entry;
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_type == DT_REG && strncmp(entry->d_name, "LOG", 3) != 0) {
            hash += hash_file(sandbox, entry->d_name);
            if (strstr(entry->d_name, ".sst") != NULL) {
                (void)snprintf(ret_sst, 256, "%s", entry->d_name);
            }
        }
    }
    (void)closedir(folder);
    return hash;
}

static void flip_byte(const struct sandbox *sandbox, const char *name)
{
    char path[512];
    uint8_t byte = 0;
    (void)snprintf(path, sizeof(path), "%s/store/%.255s", sandbox_path(sandbox), name);
    cleanup(cleanup_closep) int fd = open(path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(pread(fd, &byte, 1, 20), 1);
    byte ^= 1;
    ck_assert_int_eq(pwrite(fd, &byte, 1, 20), 1);
}

START_TEST(damage_is_refused)
{
    char sst[256] = "";
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct run run = run_start(sandbox, config);
    send_variety(&run, clock_unix_ms());
    run_stop(&run);
    /* Opening it moves what was in the log into a table. */
    run = run_start(sandbox, config);
    run_stop(&run);
    (void)hash_store(sandbox, sst);
    ck_assert_str_ne(sst, "");
    flip_byte(sandbox, sst);
    uint64_t before = hash_store(sandbox, sst);
    for (unsigned i = 0; i < 2; i++) {
        victim_expect_refused(sandbox, config, 1, "store: damaged: ");
        ck_assert_uint_eq(hash_store(sandbox, sst), before);
    }
    flip_byte(sandbox, sst);
    run = run_start(sandbox, config);
    expect_state(run.status, "alice", "online");
    run_stop(&run);
}
END_TEST

/* Under events, by who takes it for a log: none that was answered OK is lost to a kill. */
START_TEST(a_cut_journal_loses_nothing)
{
    char user[32];
    unsigned n = 0;
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/store/JOURNAL-1");
    struct run run = run_start(sandbox, many_config);
    for (; victim_count_log(run.victim, "the journal was cut") == 0; n++) {
        if (n == 100) {
            ck_assert_int_eq(truncate(path, 0), 0);
        }
        (void)snprintf(user, sizeof(user), "user%u", n);
        send_change(&run, EVENT_APP, "Web", user, "Login", clock_unix_ms());
    }
    run_kill(&run);
    run = run_start(sandbox, many_config);
    for (unsigned i = 0; i < n; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        expect_state(run.status, user, "online");
    }
    run_stop(&run);
}
END_TEST

/* The folder is removed under the daemon, as who wants to begin anew does. */

static void remove_files(const char *path)
{
    const struct dirent *entry;
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

/* The daemon may write a file meanwhile. */
static void remove_folder(const char *path)
{
    while (access(path, F_OK) == 0) {
        (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static bool is_there(const struct sandbox *sandbox, const char *text)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, text);
    return access(path, F_OK) == 0;
}

static void expect_lost(struct buf *log, const char *message, unsigned n)
{
    char count[32];
    const char *line = strstr(buf_text(log), message);
    (void)snprintf(count, sizeof(count), " lost=%u\n", n);
    ck_assert_msg(line != NULL && strstr(line, count) != NULL, "no \"%s\" with%s in: %s", message, count,
                  buf_text(log));
}

static void await_synced(struct run *run, uint64_t revision)
{
    char wanted[48];
    bool found = false;
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    (void)snprintf(wanted, sizeof(wanted), "\"synced_revision\":%" PRIu64, revision);
    while (!found) {
        cleanup(answer_fini) struct answer answer;
        client_get(run->status, "/v1/stats", &answer);
        found = strstr(buf_text(&answer.body), wanted) != NULL;
        ck_assert_msg(found || clock_monotonic_ms() < deadline_ms, "no %s in %s", wanted,
                      buf_text(&answer.body));
    }
}

static const struct {
    bool keeps_folder;
    bool is_idle; /* no event meets it */
} removals[] = {{false, false}, {true, false}, {false, true}, {true, true}};

START_TEST(a_removed_store_is_begun_anew)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/store");
    struct run run = run_start(sandbox, config);
    send_change(&run, EVENT_APP, "Web", "alice", "Login", clock_unix_ms());
    send_change(&run, EVENT_APP, "Web", "bob", "Login", clock_unix_ms());
    await_synced(&run, 2);
    if (removals[_i].keeps_folder) {
        remove_files(path);
    } else {
        remove_folder(path);
    }
    victim_await_log(run.victim, "problem=removed");
    if (!removals[_i].is_idle) {
        cleanup(cleanup_freep) char *body = event_body("carol", "Login", "Register", clock_unix_ms());
        send_event(&run, EVENT_APP, "Web", body, "FAIL");
    }
    run_close_clients(&run);
    cleanup(buf_fini) struct buf log = victim_stop_for_log(run.victim);
    expect_lost(&log, "store closed without its folder", removals[_i].is_idle ? 2 : 3);
    ck_assert(is_there(sandbox, "@DIR@/store") == removals[_i].keeps_folder);
    ck_assert(!is_there(sandbox, "@DIR@/store/LOCK"));
    run = run_start(sandbox, config);
    send_change(&run, EVENT_APP, "Web", "dave", "Login", clock_unix_ms());
    run_stop(&run);
    run = run_start(sandbox, config);
    expect_state(run.status, "dave", "online");
    run_stop(&run);
}
END_TEST

/* A disk that is full, for real: a small file system in memory, which only root may mount. It is of this
 * process and its children alone, so it goes with them. */

static bool mount_disk(const struct sandbox *sandbox)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/disk");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    if (unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
        mount("tmpfs", path, "tmpfs", 0, "size=16m") == 0) {
        return true;
    }
    (void)printf("skipped: a file system cannot be mounted: %s\n", strerror(errno));
    return false;
}

static void unmount_disk(const struct sandbox *sandbox)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/disk");
    ck_assert_int_eq(umount(path), 0);
}

static void fill_disk(const struct sandbox *sandbox)
{
    static const char zeros[4096];
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/disk/ballast");
    cleanup(cleanup_closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    while (write(fd, zeros, sizeof(zeros)) == (ssize_t)sizeof(zeros)) {}
    ck_assert_int_eq(errno, ENOSPC);
}

static void make_room(const struct sandbox *sandbox)
{
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, "@DIR@/disk/ballast");
    ck_assert_int_eq(unlink(path), 0);
}

static void user_name(unsigned number, char ret_name[static 32])
{
    (void)snprintf(ret_name, 32, "user%u", number);
}

/* Whether the login of a user was answered OK; otherwise it was FAIL. */
static bool try_login(struct run *run, unsigned number, uint64_t event_time_ms)
{
    char user[32];
    user_name(number, user);
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body(user, "Login", "Register", event_time_ms);
    cleanup(answer_fini) struct answer answer;
    client_post(run->callback, target, body, &answer);
    bool is_ok = strstr(buf_text(&answer.body), "\"OK\"") != NULL;
    expect_callback(&answer, 200, is_ok ? "OK" : "FAIL", is_ok ? 0 : 1);
    ck_assert(is_ok || strstr(buf_text(&answer.body), "cannot store") != NULL);
    return is_ok;
}

static void expect_ready(struct run *run, bool is_degraded)
{
    cleanup(answer_fini) struct answer answer;
    client_get(run->status, "/readyz", &answer);
    const char *body = buf_text(&answer.body);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_msg((strstr(body, "\"degraded\":") != NULL) == is_degraded, "%s", body);
    ck_assert_msg(!is_degraded || strstr(body, "disk full") != NULL, "%s", body);
}

static void expect_online(struct run *run, unsigned n_users)
{
    for (unsigned i = 0; i < n_users; i++) {
        char user[32];
        user_name(i, user);
        expect_state(run->status, user, "online");
    }
}

/* Logs users in from the given number on until that fails, and a few more. Returns how many there are now. */
static unsigned log_in_until_full(struct run *run, unsigned n_users, uint64_t now_ms)
{
    while (try_login(run, n_users, now_ms)) {
        n_users++;
    }
    unsigned first_failed = n_users++;
    for (unsigned i = 0; i < 20; i++) {
        ck_assert(!try_login(run, n_users++, now_ms));
    }
    /* Repeats change nothing, but what they repeat is not stored. */
    ck_assert(!try_login(run, first_failed, now_ms));
    return n_users;
}

static void expect_warning(struct run *run, bool wanted)
{
    static const char words[] = "events cannot be stored, and are answered FAIL: disk full";
    if (!wanted) {
        client_await(run->status, "/metrics", "\npresenced_warnings{code=\"store_problem\"} 0\n");
        return;
    }
    client_await(run->status, "/v1/stats", words);
    client_await(run->status, "/metrics", "\npresenced_warnings{code=\"store_problem\"} 1\n");
    victim_await_log(run->victim, words);
}

static void fill_and_recover(struct sandbox *sandbox)
{
    uint64_t now_ms = clock_unix_ms();
    struct run run = run_start(sandbox, disk_config);
    ck_assert(try_login(&run, 0, now_ms));
    expect_ready(&run, false);
    fill_disk(sandbox);
    unsigned n_users = log_in_until_full(&run, 1, now_ms);
    expect_ready(&run, true);
    expect_online(&run, n_users);
    victim_await_log(run.victim, "store cannot write");
    expect_warning(&run, true);
    make_room(sandbox);
    victim_await_log(run.victim, "store writes again");
    expect_warning(&run, false);
    expect_ready(&run, false);
    ck_assert(try_login(&run, n_users, now_ms));
    n_users++;
    ck_assert_uint_eq(victim_count_log(run.victim, "store cannot write"), 1);
    run_kill(&run);
    run = run_start(sandbox, disk_config);
    expect_online(&run, n_users);
    run_stop(&run);
}

START_TEST(a_full_disk_passes)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    if (mount_disk(sandbox)) {
        fill_and_recover(sandbox);
        unmount_disk(sandbox);
    }
}
END_TEST

/* How many of them are not known. */
static unsigned count_missing(struct run *run, unsigned n_users)
{
    unsigned n = 0;
    for (unsigned i = 0; i < n_users; i++) {
        char name[32];
        user_name(i, name);
        cleanup(cleanup_freep) char *user = get_user(run, EVENT_APP, name);
        n += *user == '\0';
    }
    return n;
}

/* What the journal has is not lost, though it was answered FAIL. */
START_TEST(a_stop_while_full_counts_what_is_lost)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    if (!mount_disk(sandbox)) {
        return;
    }
    struct run run = run_start(sandbox, disk_config);
    fill_disk(sandbox);
    unsigned n_users = log_in_until_full(&run, 0, clock_unix_ms());
    run_close_clients(&run);
    cleanup(buf_fini) struct buf log = victim_stop_for_log(run.victim);
    make_room(sandbox);
    run = run_start(sandbox, disk_config);
    unsigned n_lost = count_missing(&run, n_users);
    if (n_lost == 0) {
        ck_assert_ptr_null(strstr(buf_text(&log), "lost="));
    } else {
        expect_lost(&log, "store closed without all changes", n_lost);
    }
    run_stop(&run);
    unmount_disk(sandbox);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("store");
    TCase *tcase = tcase_create("store");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_test(tcase, a_restart_changes_nothing);
    tcase_add_test(tcase, a_file_is_no_folder);
    tcase_add_test(tcase, a_parent_must_be_there);
    tcase_add_test(tcase, a_second_daemon_is_refused);
    tcase_add_test(tcase, damage_is_refused);
    tcase_add_test(tcase, a_cut_journal_loses_nothing);
    tcase_add_loop_test(tcase, a_removed_store_is_begun_anew, 0, sizeof(removals) / sizeof(removals[0]));
    tcase_add_test(tcase, a_full_disk_passes);
    tcase_add_test(tcase, a_stop_while_full_counts_what_is_lost);
    suite_add_tcase(suite, tcase);
    return suite;
}
