/* SPDX-License-Identifier: MIT */
#include "conf.h"
#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

static char folder[64];
static struct conf conf;

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/presenced-conf-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void path_of(const char *name, char ret_path[static 128])
{
    (void)snprintf(ret_path, 128, "%s/%s", folder, name);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    path_of(name, path);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

static void tear_down(void)
{
    static const char *const names[] = {"presenced.conf", "token",       "conf.d/10.conf",
                                        "conf.d/20.conf", "conf.d/note", "conf.d"};
    char path[128];
    conf_fini(&conf);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_of(names[i], path);
        (void)remove(path);
    }
    (void)rmdir(folder);
}

static int read_conf(void)
{
    char path[128];
    path_of("presenced.conf", path);
    return conf_read(path, &conf);
}

START_TEST(reads_what_it_wants_to_know)
{
    char text[512];
    write_file("token", "s3cret\n");
    (void)snprintf(text, sizeof(text),
                   "[callback]\nlisten = 127.0.0.1:8443, [::1]:8443 ; here\ntls = off\nother_commands = ok\n"
                   "[nonsense]\nx = y\n"
                   "[app 1400000000]\ntoken = first\ntoken_file = %s/token\nsign_tolerance = 2m\n"
                   "[app 1400000001]\n"
                   "[status]\nlisten = unix:/run/s\n",
                   folder);
    write_file("presenced.conf", text);
    ck_assert_int_eq(read_conf(), 0);
    ck_assert_str_eq(conf.callback_listen, "127.0.0.1:8443");
    ck_assert_str_eq(conf.callback_tls, "off");
    ck_assert_str_eq(conf.status_listen, "unix:/run/s");
    ck_assert_ptr_null(conf.control_listen);
    ck_assert_uint_eq(conf.n_apps, 2);
    const struct conf_app *app = conf_find_app(&conf, STR("1400000000"));
    ck_assert_ptr_nonnull(app);
    ck_assert_uint_eq(app->n_tokens, 2);
    ck_assert(str_equal(buf_str(&app->tokens[0].bytes), STR("first")));
    ck_assert(str_equal(buf_str(&app->tokens[1].bytes), STR("s3cret")));
    ck_assert_uint_eq(app->sign_tolerance_ms, 120000);
    app = conf_find_app(&conf, STR("1400000001")); /* a section without a key */
    ck_assert_ptr_nonnull(app);
    ck_assert_uint_eq(app->n_tokens, 0);
    ck_assert_uint_eq(app->sign_tolerance_ms, 60000);
}
END_TEST

START_TEST(what_stands_in_a_later_file_counts)
{
    char path[128];
    path_of("conf.d", path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_file("presenced.conf", "[callback]\npath = /a\n[status]\nlisten = 127.0.0.1:1\n");
    write_file("conf.d/10.conf", "[callback]\npath = /b\n[app 1400000000]\ntoken = x\n");
    write_file("conf.d/20.conf", "[callback]\npath = /c\n");
    write_file("conf.d/note", "[callback]\npath = /d\n");
    ck_assert_int_eq(read_conf(), 0);
    ck_assert_str_eq(conf.callback_path, "/c");
    ck_assert_str_eq(conf.status_listen, "127.0.0.1:1");
    ck_assert_uint_eq(conf.n_apps, 1);
}
END_TEST

START_TEST(tells_of_a_token_file_that_it_cannot_read)
{
    write_file("presenced.conf", "[app 1400000000]\ntoken_file = /nowhere/token\n");
    ck_assert_int_eq(read_conf(), 0);
    ck_assert_str_eq(conf.apps[0].token_error, "/nowhere/token: No such file or directory");
    ck_assert_uint_eq(conf.apps[0].n_tokens, 0);
}
END_TEST

START_TEST(a_credential_is_a_file_that_systemd_keeps)
{
    write_file("token", "s3cret\n");
    write_file("presenced.conf", "[app 1400000000]\ntoken_file = credential:token\n"
                                 "[app 1400000001]\ntoken_file = credential:a/b\n");
    ck_assert_int_eq(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    ck_assert_int_eq(read_conf(), 0);
    ck_assert(str_equal(buf_str(&conf.apps[0].tokens[0].bytes), STR("s3cret")));
    ck_assert_str_eq(conf.apps[0].tokens[0].name, "credential:token");
    ck_assert_ptr_null(conf.apps[0].token_error);
    ck_assert_str_eq(
        conf.apps[1].token_error,
        "[app 1400000001] token_file = credential:a/b: a credential is named as a file is, without '/'");
    conf_fini(&conf);
    ck_assert_int_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    write_file("presenced.conf", "[app 1400000000]\ntoken_file = credential:no-such-token\n");
    ck_assert_int_eq(read_conf(), 0);
    ck_assert_str_eq(conf.apps[0].token_error,
                     "[app 1400000000] token_file = credential:no-such-token: "
                     "/run/credentials/presenced.service/no-such-token: No such file or directory: systemd "
                     "keeps it there while presenced.service runs, if LoadCredential= names it");
}
END_TEST

START_TEST(a_file_that_is_not_there_is_an_error)
{
    ck_assert_int_eq(read_conf(), -ENOENT);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl conf");
    TCase *tcase = tcase_create("conf");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, reads_what_it_wants_to_know);
    tcase_add_test(tcase, what_stands_in_a_later_file_counts);
    tcase_add_test(tcase, tells_of_a_token_file_that_it_cannot_read);
    tcase_add_test(tcase, a_credential_is_a_file_that_systemd_keeps);
    tcase_add_test(tcase, a_file_that_is_not_there_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
