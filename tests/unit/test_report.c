/* SPDX-License-Identifier: MIT */
#include "../../src/daemon/parts.h"
#include "suite.h"

#include <stdio.h>
#include <sys/un.h>

/* What arrives at the service manager's socket. */

static char folder[] = "/tmp/presenced-report-XXXXXX";
static int manager_fd = -1;
static struct daemon *daemon_;
static struct config config;

static void set_up(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", folder);
    manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(manager_fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    daemon_ = calloc(1, sizeof(*daemon_));
    ck_assert_ptr_nonnull(daemon_);
    ck_assert_int_eq(config_defaults(&config), 0);
    daemon_->config = &config;
    atomic_store(&daemon_->readiness, STATUS_READY);
    ck_assert_int_eq(table_new(&(struct table_config){0}, &daemon_->table), 0);
    ck_assert_int_eq(warnings_new(&daemon_->warnings), 0);
}

static void tear_down(void)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/notify", folder);
    warnings_free(daemon_->warnings);
    table_free(daemon_->table);
    config_fini(&config);
    free(daemon_);
    (void)close(manager_fd);
    (void)unlink(path);
    (void)rmdir(folder);
    (void)unsetenv("NOTIFY_SOCKET");
}

static void expect(const char *message)
{
    char got[4096];
    ssize_t n = recv(manager_fd, got, sizeof(got) - 1, 0);
    ck_assert_msg(n >= 0, "no message; expected: %s", message);
    got[n] = '\0';
    ck_assert_str_eq(got, message);
}

static void expect_none(void)
{
    char got[1];
    ck_assert_int_lt(recv(manager_fd, got, sizeof(got), 0), 0);
}

START_TEST(more_time_for_who_comes_further)
{
    report_loading(daemon_, 0);
    expect("STATUS=loading, users so far: 0");
    expect_none();
    report_loading(daemon_, 1000);
    expect("STATUS=loading, users so far: 1000");
    expect("EXTEND_TIMEOUT_USEC=20000000");
    report_loading(daemon_, 1000);
    expect("STATUS=loading, users so far: 1000");
    expect_none();
}
END_TEST

START_TEST(refresh_tells_what_is_new)
{
    report_ready(daemon_);
    expect("READY=1\nSTATUS=users online: 0");
    report_refresh(daemon_);
    expect_none();
    warnings_raise(daemon_->warnings, WARNING_STORE_PROBLEM, 0, "disk full", 0);
    report_refresh(daemon_);
    expect_none(); /* not yet */
    daemon_->report.next_ms = 0;
    report_refresh(daemon_);
    expect("STATUS=users online: 0; disk full");
}
END_TEST

START_TEST(what_needs_a_person)
{
    warnings_raise(daemon_->warnings, WARNING_APP_UNSIGNED, 1, "unsigned", 0);
    report_ready(daemon_);
    expect("READY=1\nSTATUS=users online: 0");
    warnings_raise(daemon_->warnings, WARNING_CERTIFICATE_EXPIRES_SOON, 0, "soon", 0);
    report_refresh(daemon_);
    expect("STATUS=users online: 0; soon");
    warnings_raise(daemon_->warnings, WARNING_CERTIFICATE_EXPIRED, 1, "over", 0);
    note_reload_failed(daemon_, STR("why"));
    daemon_->report.next_ms = 0;
    report_refresh(daemon_);
    expect("STATUS=users online: 0; configuration not reloaded: why; over; soon");
    note_reload_succeeded(daemon_);
    daemon_->report.next_ms = 0;
    report_refresh(daemon_);
    expect("STATUS=users online: 0; over; soon");
}
END_TEST

START_TEST(cut_within_no_character)
{
    char text[WARNING_TEXT_SIZE];
    char expected[SERVICE_STATUS_SIZE + 64];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    warnings_raise(daemon_->warnings, WARNING_CERTIFICATE_EXPIRED, 0, text, 0);
    /* The line ends with the first byte of three. */
    size_t n = SERVICE_STATUS_SIZE - 2 - strlen("users online: 0; ; ") - strlen(text);
    (void)snprintf(expected, sizeof(expected), "READY=1\nSTATUS=users online: 0; %s; %.*s", text, (int)n,
                   text);
    memcpy(text + n, "\xe4\xb8\xad!", 4);
    warnings_raise(daemon_->warnings, WARNING_CERTIFICATE_EXPIRED, 1, text, 0);
    report_ready(daemon_);
    expect(expected);
}
END_TEST

START_TEST(time_to_drain)
{
    config.callback.drain_delay_ms = 3600000;
    config.callback.request_timeout_ms = 1000;
    atomic_store(&daemon_->readiness, STATUS_DRAINING);
    report_stopping(daemon_);
    expect("STOPPING=1\nSTATUS=draining, users online: 0");
    expect("EXTEND_TIMEOUT_USEC=3621000000");
    report_reloading(daemon_);
    report_reloaded(daemon_);
    expect_none(); /* it would be taken for running again */
}
END_TEST

START_TEST(says_nothing_where_nobody_listens)
{
    (void)unsetenv("NOTIFY_SOCKET");
    report_ready(daemon_);
    report_stopping(daemon_);
    expect_none();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("report");
    TCase *tcase = tcase_create("report");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, more_time_for_who_comes_further);
    tcase_add_test(tcase, refresh_tells_what_is_new);
    tcase_add_test(tcase, what_needs_a_person);
    tcase_add_test(tcase, cut_within_no_character);
    tcase_add_test(tcase, time_to_drain);
    tcase_add_test(tcase, says_nothing_where_nobody_listens);
    suite_add_tcase(suite, tcase);
    return suite;
}
