/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "victim.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

/* A store's folder that the daemon's user cannot write: the check says so, and so does the start, by file,
 * line and key. Run as root, the daemon is started as another user; else what it shall not write is closed to
 * ourselves. */

#define OTHER_USER 65534
#define OTHER_USER_TEXT "65534"

static const char config[] = "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
                             "[status]\nlisten = 127.0.0.1:0\n"
                             "[app 1400000000]\n"
                             "[store]\npath = @DIR@/parent/store\n";

static struct sandbox *sandbox;

static char *path_of(const char *name)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_appendf(&text, "@DIR@/%s", name);
    return sandbox_expand(sandbox, buf_text(&text));
}

static void make_folder(const char *name)
{
    cleanup(cleanup_freep) char *path = path_of(name);
    ck_assert_int_eq(mkdir(path, 0755), 0);
}

/* The daemon can write it. */
static void give(const char *name)
{
    cleanup(cleanup_freep) char *path = path_of(name);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(path, OTHER_USER, OTHER_USER), 0);
    }
}

/* It can read it only. */
static void close_to_writing(const char *name)
{
    cleanup(cleanup_freep) char *path = path_of(name);
    ck_assert_int_eq(chmod(path, 0555), 0);
}

static void set_up(void)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "victim.conf", config);
    ck_assert_int_eq(chmod(sandbox_path(sandbox), 0755), 0);
}

static void tear_down(void)
{
    cleanup(cleanup_freep) char *parent = path_of("parent");
    cleanup(cleanup_freep) char *store = path_of("parent/store");
    (void)chmod(parent, 0700); /* where it is a folder of ours */
    (void)chmod(store, 0700);
    sandbox_free(sandbox);
}

static void no_parent(void)
{
}

static void closed_parent(void)
{
    make_folder("parent");
    close_to_writing("parent");
}

static void file_for_a_parent(void)
{
    sandbox_write(sandbox, "parent", "");
}

static void file_for_a_folder(void)
{
    make_folder("parent");
    sandbox_write(sandbox, "parent/store", "");
}

static void closed_folder(void)
{
    make_folder("parent");
    make_folder("parent/store");
    close_to_writing("parent/store");
}

/* As a copy that root has put back. */
static void file_of_root(void)
{
    make_folder("parent");
    make_folder("parent/store");
    give("parent/store");
    sandbox_write(sandbox, "parent/store/SYNCED", "");
    cleanup(cleanup_freep) char *path = path_of("parent/store/SYNCED");
    ck_assert_int_eq(chmod(path, 0644), 0);
}

static void closed_file(void)
{
    make_folder("parent");
    make_folder("parent/store");
    sandbox_write(sandbox, "parent/store/SYNCED", "");
    give("parent/store");
    give("parent/store/SYNCED");
    close_to_writing("parent/store/SYNCED");
}

static const struct {
    void (*prepare)(void);
    bool needs_root;
    const char *says;
} refused[] = {
    {no_parent, false, "cannot be made: No such file or directory"},
    {closed_parent, false, "cannot be made: Permission denied"},
    {file_for_a_parent, false, "cannot be reached: Not a directory"},
    {file_for_a_folder, false, "cannot be the store's folder: Not a directory"},
    {closed_folder, false, "cannot be written: Permission denied (of user "},
    {closed_file, false, "holds a file that cannot be written: Permission denied: SYNCED (of user "},
    {file_of_root, true,
     "holds a file that cannot be written: Permission denied: SYNCED (of user 0, mode 0644"},
};

/* Words before the daemon's own: it is to read its configuration, too. */
static size_t as_its_user(const char **words)
{
    static const char script[] = "chmod 0644 @DIR@/victim.conf && exec setpriv --reuid " OTHER_USER_TEXT
                                 " --regid " OTHER_USER_TEXT " --clear-groups \"$@\"";
    const char *const through[] = {"sh", "-c", geteuid() == 0 ? script : "exec \"$@\"", "sh"};
    memcpy(words, through, sizeof(through));
    return sizeof(through) / sizeof(through[0]);
}

static void expect_status(const char *option, int exit_status, const char *says)
{
    const char *words[16];
    cleanup(buf_fini) struct buf output = {0};
    size_t n = as_its_user(words);
    words[n++] = harness_daemon();
    words[n++] = "--config";
    words[n++] = "@DIR@/victim.conf";
    words[n++] = option;
    words[n] = NULL;
    int status = sandbox_run(sandbox, words[0], words + 1, &output);
    ck_assert_msg(status == exit_status && strstr(buf_text(&output), says) != NULL, "%d, not \"%s\" but: %s",
                  status, says, buf_text(&output));
}

START_TEST(is_refused_where_it_cannot_be_written)
{
    if (refused[_i].needs_root && geteuid() != 0) {
        (void)printf("skipped: only root can make a file of root's\n");
        return;
    }
    refused[_i].prepare();
    expect_status("--check-config", 2, "/victim.conf:8: [store] path: /");
    expect_status("--check-config", 2, refused[_i].says);
    expect_status(NULL, 2, refused[_i].says);
}
END_TEST

static void own_parent(void)
{
    make_folder("parent");
    give("parent");
}

/* Its parent is of no matter then. */
static void own_folder(void)
{
    make_folder("parent");
    make_folder("parent/store");
    give("parent/store");
    close_to_writing("parent");
}

static void (*const good[])(void) = {own_parent, own_folder};

START_TEST(is_taken_where_it_can_be_written)
{
    const char *words[8];
    good[_i]();
    expect_status("--check-config", 0, ": ok");
    words[as_its_user(words)] = NULL;
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){config, words});
    victim_await_ready(victim);
    victim_stop(victim);
    /* With what is in it by now, too. */
    expect_status("--check-config", 0, ": ok");
}
END_TEST

/* A daemon that has its store reads its configuration again, whatever has become of the folder. */
START_TEST(is_not_asked_for_at_a_reload)
{
    const char *words[8];
    own_folder();
    words[as_its_user(words)] = NULL;
    struct victim *victim = victim_spawn(sandbox, &(struct victim_config){config, words});
    victim_await_ready(victim);
    close_to_writing("parent/store");
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
    victim_await_log(victim, "msg=\"configuration reloaded\"");
    cleanup(cleanup_freep) char *store = path_of("parent/store");
    ck_assert_int_eq(chmod(store, 0700), 0);
    victim_stop(victim);
}
END_TEST

#define N_ELEMENTS(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("folder");
    TCase *tcase = tcase_create("folder");
    tcase_set_timeout(tcase, 2 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, is_refused_where_it_cannot_be_written, 0, N_ELEMENTS(refused));
    tcase_add_loop_test(tcase, is_taken_where_it_can_be_written, 0, N_ELEMENTS(good));
    tcase_add_test(tcase, is_not_asked_for_at_a_reload);
    suite_add_tcase(suite, tcase);
    return suite;
}
