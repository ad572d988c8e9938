/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "browser.h"
#include "event.h"

#include "presenced/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

/* The page at GET /, in a real browser, and what a person does with it. Where PRESENCED_SHOTS names a folder,
 * pictures of it are put there. */

#define CALLBACK "[callback]\nlisten = 127.0.0.1:0\ntls = off\n"
#define APP "[app 1400000000]\n"
#define OTHER_APP "[app 1400000001]\n"
#define STATUS "[status]\nlisten = 127.0.0.1:0\n"
#define STORE "[store]\npath = @DIR@/store\n"
#define TOKEN "token_file = @DIR@/token\n"

/* JavaScript. */
#define TEXT(id) "document.getElementById('" id "')?.textContent" /* none while a page is loaded anew */
#define SEES(id, text) TEXT(id) "?.includes(" text ")"
#define IS_LIVE "document.getElementById('link')?.className === 'pill good'"
#define FEED_ROWS "document.querySelectorAll('#feed-table tbody tr').length"
#define HIDDEN(id) "(document.getElementById('" id "')?.hidden === true)"

static struct sandbox *sandbox;
static struct instance *instance;
static struct browser *browser;
static struct client *callback;
static struct client *status;

static void start_daemon(const char *config)
{
    instance = instance_start(sandbox, config);
    callback = client_new("http", instance_callback_port(instance));
    status = client_new("http", instance_status_port(instance));
}

static void stop_daemon(void)
{
    client_free(callback);
    client_free(status);
    instance_stop(instance);
}

static struct sandbox *browser_sandbox;

static void start_browser(void)
{
    browser_sandbox = sandbox_new();
    browser = browser_new(browser_sandbox);
}

static void stop_browser(void)
{
    browser_free(browser);
    sandbox_free(browser_sandbox);
}

static void setup(void)
{
    sandbox = sandbox_new();
    sandbox_write(sandbox, "token", "sesame\n");
    sandbox_write(sandbox, "app-token", "of-app\n");
    browser_open_tab(browser);
    browser_look(browser, &(struct browser_look){.width = 1440, .height = 900});
}

static void teardown(void)
{
    browser_close_tab(browser);
    stop_daemon();
    sandbox_free(sandbox);
}

static void open_page(void)
{
    browser_open(browser, instance_status_port(instance));
}

static void send_event(uint64_t app, const char *platform, const char *user, const char *action)
{
    cleanup(cleanup_freep) char *target = event_target(app, platform, "");
    cleanup(cleanup_freep) char *body = event_body(user, action, "Register", 0);
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, body, &answer);
    expect_callback(&answer, 200, "OK", 0);
}

static void send_refused(void)
{
    cleanup(cleanup_freep) char *target = event_target(1400000009, "Web", "");
    cleanup(answer_fini) struct answer answer;
    client_post(callback, target, "{}", &answer);
    ck_assert_int_eq(answer.status, 403);
}

/* How many times `text` stands in an answer of the status listener to who shows `token`. */
static unsigned count_in(const char *target, const char *token, const char *text)
{
    char authorization[64];
    const char *const headers[] = {authorization, NULL};
    const struct client_request request = {.target = target, .headers = headers};
    cleanup(answer_fini) struct answer answer;
    unsigned n = 0;
    (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s", token);
    client_send(status, &request, &answer);
    ck_assert_int_eq(answer.status, 200);
    for (const char *at = buf_text(&answer.body); (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    return n;
}

#define HOSTILE "<img src=x onerror=document.title=1>"

START_TEST(it_shows_what_is_so_and_what_changes)
{
    start_daemon(CALLBACK APP OTHER_APP STATUS);
    send_event(EVENT_APP, "iOS", "alice", "Login");
    open_page();
    browser_await(browser, IS_LIVE);
    browser_await(browser, TEXT("online-now") " === '1'");
    browser_await(browser, SEES("legend", "'iOS'"));
    browser_await(browser, SEES("chart-title", "'Devices online by platform, last hour'"));
    browser_await(browser, SEES("warnings", "'app 1400000000 has no token'"));
    browser_await(browser, SEES("feed-empty", "'presencectl trigger'") " && " FEED_ROWS " === 0");

    send_event(EVENT_OTHER_APP, "Android", HOSTILE, "Login");
    browser_await(browser, TEXT("online-now") " === '2'");
    browser_await(browser, SEES("feed-table", "'" HOSTILE "'") " && " SEES("feed-table",
                                                                           "'Android · Login (Register)'"));
    ck_assert(
        browser_is(browser, "document.querySelector('main img') === null && document.title === 'presenced'"));
    browser_await(browser, "document.querySelector('#outcomes li.ok').textContent === 'applied 2'");
    browser_await(
        browser,
        "[...document.querySelectorAll('#apps tbody tr')].map(r => r.cells[1].textContent).join() === "
        "'1,1'");

    browser_click(browser, "[data-split=app]");
    browser_await(browser,
                  SEES("legend", "'1400000001'") " && " SEES("chart-title", "'Users online by app'"));
}
END_TEST

START_TEST(the_chart_holds_what_the_minutes_were)
{
    start_daemon(CALLBACK APP STATUS);
    send_event(EVENT_APP, "iOS", "alice", "Login");
    send_event(EVENT_APP, "Mac", "alice", "Login");
    client_await(status, "/v1/stats/online", "{\"platform\":\"Mac\",");
    open_page();
    browser_await(browser, "document.querySelectorAll('#plot path.area').length === 2");
    browser_await(browser, "/: 2 \\(iOS 1 · Mac 1\\)$/.test(document.getElementById('plot').ariaValueText)");
    browser_await(browser, "document.querySelector('#chart-table tbody tr').cells[3].textContent === '2'");
}
END_TEST

START_TEST(a_user_is_shown_with_devices_and_events)
{
    start_daemon(CALLBACK APP OTHER_APP STATUS STORE);
    send_event(EVENT_APP, "iOS", "a/b?c", "Login");
    open_page();
    browser_await(browser, IS_LIVE);
    send_event(EVENT_APP, "Web", "a/b?c", "Login");
    browser_await(browser, FEED_ROWS " === 1");
    browser_click(browser, "#feed-table button");
    browser_await(browser, "document.querySelectorAll('#lookup-result table')[0]?.rows.length === 3");
    browser_await(browser, "document.querySelectorAll('#lookup-result table')[1]?.rows.length === 3");
    browser_await(browser, "document.getElementById('lookup-user').value === 'a/b?c'");
    browser_await(browser, "document.activeElement.id === 'lookup-result'");

    send_event(EVENT_APP, "Web", "a/b?c", "Logout"); /* who is shown is followed */
    browser_await(browser, "document.querySelectorAll('#lookup-result table')[1]?.rows.length === 4");

    browser_click(browser, "#lookup-user");
    browser_do(browser, "document.getElementById('lookup-user').select()");
    browser_type(browser, "nobody");
    browser_press(browser, "Enter");
    browser_await(browser, SEES("lookup-result", "'No event of this user has come.'"));
}
END_TEST

START_TEST(a_refused_request_is_shown_with_its_reason)
{
    start_daemon(CALLBACK APP STATUS);
    open_page();
    browser_await(browser, SEES("refused-text", "'None was refused'"));
    send_refused();
    browser_await(browser, SEES("refused-table", "'SdkAppid is not one that is configured'") " && " SEES(
                               "refused-table", "'1400000009'"));
    browser_await(browser, SEES("answers", "'Refused1'"));
}
END_TEST

static void enter_token(const char *token)
{
    browser_do(browser, "document.getElementById('token').select()");
    browser_type(browser, token);
    browser_press(browser, "Enter");
}

START_TEST(a_token_is_asked_for_and_kept_for_the_tab_alone)
{
    start_daemon(CALLBACK APP STATUS TOKEN);
    open_page();
    browser_await(browser, "document.activeElement.id === 'token' && " HIDDEN("dashboard"));
    ck_assert_uint_eq(count_in("/v1/refused", "sesame", "refused_token"), 0); /* it knew without asking */
    enter_token("wrong");
    browser_await(browser, SEES("access-error", "'opens nothing'"));
    browser_await(browser, "document.getElementById('token').ariaInvalid === 'true'");
    enter_token("sesame");
    browser_await(browser, HIDDEN("access") " && " IS_LIVE);
    send_event(EVENT_APP, "iOS", "alice", "Login"); /* the stream shows it too */
    browser_await(browser, FEED_ROWS " === 1");
    ck_assert_uint_eq(count_in("/v1/refused", "sesame", "refused_token"), 1);
    ck_assert(browser_is(browser, "localStorage.length === 0 && document.cookie === ''"));

    browser_reload(browser);
    browser_await(browser, HIDDEN("access") " && " IS_LIVE);
    browser_click(browser, "#forget");
    browser_await(browser, HIDDEN("dashboard") " && sessionStorage.length === 0");
}
END_TEST

START_TEST(a_token_that_is_changed_is_asked_for_again)
{
    start_daemon(CALLBACK APP STATUS TOKEN);
    open_page();
    browser_await(browser, "document.activeElement.id === 'token'");
    enter_token("sesame");
    browser_await(browser, IS_LIVE);
    sandbox_write(sandbox, "token", "another\n");
    ck_assert_int_eq(kill(instance_pid(instance), SIGHUP), 0);
    browser_await(browser, HIDDEN("dashboard") " && " SEES("access-error", "'opens nothing any more'"));
    enter_token("another");
    browser_await(browser, HIDDEN("access") " && " IS_LIVE);
}
END_TEST

START_TEST(the_token_of_an_app_opens_a_page_of_that_app)
{
    start_daemon(CALLBACK APP "query_token_file = @DIR@/app-token\n" OTHER_APP STATUS TOKEN);
    send_event(EVENT_APP, "iOS", "alice", "Login");
    send_event(EVENT_OTHER_APP, "Web", "bob", "Login");
    open_page();
    browser_await(browser, "document.activeElement.id === 'token'");
    enter_token("of-app");
    browser_await(browser, IS_LIVE " && " TEXT("online-now") " === '1'");
    send_event(EVENT_OTHER_APP, "Web", "bob", "Logout");
    send_event(EVENT_APP, "Web", "alice", "Login");
    browser_await(browser, FEED_ROWS " === 1 && " SEES("feed-table", "'alice'"));
    browser_await(browser, SEES("refused-text", "'The token of an app'"));
    browser_await(browser, HIDDEN("callbacks") " && " HIDDEN("store") " && " HIDDEN("warnings"));
    browser_shot(browser, "app-token");
    ck_assert_uint_eq(count_in("/v1/refused", "sesame", "refused_token"), 0); /* it asks for nothing else */
}
END_TEST

START_TEST(a_stream_that_is_cut_is_told_and_comes_back)
{
    char config[256];
    (void)snprintf(config, sizeof(config), CALLBACK APP "[status]\nlisten = 127.0.0.1:%u\n",
                   harness_free_port());
    start_daemon(config);
    open_page();
    browser_await(browser, IS_LIVE);
    send_event(EVENT_APP, "iOS", "alice", "Login");
    browser_await(browser, FEED_ROWS " === 1");
    stop_daemon();
    browser_await(browser, SEES("link", "'Cut off'") " && !" HIDDEN("retry") " && " SEES(
                               "health", "'Not reachable'") " && " SEES("about", "'as of'"));
    browser_shot(browser, "cut");
    start_daemon(config);
    /* By itself it comes back within seconds, be it just now: then the button is hidden, and does nothing. */
    browser_do(browser, "document.getElementById('retry').click()");
    browser_await(browser, IS_LIVE " && " HIDDEN("retry"));
    /* It has asked from its last id on: another run holds nothing of that, and says so. */
    browser_await(browser, "document.querySelector('#feed-table tr.gap') !== null");
    send_event(EVENT_APP, "iOS", "bob", "Login");
    browser_await(browser, "document.querySelector('#feed-table tbody tr').textContent.includes('bob')");
    browser_await(browser, TEXT("online-now") " === '1'");
}
END_TEST

#define SAME_WORDS                                                                                                        \
    "import('/words.js').then(({words}) => Object.keys(words.en).join() === Object.keys(words.zh).join() && "             \
    "Object.entries(words.en).every(([k, w]) => k === 'tag' || String(w.other ?? w).match(/\\{\\w+\\}/g)?.sort().join() " \
    "=== String(words.zh[k].other ?? words.zh[k]).match(/\\{\\w+\\}/g)?.sort().join()))"

START_TEST(it_speaks_the_readers_language)
{
    start_daemon(CALLBACK APP STATUS);
    for (unsigned i = 0; i < 1200; i++) {
        char user[16];
        (void)snprintf(user, sizeof(user), "u%u", i);
        event_login(callback, user, 0);
    }
    browser_look(browser, &(struct browser_look){.width = 1440, .height = 900, .languages = "zh-CN,en"});
    open_page();
    browser_await(browser, "document.documentElement.lang === 'zh-CN' && " SEES("feed-title", "'实时变更'"));
    browser_await(browser, TEXT("online-now") " === '1,200'");
    ck_assert(browser_is(browser, SAME_WORDS));
    browser_click(browser, "#language-en");
    browser_await(browser, "document.documentElement.lang === 'en' && " SEES("feed-title", "'Changes'"));
    browser_reload(browser); /* it remembers */
    browser_await(browser, SEES("feed-title", "'Changes'"));
    ck_assert(browser_is(browser, "document.getElementById('language-en').ariaPressed === 'true'"));

    browser_do(browser, "localStorage.clear()");
    browser_look(browser, &(struct browser_look){.width = 1440, .height = 900, .languages = "de-DE"});
    browser_reload(browser);
    browser_await(browser, SEES("feed-title", "'Changes'") " && " TEXT("online-now") " === '1.200'");
}
END_TEST

static void tab_to(const char *id)
{
    char expression[128];
    (void)snprintf(expression, sizeof(expression), "document.activeElement.id === '%s'", id);
    for (unsigned i = 0; i < 40; i++) {
        browser_press(browser, "Tab");
        if (browser_is(browser, expression)) {
            ck_assert(browser_is(browser,
                                 "document.activeElement.matches(':focus-visible') && "
                                 "getComputedStyle(document.activeElement).outlineStyle === 'solid'"));
            return;
        }
    }
    ck_abort_msg("no way to %s by the keyboard", id);
}

START_TEST(the_keyboard_is_enough)
{
    start_daemon(CALLBACK APP STATUS);
    send_event(EVENT_APP, "iOS", "alice", "Login");
    client_await(status, "/v1/stats/online", "{\"platform\":\"iOS\",");
    open_page();
    browser_await(browser, IS_LIVE " && document.querySelectorAll('#plot path.area').length === 1");
    browser_press(browser, "Tab");
    browser_await(browser, "document.activeElement.className === 'skip'");
    browser_press(browser, "Enter");
    browser_await(browser, "document.activeElement.id === 'main'");
    tab_to("plot");
    browser_await(browser, "document.activeElement.ariaValueText.endsWith(': 1')");
    browser_press(browser, "ArrowLeft");
    browser_press(browser, "Home");
    ck_assert(browser_is(
        browser, "document.activeElement.ariaValueNow === '0' && "
                 "document.getElementById('readout').textContent === document.activeElement.ariaValueText"));
    tab_to("pause");
    browser_press(browser, " ");
    browser_await(browser, "document.activeElement.ariaPressed === 'true'");
    send_event(EVENT_APP, "iOS", "bob", "Login");
    browser_await(browser, TEXT("online-now") " === '2' && " FEED_ROWS " === 0");
    browser_press(browser, " ");
    send_event(EVENT_APP, "iOS", "carol", "Login");
    browser_await(browser, FEED_ROWS " === 1");
    tab_to("lookup-user");
    browser_type(browser, "bob");
    browser_press(browser, "Enter");
    browser_await(browser, "document.querySelector('#lookup-result h3')?.textContent.startsWith('bob')");
}
END_TEST

/* ---- 100,000 changes a minute ---- */

#define FLOOD_SECONDS 5

struct flood {
    pthread_t thread;
    unsigned n_a_second;
};

/* As many as there are in that time, be it that a busy machine takes longer for them. */
static void *flood(void *cls)
{
    const struct flood *flood = cls;
    cleanup(client_freep) struct client *client = client_new("http", instance_callback_port(instance));
    const uint64_t begin_ms = clock_monotonic_ms();
    for (unsigned n = 0; n < FLOOD_SECONDS * flood->n_a_second; n++) {
        char user[16];
        while ((clock_monotonic_ms() - begin_ms) * flood->n_a_second < (uint64_t)n * 1000) {
            (void)poll(NULL, 0, 1);
        }
        (void)snprintf(user, sizeof(user), "f%u", n);
        event_login(client, user, 0);
    }
    return NULL;
}

/* Counted in the time of the page's own thread, which does not depend on what else the machine does. */
START_TEST(it_stays_quick_beside_100_000_changes_a_minute)
{
    struct flood sender = {.n_a_second = 100000 / 60 / harness_slowness()};
    char expression[128];
    start_daemon(CALLBACK APP STATUS);
    open_page();
    browser_await(browser, IS_LIVE);
    const uint64_t begin_ms = clock_monotonic_ms();
    double begin_s = browser_busy_s(browser);
    ck_assert_int_eq(pthread_create(&sender.thread, NULL, flood, &sender), 0);
    browser_await(browser, "/^[0-9,.]+ changes a second; 10 of them are shown/.test(" TEXT("feed-rate") ")");
    ck_assert_int_eq(pthread_join(sender.thread, NULL), 0);
    (void)snprintf(expression, sizeof(expression),
                   TEXT("online-now") " === new Intl.NumberFormat('en').format(%u)",
                   FLOOD_SECONDS * sender.n_a_second);
    browser_await(browser, expression);
    double busy_s = browser_busy_s(browser) - begin_s;
    double lasted_s = (double)(clock_monotonic_ms() - begin_ms) /
                      1000; /* longer where the flood took longer */
    ck_assert_msg(busy_s < 0.5 * lasted_s, "it was busy for %.2f of %.2f s", busy_s, lasted_s);
    browser_await(browser, FEED_ROWS " > 10 && " FEED_ROWS " <= 40 && " IS_LIVE);
    browser_shot(browser, "flood");
}
END_TEST

/* ---- axe-core: what automated checks of accessibility find ---- */

#define RUN_AXE                                                                                                         \
    "axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(r => [...r.violations, "                       \
    "...r.incomplete.filter(v => v.id !== 'color-contrast')].map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' ')" \
    ").join('\\n'))"

static const struct browser_look looks[] = {
    {1440, 900, false, "en-US"},
    {1440, 900, true, "zh-CN"},
    {390, 844, false, "zh-CN"},
    {390, 844, true, "en-US"},
};

static void expect_accessible(const char *what, const struct browser_look *look)
{
    char name[64];
    cleanup(buf_fini) struct buf found = browser_eval(browser, RUN_AXE);
    (void)snprintf(name, sizeof(name), "%s-%d-%s-%.2s", what, look->width, look->is_dark ? "dark" : "light",
                   look->languages);
    browser_shot(browser, name);
    ck_assert_msg(strcmp(buf_text(&found), "\"\"") == 0, "%s: %.3000s", name, buf_text(&found));
}

static void load_axe(void)
{
    const char *path = getenv("PRESENCED_AXE");
    ck_assert_ptr_nonnull(path);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    cleanup(buf_fini) struct buf source = {0};
    size_t n;
    do {
        char *room = buf_reserve(&source, 65536);
        ck_assert_ptr_nonnull(room);
        n = fread(room, 1, 65536, file);
        source.len += n;
    } while (n > 0);
    (void)fclose(file);
    buf_append(&source, STR("\n;true"));
    ck_assert(browser_is(browser, buf_text(&source)));
}

START_TEST(axe_finds_nothing)
{
    const struct browser_look *look = &looks[_i];
    start_daemon(CALLBACK APP OTHER_APP STATUS TOKEN STORE);
    send_event(EVENT_APP, "iOS", "alice", "Login");
    send_event(EVENT_APP, "Web", "alice", "Login");
    send_event(EVENT_OTHER_APP, "Android", "bob", "Login");
    send_event(EVENT_APP, "iOS", "alice", "Disconnect");
    send_refused();
    browser_look(browser, look);
    open_page();
    load_axe();
    browser_await(browser, "document.activeElement.id === 'token'");
    enter_token("wrong");
    browser_await(browser, "document.getElementById('token').ariaInvalid === 'true'");
    expect_accessible("token", look);

    enter_token("sesame");
    browser_await(browser, IS_LIVE " && document.querySelectorAll('#plot path.area').length > 0");
    expect_accessible("quiet", look);

    send_event(EVENT_APP, "Mac", "alice", "Login");
    browser_await(browser, FEED_ROWS " === 1");
    browser_click(browser, "#feed-table button");
    browser_await(browser, "document.querySelectorAll('#lookup-result table')[1]?.rows.length > 2");
    browser_click(browser, "summary");
    expect_accessible("all", look);
    ck_assert(browser_is(browser, "document.documentElement.scrollWidth <= innerWidth"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("page");
    TCase *in_browser = tcase_create("in a browser");
    tcase_set_tags(in_browser, "chromium");
    tcase_set_timeout(in_browser, 120);
    tcase_add_unchecked_fixture(in_browser, start_browser, stop_browser);
    tcase_add_checked_fixture(in_browser, setup, teardown);
    tcase_add_test(in_browser, it_shows_what_is_so_and_what_changes);
    tcase_add_test(in_browser, the_chart_holds_what_the_minutes_were);
    tcase_add_test(in_browser, a_user_is_shown_with_devices_and_events);
    tcase_add_test(in_browser, a_refused_request_is_shown_with_its_reason);
    tcase_add_test(in_browser, a_token_is_asked_for_and_kept_for_the_tab_alone);
    tcase_add_test(in_browser, a_token_that_is_changed_is_asked_for_again);
    tcase_add_test(in_browser, the_token_of_an_app_opens_a_page_of_that_app);
    tcase_add_test(in_browser, a_stream_that_is_cut_is_told_and_comes_back);
    tcase_add_test(in_browser, it_speaks_the_readers_language);
    tcase_add_test(in_browser, the_keyboard_is_enough);
    tcase_add_test(in_browser, it_stays_quick_beside_100_000_changes_a_minute);
    suite_add_tcase(suite, in_browser);
    TCase *accessible = tcase_create("accessible");
    tcase_set_tags(accessible, "axe");
    tcase_set_timeout(accessible, 120);
    tcase_add_unchecked_fixture(accessible, start_browser, stop_browser);
    tcase_add_checked_fixture(accessible, setup, teardown);
    tcase_add_loop_test(accessible, axe_finds_nothing, 0, sizeof(looks) / sizeof(looks[0]));
    suite_add_tcase(suite, accessible);
    return suite;
}
