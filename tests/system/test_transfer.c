/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* --export and --import of the program, beside a running daemon and without one. Its logins are of 2023, and
 * are believed. */

static const char config[] = "[callback]\n"
                             "listen = 127.0.0.1:0\n"
                             "tls = off\n"
                             "[status]\n"
                             "listen = 127.0.0.1:0\n"
                             "[store]\n"
                             "path = @DIR@/store\n"
                             "memory = 8M\n"
                             "[presence]\n"
                             "assume_offline_after = 0\n"
                             "[app 1400000000]\n";

#define HEADER "{\"format\":\"presenced\",\"version\":3}\n"
#define END(users) "{\"apps\":0,\"users\":" users "}\n"
#define ALICE                                                                                             \
    "{\"app\":1400000000,\"user\":\"alice\",\"rows\":[{\"platform\":\"Web\",\"action\":\"Login\","        \
    "\"reason\":\"Register\",\"event_time\":1700000000000,\"received_time\":1700000000100,\"client_ip\":" \
    "\"192.0.2.4\"}],\"custom_status\":null,\"custom_status_time\":null}\n"

#define N_EXPORTS 5

static struct sandbox *sandbox;

static void start(void)
{
    sandbox = sandbox_new();
}

static void stop(void)
{
    sandbox_free(sandbox);
}

/* Runs the daemon's program with an option; `redirection` is the shell's. Expects an exit status, and words
 * in what it says. */
static void expect_run(const char *option, const char *redirection, int exit_status, const char *says)
{
    cleanup(buf_fini) struct buf output = {0};
    cleanup(cleanup_freep) char *command = NULL;
    ck_assert_int_gt(asprintf(&command, "exec '%s' --config @DIR@/presenced.conf %s %s", harness_daemon(),
                              option, redirection),
                     0);
    const char *const arguments[] = {"-c", command, NULL};
    int status = sandbox_run(sandbox, "/bin/sh", arguments, &output);
    ck_assert_msg(status == exit_status && strstr(buf_text(&output), says) != NULL, "%s: %d, %s", option,
                  status, buf_text(&output));
}

/* A script of the shell's in which "$0" is the daemon's program. */
static void expect_script(const char *script, int exit_status, const char *says)
{
    cleanup(buf_fini) struct buf output = {0};
    const char *const arguments[] = {"-c", script, harness_daemon(), NULL};
    int status = sandbox_run(sandbox, "/bin/sh", arguments, &output);
    ck_assert_msg(status == exit_status && strstr(buf_text(&output), says) != NULL, "%s: %d, %s", script,
                  status, buf_text(&output));
}

static void expect_file(const char *name, const char *expected)
{
    cleanup(buf_fini) struct buf text = sandbox_read(sandbox, name);
    ck_assert_str_eq(buf_text(&text), expected);
}

START_TEST(moves_users_over_pipes)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE END("1"));
    expect_script("cat @DIR@/in | \"$0\" --config @DIR@/presenced.conf --import -", 0,
                  "1 users imported: 1 new, 0 changed,");
    expect_script("\"$0\" --config @DIR@/presenced.conf --export - | cat >@DIR@/out", 0, "1 users exported");
    expect_file("out", HEADER ALICE END("1"));
    struct instance *instance = instance_start(sandbox, config);
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    expect_state(status, "alice", "online");
    instance_stop(instance);
}
END_TEST

START_TEST(names_the_line_that_is_wrong)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE "{\"app\":1400000000}\n" END("2"));
    expect_run("--import @DIR@/in", "", 1, "/in:3: \"user\" is missing");
    expect_run("--import -", "<@DIR@/in", 1, "-:3: \"user\" is missing");
    expect_run("--import @DIR@/none", "", 1, "/none: No such file");
}
END_TEST

START_TEST(says_where_it_cannot_write)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE END("1"));
    expect_run("--export @DIR@/out", "", 1, "/store: No such file");
    expect_run("--import @DIR@/in", "", 0, "");
    expect_run("--export @DIR@/none/out", "", 1, "/none/out: No such file");
    expect_run("--export @DIR@/store", "", 1, "/store: Is a directory");
    expect_run("--export -", ">/dev/full", 1, "-: No space left");
    expect_run("--export /dev/full", "", 1, "/dev/full: No space left");
    expect_run("--export /dev/null", "", 0, "1 users exported");
}
END_TEST

/* What it said to people went into the file, which had got the number of stderr. */
START_TEST(keeps_an_export_apart_from_what_it_says)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE END("1"));
    expect_run("--import @DIR@/in", "", 0, "");
    expect_run("--export @DIR@/out", "<&- 2>&-", 0, "");
    expect_file("out", HEADER ALICE END("1"));
    expect_run("--export @DIR@/out", "<&- >&- 2>&-", 0, "");
    expect_file("out", HEADER ALICE END("1"));
}
END_TEST

/* A limit on the size of files is no signal but a full disk: it is said, and what was there stays. */
START_TEST(says_that_a_file_would_be_too_large)
{
    cleanup(buf_fini) struct buf lines = {0};
    sandbox_write(sandbox, "presenced.conf", config);
    buf_append(&lines, STR(HEADER));
    for (unsigned i = 0; i < 100; i++) {
        buf_appendf(&lines,
                    "{\"app\":1400000000,\"user\":\"user%u\",\"rows\":[],\"custom_status\":\"\","
                    "\"custom_status_time\":1}\n",
                    i);
    }
    buf_append(&lines, STR(END("100")));
    sandbox_write(sandbox, "in", buf_text(&lines));
    sandbox_write(sandbox, "out", "before");
    expect_run("--import @DIR@/in", "", 0, "100 users imported: 100 new");
    expect_script("ulimit -f 1; exec \"$0\" --config @DIR@/presenced.conf --export @DIR@/out", 1,
                  "/out: File too large (for the limit on the size of files, ulimit -f)");
    expect_file("out", "before");
    expect_script("ulimit -f 1; exec \"$0\" --config @DIR@/presenced.conf --export - >@DIR@/other", 1,
                  "-: File too large");
    expect_run("--export @DIR@/out", "", 0, "100 users exported");
}
END_TEST

START_TEST(refuses_what_was_cut)
{
    cleanup(cleanup_freep) char *store = sandbox_expand(sandbox, "@DIR@/store");
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE);
    expect_run("--import @DIR@/in", "", 1, "/in: was cut or is not whole");
    expect_run("--import -", "<@DIR@/in", 1, "-: was cut or is not whole");
    ck_assert_int_eq(access(store, F_OK), -1);
    /* What can be read only once has been merged by then. */
    expect_script("cat @DIR@/in | \"$0\" --config @DIR@/presenced.conf --import -", 1, "-: was cut: ");
    expect_script("cat @DIR@/in | \"$0\" --config @DIR@/presenced.conf --import -", 1,
                  "1 users imported all the same: 0 new, 0 changed, 1 the same, 0 forgotten since; "
                  "their rows: 0 new, 0 newer, 1 the same, 0 older than here");
    sandbox_write(sandbox, "in", HEADER ALICE END("2"));
    expect_script("cat @DIR@/in | \"$0\" --config @DIR@/presenced.conf --import -", 1,
                  "-:3: not whole: lines are missing, or come twice");
    sandbox_write(sandbox, "in", HEADER ALICE END("1") ALICE);
    expect_script("cat @DIR@/in | \"$0\" --config @DIR@/presenced.conf --import -", 1,
                  "-:4: goes on behind the line that counts it");
}
END_TEST

START_TEST(warns_of_what_has_no_count)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", "{\"format\":\"presenced\",\"version\":1}\n" ALICE);
    expect_run("--import @DIR@/in", "", 0, "/in: of an older presenced");
}
END_TEST

#define USER(name, rows)                                                                    \
    "{\"app\":1400000000,\"user\":\"" name "\",\"rows\":[" rows "],\"custom_status\":null," \
    "\"custom_status_time\":null}\n"
#define ROW(platform, time)                                                                         \
    "{\"platform\":\"" platform "\",\"action\":\"Login\",\"reason\":\"Other\",\"event_time\":" time \
    ",\"received_time\":7,\"client_ip\":null}"

START_TEST(says_what_it_merged)
{
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "first",
                  HEADER "{\"app\":1400000000,\"forgotten_before\":3}\n" USER("a", ROW("Web", "5"))
                      USER("b", ROW("Web", "5")) "{\"apps\":1,\"users\":2}\n");
    sandbox_write(sandbox, "second",
                  HEADER USER("a", ROW("Web", "4") "," ROW("iOS", "4") "," ROW("Mac", "1"))
                      USER("b", ROW("Web", "5")) USER("c", ROW("Web", "6") "," ROW("Mac", "6"))
                          USER("d", ROW("Web", "3")) END("4"));
    sandbox_write(sandbox, "third", HEADER USER("a", ROW("Web", "9")) END("1"));
    expect_run("--import @DIR@/first", "", 0, "2 users imported: 2 new, 0 changed,");
    expect_run(
        "--import @DIR@/second", "", 0,
        "4 users imported: 1 new, 1 changed, 1 the same, 1 forgotten since; their rows: 4 new, 0 newer, "
        "1 the same, 1 older than here");
    expect_run(
        "--import @DIR@/third", "", 0,
        "1 users imported: 0 new, 1 changed, 0 the same, 0 forgotten since; their rows: 0 new, 1 newer, "
        "0 the same, 0 older than here");
}
END_TEST

/* [store] is all that a transfer needs, on a machine that has no certificate, or no app any more. */
START_TEST(needs_no_other_section)
{
    static const char *const others[] = {
        "",
        "[callback]\ncertificate = @DIR@/none.pem\nprivate_key = @DIR@/none.key\n[app 1400000000]\n",
        "[app 1400000000]\ntoken_file = @DIR@/none\n[status]\nlisten = 0.0.0.0:1\n",
        "[oops]\nnonsense\nx = 1\n[callback\nlisten = x\n",
    };
    sandbox_write(sandbox, "in", HEADER ALICE END("1"));
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cleanup(buf_fini) struct buf text = {0};
        buf_appendf(&text, "%s[store]\npath = @DIR@/store\nmemory = 8M\n%s", others[i], others[i]);
        sandbox_write(sandbox, "presenced.conf", buf_text(&text));
        expect_run("--import @DIR@/in", "", 0, "1 users imported");
        expect_run("--export @DIR@/out", "", 0, "1 users exported");
    }
    sandbox_write(sandbox, "presenced.conf", "[store]\npath = @DIR@/store\nmemory = 1\n");
    expect_run("--export @DIR@/out", "", 2, "/presenced.conf:3: [store] memory: '1' is not allowed");
}
END_TEST

/* As root. */

#define OWNER 65534

static void expect_owners(const char *folder_name)
{
    struct stat status;
    const struct dirent *entry;
    unsigned n = 0;
    cleanup(cleanup_freep) char *path = sandbox_expand(sandbox, folder_name);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, "..") != 0) {
            ck_assert_int_eq(fstatat(dirfd(folder), entry->d_name, &status, 0), 0);
            ck_assert_msg(status.st_uid == OWNER && status.st_gid == OWNER, "%s is of %u", entry->d_name,
                          (unsigned)status.st_uid);
            n++;
        }
    }
    (void)closedir(folder);
    ck_assert_uint_gt(n, 3);
}

/* The store's files stay its owner's; what only root can read and write is read and written all the same. */
START_TEST(takes_the_identity_of_the_owner)
{
    static const char text[] = "[store]\npath = @DIR@/home/store\nmemory = 8M\n";
    cleanup(cleanup_freep) char *home = sandbox_expand(sandbox, "@DIR@/home");
    cleanup(cleanup_freep) char *out = sandbox_expand(sandbox, "@DIR@/out");
    struct stat status;
    if (geteuid() != 0) {
        (void)printf("skipped: only root can take another identity\n");
        return;
    }
    ck_assert_int_eq(mkdir(home, 0700), 0);
    ck_assert_int_eq(chown(home, OWNER, OWNER), 0);
    ck_assert_int_eq(chmod(sandbox_path(sandbox), 0711), 0);
    sandbox_write(sandbox, "presenced.conf", text);
    sandbox_write(sandbox, "in", HEADER ALICE END("1"));
    /* A store that is made, and one that is there. */
    for (unsigned i = 0; i < 2; i++) {
        expect_run("--import @DIR@/in", "", 0, "1 users imported");
        expect_owners("@DIR@/home/store");
        expect_run("--export @DIR@/out", "", 0, "1 users exported");
        expect_file("out", HEADER ALICE END("1"));
        expect_owners("@DIR@/home/store");
    }
    ck_assert_int_eq(stat(out, &status), 0);
    ck_assert_uint_eq(status.st_uid, 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    expect_run("--export -", ">@DIR@/piped", 0, "1 users exported");
    expect_file("piped", HEADER ALICE END("1"));
    /* What goes wrong there comes out. */
    sandbox_write(sandbox, "in", HEADER ALICE);
    expect_run("--import @DIR@/in", "", 1, "was cut");
    expect_run("--export -", ">/dev/full", 1, "-: No space left");
}
END_TEST

START_TEST(says_that_a_new_store_is_roots)
{
    if (geteuid() == 0) {
        sandbox_write(sandbox, "presenced.conf", config);
        sandbox_write(sandbox, "in", HEADER ALICE END("1"));
        expect_run("--import @DIR@/in", "", 0, "/store: a new store will belong to root");
    }
}
END_TEST

/* On a terminal: lines are fed until it has shown how far it is. */

static _Atomic bool has_shown;

static void *feed(void *cls)
{
    const int *fd = cls;
    uint64_t n = 0;
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR(HEADER));
    for (bool ends = false; !ends;) {
        ends = atomic_load(&has_shown);
        for (unsigned i = 0; i < 64 && !ends; i++) {
            buf_appendf(&text, USER("user%" PRIu64, ROW("Web", "5")), n++);
        }
        if (ends) {
            buf_appendf(&text, END("%" PRIu64), n);
        }
        for (size_t at = 0; at < text.len;) {
            ssize_t written = write(*fd, text.ptr + at, text.len - at);
            ck_assert_int_gt(written, 0);
            at += (size_t)written;
        }
        buf_clear(&text);
    }
    (void)close(*fd);
    return NULL;
}

/* What the terminal has got, until it holds `words`. */
static void await_terminal(int fd, struct buf *shown, const char *words)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (strstr(buf_text(shown), words) == NULL) {
        struct pollfd pollfd = {.fd = fd, .events = POLLIN};
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "no \"%s\" but: %s", words, buf_text(shown));
        if (poll(&pollfd, 1, 100) > 0) {
            char *end = buf_reserve(shown, 4096);
            ck_assert_ptr_nonnull(end);
            ssize_t n = read(fd, end, 4096);
            ck_assert_int_gt(n, 0);
            shown->len += (size_t)n;
        }
    }
}

START_TEST(shows_on_a_terminal_how_far_it_is)
{
    pthread_t feeder;
    int status = 0;
    cleanup(buf_fini) struct buf shown = {0};
    cleanup(cleanup_freep) char *script = NULL;
    cleanup(cleanup_freep) char *fifo = sandbox_expand(sandbox, "@DIR@/fifo");
    cleanup(cleanup_closep) int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0) {
        (void)printf("skipped: there are no terminals here: %s\n", strerror(errno));
        return;
    }
    ck_assert_int_eq(grantpt(terminal), 0);
    ck_assert_int_eq(unlockpt(terminal), 0);
    /* Held open here, so that there is something to read when the daemon has gone. */
    cleanup(cleanup_closep) int other_end = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(other_end, 0);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    sandbox_write(sandbox, "presenced.conf", config);
    ck_assert_int_gt(asprintf(&script,
                              "exec \"$0\" --config @DIR@/presenced.conf --import - <@DIR@/fifo 2>%s",
                              ptsname(terminal)),
                     0);
    const char *const arguments[] = {"-c", script, harness_daemon(), NULL};
    pid_t pid = sandbox_spawn(sandbox, "/bin/sh", arguments, "output");
    int fd = open(fifo, O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pthread_create(&feeder, NULL, feed, &fd), 0);
    await_terminal(terminal, &shown, " users imported");
    ck_assert_msg(strchr(buf_text(&shown), '\r') != NULL, "%s", buf_text(&shown));
    atomic_store(&has_shown, true);
    (void)pthread_join(feeder, NULL);
    await_terminal(terminal, &shown, " new, 0 changed, 0 the same");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(needs_a_store)
{
    sandbox_write(sandbox, "presenced.conf",
                  "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[app 1400000000]\n");
    expect_run("--export -", "", 2, "[store] path is not set");
    expect_run("--import -", "</dev/null", 2, "[store] path is not set");
}
END_TEST

/* A daemon that is sent events all the time. */

static uint16_t callback_port;
static _Atomic bool is_over;
static _Atomic unsigned n_answered; /* OK, to logins of user0, user1, … */

#define N_USERS 10000 /* then they begin again: a slow reader must not meet ever more of them */

static void *send_on(void *cls)
{
    (void)cls;
    cleanup(client_freep) struct client *callback = client_new("http", callback_port);
    for (unsigned n = 0; !atomic_load(&is_over); n++) {
        char user[32];
        (void)snprintf(user, sizeof(user), "user%08u", n % N_USERS);
        event_login(callback, user, 1700000000000 + n);
        atomic_store(&n_answered, n + 1);
    }
    return NULL;
}

/* All that were answered before, and those up to some that came after; none twice. */
static void expect_export_of_at_least(unsigned n_before)
{
    cleanup(buf_fini) struct buf text = sandbox_read(sandbox, "out");
    unsigned n = 0;
    /* Line by line: strstr() reads all that is left each time, under AddressSanitizer. */
    const char *line = strchr(buf_text(&text), '\n');
    for (; line != NULL && strncmp(line, "\n{\"apps\"", strlen("\n{\"apps\"")) != 0;
         line = strchr(line + 1, '\n')) {
        char begin[64];
        int len = snprintf(begin, sizeof(begin), "\n{\"app\":1400000000,\"user\":\"user%08u\",", n++);
        ck_assert_msg(strncmp(line, begin, (size_t)len) == 0, "%.60s is not %s", line, begin);
    }
    ck_assert_uint_ge(n, n_before < N_USERS ? n_before : N_USERS);
}

START_TEST(exports_beside_a_running_daemon)
{
    pthread_t sender;
    struct instance *instance = instance_start(sandbox, config);
    callback_port = instance_callback_port(instance);
    sandbox_write(sandbox, "presenced.conf", config);
    sandbox_write(sandbox, "in", HEADER ALICE END("1"));
    ck_assert_int_eq(pthread_create(&sender, NULL, send_on, NULL), 0);
    for (unsigned i = 0; i < N_EXPORTS; i++) {
        unsigned n_before = atomic_load(&n_answered);
        expect_run("--export @DIR@/out", "", 0, "users exported");
        expect_export_of_at_least(n_before);
        expect_run("--import @DIR@/in", "", 1, "/store: in use by another presenced");
    }
    atomic_store(&is_over, true);
    (void)pthread_join(sender, NULL);
    unsigned n_all = atomic_load(&n_answered);
    instance_stop(instance);
    expect_run("--export @DIR@/out", "", 0, "users exported");
    expect_export_of_at_least(n_all);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("transfer");
    TCase *tcase = tcase_create("transfer");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, moves_users_over_pipes);
    tcase_add_test(tcase, names_the_line_that_is_wrong);
    tcase_add_test(tcase, says_where_it_cannot_write);
    tcase_add_test(tcase, keeps_an_export_apart_from_what_it_says);
    tcase_add_test(tcase, says_that_a_file_would_be_too_large);
    tcase_add_test(tcase, refuses_what_was_cut);
    tcase_add_test(tcase, warns_of_what_has_no_count);
    tcase_add_test(tcase, says_what_it_merged);
    tcase_add_test(tcase, needs_no_other_section);
    tcase_add_test(tcase, takes_the_identity_of_the_owner);
    tcase_add_test(tcase, says_that_a_new_store_is_roots);
    tcase_add_test(tcase, shows_on_a_terminal_how_far_it_is);
    tcase_add_test(tcase, needs_a_store);
    tcase_add_test(tcase, exports_beside_a_running_daemon);
    suite_add_tcase(suite, tcase);
    return suite;
}
