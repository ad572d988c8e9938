/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"
#include "vendor.h"
#include "victim.h"

#include "presenced/clock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* Tencent is asked, and the table corrected, whatever becomes of the calls. */

#define KEY "not-to-be-seen-key"
#define POLL_MS 50
#define N_CROWD 1200  /* three calls ask about */
#define DOUBT_MS 3500 /* above what asker.c waits */

static struct sandbox *sandbox;
static struct victim *victim;
static struct client *callback;
static struct client *status;
static struct vendor *vendor;

static void pause_shortly(void)
{
    (void)nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
}

static void order(const char *text)
{
    vendor_order(vendor, text);
}

static void write_config(struct buf *out, const char *asking)
{
    buf_appendf(
        out,
        "[callback]\nlisten = 127.0.0.1:0\ntls = off\n[status]\nlisten = 127.0.0.1:0\n[log]\nlevel = debug\n"
        "[store]\npath = @DIR@/store\n[control]\nlisten = unix:@DIR@/control.sock\n"
        "[app 1400000000]\n");
    if (asking != NULL) {
        buf_appendf(out, "%ssecret_key_file = @DIR@/key\napi_url = http://127.0.0.1:%u\n", asking,
                    (unsigned)vendor_port(vendor));
    }
}

static void start_daemon(const char *asking, const char *key)
{
    cleanup(buf_fini) struct buf config = {0};
    sandbox_write(sandbox, "key", key);
    write_config(&config, asking);
    victim = victim_start(sandbox, buf_text(&config));
    callback = client_new("http", victim_callback_port(victim));
    status = client_new("http", victim_status_port(victim));
}

static void set_up(void)
{
    sandbox = sandbox_new();
    vendor = vendor_start(sandbox, "vendor", KEY);
}

/* What anybody may read of it never has the key or a UserSig, which begins so. */
static void tear_down(void)
{
    client_free(callback);
    client_free(status);
    cleanup(buf_fini) struct buf log = victim_stop_for_log(victim);
    ck_assert_ptr_null(strstr(buf_text(&log), KEY));
    ck_assert_ptr_null(strstr(buf_text(&log), "eJ"));
    ck_assert_ptr_null(strstr(buf_text(&log), "usersig"));
    vendor_stop(vendor);
    sandbox_free(sandbox);
}

static void send_event(const char *user, const char *action, const char *reason, uint64_t event_time_ms)
{
    cleanup(cleanup_freep) char *target = event_target(EVENT_APP, "Web", "");
    cleanup(cleanup_freep) char *body = event_body(user, action, reason, event_time_ms);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

/* Until an answer of the status listener holds the text, or does not any more. */
static void await_answer(const char *target, const char *text, bool holds)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    for (;;) {
        cleanup(answer_fini) struct answer answer;
        client_get(status, target, &answer);
        if ((strstr(buf_text(&answer.body), text) != NULL) == holds) {
            return;
        }
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s: \"%s\": %s", target, text,
                      buf_text(&answer.body));
        pause_shortly();
    }
}

#define ADMIN "admin = administrator\n"
#define ALICE "/v1/users/alice"
#define OLD_MS (clock_unix_ms() - 60000)

START_TEST(an_end_that_was_lost_is_found)
{
    order("{\"change\":[\"alice\",\"Web\",0,\"Offline\"]}");
    start_daemon(ADMIN, KEY);
    send_event("alice", "Login", "Register", OLD_MS);
    await_answer(ALICE, "\"state\":\"offline\",\"action\":\"Reconciled\",\"reason\":\"Offline\"", true);
    await_answer("/v1/stats", "\"corrections_ended\":1,\"corrections_begun\":0", true);
    await_answer("/metrics", ",kind=\"ended\"} 1", true);
    await_answer("/v1/users/alice/history", "\"reason\":\"Offline\",\"platform\":\"Web\"", true);
    await_answer("/v1/users/alice/history", "\"source\":\"reconcile\"", true);
}
END_TEST

/* One of two pages was closed: the event does not say which. */
START_TEST(a_second_instance_is_found)
{
    order("{\"change\":[\"alice\",\"Web\",0,\"Online\"]}");
    start_daemon(ADMIN, KEY);
    send_event("alice", "Login", "Register", OLD_MS);
    send_event("alice", "Disconnect", "LinkClose", clock_unix_ms());
    await_answer(ALICE, "\"state\":\"online\",\"action\":\"Reconciled\",\"reason\":\"Online\"", true);
}
END_TEST

START_TEST(rows_of_a_user_whom_the_vendor_does_not_have_end)
{
    start_daemon(ADMIN, KEY);
    send_event("alice", "Login", "Register", OLD_MS);
    await_answer(ALICE, "\"action\":\"Reconciled\",\"reason\":\"Offline\"", true);
}
END_TEST

static const struct {
    const char *order;
    const char *mended;
    const char *says;
} troubles[] = {
    {"{\"mode\":\"hang\"}", "{\"mode\":\"answer\"}", "cannot be asked: "},
    {"{\"mode\":\"close\"}", "{\"mode\":\"answer\"}", "cannot be asked: "},
    {"{\"mode\":\"half\"}", "{\"mode\":\"answer\"}", "cannot be asked: "},
    {"{\"mode\":\"garbage\"}", "{\"mode\":\"answer\"}", "cannot be read"},
    {"{\"mode\":\"empty\"}", "{\"mode\":\"answer\"}", "cannot be read"},
    {"{\"mode\":\"error\"}", "{\"mode\":\"answer\"}", "answers HTTP 502"},
    {"{\"refuse\":70500}", "{\"refuse\":0}", "Tencent answers 70500: "},
    {"{\"refuse\":12345}", "{\"refuse\":0}", "Tencent answers 12345, which is not known"},
};

/* Another key and other words for [app], or the same ones: asking begins anew. */
static void reload(const char *asking, const char *key)
{
    cleanup(buf_fini) struct buf config = {0};
    write_config(&config, asking);
    sandbox_write(sandbox, "key", key);
    sandbox_write(sandbox, "victim.conf", buf_text(&config));
    ck_assert_int_eq(kill(victim_pid(victim), SIGHUP), 0);
}

START_TEST(trouble_is_said_and_passes)
{
    start_daemon(ADMIN, KEY);
    for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
        order(troubles[i].order);
        reload(ADMIN, KEY);
        await_answer("/v1/stats", "app 1400000000 is not reconciled: ", true);
        await_answer("/v1/stats", troubles[i].says, true);
        send_event("alice", "Login", "Register", clock_unix_ms());
        expect_state(status, "alice", "online");
        order(troubles[i].mended);
        if (i < 2) {
            await_answer("/v1/stats", "is not reconciled", false);
        }
    }
    reload(ADMIN, KEY);
    await_answer("/v1/stats", "is not reconciled", false);
}
END_TEST

static const struct {
    const char *asking;
    const char *key;
    const char *order;
    const char *says;
} mistakes[] = {
    {ADMIN, "another-key", "{}", "Tencent answers 70009: the UserSig was not made with this app's key"},
    {"admin = alice\n", KEY, "{}", "Tencent answers 60010: the identifier is not an administrator"},
    {ADMIN, KEY, "{\"refuse\":60021}",
     "Tencent answers 60021: the app does not allow calls from this machine"},
    {ADMIN, KEY, "{\"refuse\":60026}", "Tencent answers 60026: the app lives in another region"},
    {ADMIN, KEY, "{\"refuse\":60028}", "Tencent answers 60028: the trial's calls"},
    {ADMIN, KEY, "{\"refuse\":70001}", "Tencent answers 70001: the UserSig has expired"},
    {ADMIN, KEY, "{\"refuse\":90011}",
     "Tencent answers 90011: there are more than 500 ids: a bug of presenced's"},
    {ADMIN, KEY, "{\"date_ahead_ms\":60000}", "this machine's clock is 5"},
};

/* Before there is any user to ask about. */
START_TEST(what_a_person_has_to_mend_is_said_at_once)
{
    start_daemon(mistakes[0].asking, mistakes[0].key);
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        order(mistakes[i].order);
        reload(mistakes[i].asking, mistakes[i].key);
        await_answer("/v1/stats", mistakes[i].says, true);
        await_answer("/metrics", "presenced_reconcile_failing{app=\"1400000000\"} 1", true);
        order("{\"refuse\":0,\"date_ahead_ms\":0}");
    }
}
END_TEST

/* Runs presencectl with these words; the caller calls buf_fini(). */
static struct buf ctl(int exit_status, const char *const *words)
{
    struct buf output = {0};
    int r = sandbox_run(sandbox, harness_client(), words, &output);
    ck_assert_msg(r == exit_status, "%s: exit status %d, not %d: %s", words[0], r, exit_status,
                  buf_text(&output));
    return output;
}

#define CTL(exit_status, ...) ctl((exit_status), (const char *const[]){__VA_ARGS__, NULL})

static void expect_words(struct buf *output, const char *words)
{
    ck_assert_msg(strstr(buf_text(output), words) != NULL, "no \"%s\" in: %s", words, buf_text(output));
}

START_TEST(a_person_asks_and_sees_both_views)
{
    order("{\"change\":[\"alice\",\"Web\",0,\"Offline\"]}");
    order("{\"change\":[\"bob\",\"Web\",0,\"Online\"]}");
    start_daemon(ADMIN, KEY);
    await_answer("/v1/stats", "\"last_answer_time\":0,", false);
    order("{\"mode\":\"close\"}"); /* so that nobody is corrected before */
    send_event("alice", "Login", "Register", OLD_MS);
    send_event("bob", "Login", "Register", OLD_MS);
    await_answer("/v1/stats", "is not reconciled", true);
    order("{\"mode\":\"answer\"}");
    cleanup(buf_fini) struct buf json = CTL(1, "ask", "alice", "bob", "nobody", "--json", "--control",
                                            "@DIR@/control.sock");
    expect_words(&json, "{\"user\":\"alice\",\"known\":\"online\",\"tencent\":\"offline\",\"error_code\":0,"
                        "\"devices\":[{\"platform\":\"Web\",\"known\":\"online\",\"tencent\":\"offline\","
                        "\"corrected\":true}]}");
    expect_words(&json, "{\"user\":\"bob\",\"known\":\"online\",\"tencent\":\"online\"");
    expect_words(&json, "{\"user\":\"nobody\",\"known\":\"unknown\",\"tencent\":null,\"error_code\":70107");
    expect_words(&json, "\"problem\":null");
    cleanup(buf_fini) struct buf text = CTL(0, "ask", "alice", "bob", "--control", "@DIR@/control.sock");
    expect_words(&text, "USER   PLATFORM  PRESENCED  TENCENT\nalice  all       offline    offline\n");
}
END_TEST

START_TEST(check_asks_and_says_what_to_mend)
{
    start_daemon(ADMIN, "another-key");
    char url[64];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u", (unsigned)victim_status_port(victim));
    cleanup(buf_fini) struct buf wrong = CTL(1, "check", "--ask", "--status", url, "--control",
                                             "@DIR@/control.sock");
    await_answer("/v1/stats", "is not reconciled", true);
    expect_words(&wrong,
                 "LOOK app 1400000000: Tencent answers 70009: the UserSig was not made with this app's key");
    reload(ADMIN, KEY);
    await_answer("/v1/stats", "is not reconciled", false);
    cleanup(buf_fini) struct buf right = CTL(0, "check", "--ask", "--status", url, "--control",
                                             "@DIR@/control.sock");
    expect_words(&right, "ok   app 1400000000: Tencent answers, its clock ");
    order("{\"refuse\":70001}"); /* at the first refusal, for the UserSig is new */
    cleanup(buf_fini) struct buf expired = CTL(1, "ask", "alice", "--control", "@DIR@/control.sock");
    expect_words(&expired, "Tencent answers 70001: the UserSig has expired: is this machine's clock right?");
    order("{\"refuse\":0}");
    reload(NULL, KEY);
    await_answer("/v1/stats", "\"reconcile\":{\"state\":\"off\"}", true);
    cleanup(buf_fini) struct buf off = CTL(1, "ask", "alice", "--control", "@DIR@/control.sock");
    expect_words(&off, "Tencent is not asked: app 1400000000 has no key: set admin and secret_key_file");
}
END_TEST

/* Until users in doubt are old enough to be asked about. */
static void await_doubts(void)
{
    uint64_t until_ms = clock_monotonic_ms() + DOUBT_MS;
    while (clock_monotonic_ms() < until_ms) {
        pause_shortly();
    }
}

/* While nothing is answered all of a crowd comes to be in doubt, and is then asked about in several calls at
 * once, with a UserSig that expires when the first was answered: the first refusal has another one made, and
 * that after it is no refusal of that one. */
START_TEST(a_usersig_that_expires_is_made_anew)
{
    char user[16];
    order("{\"mode\":\"close\",\"expire\":2}");
    order("{\"change\":[\"user0\",\"Web\",0,\"Online\"]}");
    order("{\"change\":[\"user1199\",\"Web\",0,\"Online\"]}");
    start_daemon(ADMIN, KEY);
    for (unsigned i = 0; i < N_CROWD; i++) {
        (void)snprintf(user, sizeof(user), "user%u", i);
        send_event(user, "Disconnect", "LinkClose", clock_unix_ms());
    }
    await_doubts();
    await_answer("/v1/stats", "cannot be asked: ", true);
    order("{\"mode\":\"answer\"}");
    reload(ADMIN, KEY); /* ends the pause */
    await_answer("/v1/users/user0", "\"action\":\"Reconciled\"", true);
    await_answer("/v1/users/user1199", "\"action\":\"Reconciled\"", true);
    await_answer("/v1/stats", "is not reconciled", false);
    ck_assert_uint_eq(victim_count_log(victim, "70001"), 0);
}
END_TEST

/* Whether memory that a core file would have holds the text. */
static bool is_in_core(pid_t pid, const char *text)
{
    char path[64];
    cleanup(cleanup_freep) char *line = NULL;
    size_t size = 0;
    uintptr_t begin = 0;
    uintptr_t end = 0;
    bool is_found = false;
    (void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    (void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
    FILE *maps = fopen(path, "re");
    ck_assert(mem >= 0 && maps != NULL);
    while (getline(&line, &size, maps) >= 0) {
        if (strchr(line, '-') != NULL && sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &begin, &end) == 2) {
            continue;
        }
        if (strncmp(line, "VmFlags:", 8) != 0 || strstr(line, " dd") != NULL || strstr(line, " rd") == NULL) {
            continue;
        }
        cleanup(cleanup_freep) char *bytes = malloc(end - begin);
        ck_assert_ptr_nonnull(bytes);
        ssize_t n = pread(mem, bytes, end - begin, (off_t)begin);
        is_found |= n > 0 && memmem(bytes, (size_t)n, text, strlen(text)) != NULL;
    }
    (void)fclose(maps);
    (void)close(mem);
    return is_found;
}

/* When calls have been made, and none is under way. */
START_TEST(neither_key_nor_usersig_is_in_a_core)
{
    start_daemon(ADMIN, KEY);
    await_answer("/v1/stats", "\"last_answer_time\":0,", false);
    ck_assert(is_in_core(victim_pid(victim), "administrator"));
    ck_assert(!is_in_core(victim_pid(victim), KEY));
    ck_assert(!is_in_core(victim_pid(victim), "usersig=eJ"));
}
END_TEST

START_TEST(a_reload_brings_the_key)
{
    start_daemon(NULL, KEY);
    send_event("alice", "Login", "Register", OLD_MS);
    await_answer("/v1/stats", "\"reconcile\":{\"state\":\"off\"}", true);
    reload(ADMIN, KEY);
    await_answer(ALICE, "\"action\":\"Reconciled\"", true);
    /* And takes it away. */
    reload(NULL, KEY);
    await_answer("/v1/stats", "\"reconcile\":{\"state\":\"off\"}", true);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("reconcile");
    TCase *tcase = tcase_create("reconcile");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_end_that_was_lost_is_found);
    tcase_add_test(tcase, a_second_instance_is_found);
    tcase_add_test(tcase, rows_of_a_user_whom_the_vendor_does_not_have_end);
    tcase_add_test(tcase, trouble_is_said_and_passes);
    tcase_add_test(tcase, what_a_person_has_to_mend_is_said_at_once);
    tcase_add_test(tcase, a_person_asks_and_sees_both_views);
    tcase_add_test(tcase, check_asks_and_says_what_to_mend);
    tcase_add_test(tcase, a_usersig_that_expires_is_made_anew);
    tcase_add_test(tcase, a_reload_brings_the_key);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("core");
    tcase_set_timeout(tcase, 3 * HARNESS_DEADLINE_MS / 1000);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, neither_key_nor_usersig_is_in_a_core);
    suite_add_tcase(suite, tcase);
    return suite;
}
