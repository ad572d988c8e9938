/* SPDX-License-Identifier: MIT */
#include "browser.h"

#include "presenced/clock.h"
#include "presenced/json.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

struct browser {
    pid_t pid;
    int to_fd;
    int from_fd;
    struct buf received; /* messages, each ended by NUL */
    unsigned last_id;
    char context[64]; /* of the tab: what keeps its storage apart */
    char target[64];
    char session[64]; /* empty: there is no tab */
    char user_agent[256];
    bool is_loaded;        /* Page.loadEventFired since the last navigation */
    struct buf complaints; /* of pages */
};

/* ---- messages ---- */

static void send_bytes(struct browser *browser, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(browser->to_fd, bytes.ptr, bytes.len);
        ck_assert_msg(n > 0, "Chromium does not listen: %s", strerror(errno));
        bytes.ptr += n;
        bytes.len -= (size_t)n;
    }
}

/* The next message; to be freed with cJSON_Delete(). NULL where it is none. */
static cJSON *receive(struct browser *browser)
{
    const uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    struct buf *received = &browser->received;
    char *end;
    while (received->len == 0 || (end = memchr(received->ptr, '\0', received->len)) == NULL) {
        struct pollfd poll_fd = {.fd = browser->from_fd, .events = POLLIN};
        uint64_t now_ms = clock_monotonic_ms();
        ck_assert_msg(now_ms < deadline_ms && poll(&poll_fd, 1, (int)(deadline_ms - now_ms)) > 0,
                      "Chromium says nothing");
        char *room = buf_reserve(received, 1 << 16);
        ck_assert_ptr_nonnull(room);
        ssize_t n = read(browser->from_fd, room, 1 << 16);
        ck_assert_msg(n > 0, "Chromium has ended: see chromium.log");
        received->len += (size_t)n;
    }
    cJSON *message = cJSON_Parse(received->ptr); /* NULL: its beginning went to a test that has failed */
    size_t len = (size_t)(end - received->ptr) + 1;
    received->len -= len;
    memmove(received->ptr, received->ptr + len, received->len);
    return message;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(member(object, name));
    return text == NULL ? "" : text;
}

/* What a page says of itself. A request that was answered with an error is its business. */
static void take_event(struct browser *browser, const cJSON *message)
{
    const char *method = text_of(message, "method");
    const cJSON *params = member(message, "params");
    if (strcmp(text_of(message, "sessionId"), browser->session) != 0) {
        return; /* of another test's tab */
    }
    if (strcmp(method, "Page.loadEventFired") == 0) {
        browser->is_loaded = true;
    } else if (strcmp(method, "Runtime.exceptionThrown") == 0) {
        const cJSON *details = member(params, "exceptionDetails");
        const char *description = text_of(member(details, "exception"), "description");
        buf_appendf(&browser->complaints, "%s %s\n", text_of(details, "text"), description);
    } else if (strcmp(method, "Log.entryAdded") == 0) {
        const cJSON *entry = member(params, "entry");
        if (strcmp(text_of(entry, "source"), "security") == 0) {
            buf_appendf(&browser->complaints, "%s\n", text_of(entry, "text"));
        }
    }
}

/* What is asked of a page that is being loaded anew is not answered. */
static bool was_cut_off(const cJSON *answer)
{
    return strstr(text_of(member(answer, "error"), "message"), "navigated or closed") != NULL;
}

/* Calls a method, whose params are `params` as JSON, and returns its answer; to be freed with cJSON_Delete().
 */
static cJSON *call(struct browser *browser, const char *method, const char *params)
{
    unsigned id = ++browser->last_id;
    cleanup(buf_fini) struct buf message = {0};
    buf_appendf(&message, "{\"id\":%u,\"method\":\"%s\",\"params\":%s", id, method, params);
    if (browser->session[0] != '\0') {
        buf_appendf(&message, ",\"sessionId\":\"%s\"", browser->session);
    }
    buf_append(&message, (struct str){"}", 2}); /* and NUL */
    ck_assert(!message.failed);
    send_bytes(browser, buf_str(&message));
    for (;;) {
        cJSON *answer = receive(browser);
        const cJSON *answer_id = member(answer, "id");
        if (answer_id != NULL && answer_id->valuedouble == id) {
            ck_assert_msg(member(answer, "error") == NULL || was_cut_off(answer), "%s: %s", method,
                          text_of(member(answer, "error"), "message"));
            return answer;
        }
        if (answer_id == NULL) {
            take_event(browser, answer);
        }
        cJSON_Delete(answer);
    }
}

static void order(struct browser *browser, const char *method, const char *params)
{
    cJSON_Delete(call(browser, method, params));
}

/* The string `name` of an answer's result. */
static void call_for_text(struct browser *browser, const char *method, const char *params, const char *name,
                          size_t size, char *ret_text)
{
    cJSON *answer = call(browser, method, params);
    int n = snprintf(ret_text, size, "%s", text_of(member(answer, "result"), name));
    ck_assert(n > 0 && n < (int)size);
    cJSON_Delete(answer);
}

/* ---- the process ---- */

static const char *chromium(void)
{
    const char *path = getenv("PRESENCED_CHROMIUM");
    ck_assert_msg(path != NULL, "PRESENCED_CHROMIUM does not say which browser to test with");
    return path;
}

static void make_pipe(const struct sandbox *sandbox, const char *name, char ret_path[static 256])
{
    (void)snprintf(ret_path, 256, "%s/%s", sandbox_path(sandbox), name);
    (void)unlink(ret_path);
    ck_assert_int_eq(mkfifo(ret_path, 0600), 0);
}

struct browser *browser_new(const struct sandbox *sandbox)
{
    char to[256];
    char from[256];
    make_pipe(sandbox, "to-chromium", to);
    make_pipe(sandbox, "from-chromium", from);
    /* Its own sandbox needs what root in a container has not, and it opens nothing but our page. */
    const char *const arguments[] = {
        "-c",
        "exec \"$0\" --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync --hide-scrollbars "
        "--remote-debugging-pipe --user-data-dir=@DIR@/chromium about:blank 3<@DIR@/to-chromium 4>@DIR@/from-chromium",
        chromium(),
        NULL,
    };
    struct browser *browser = calloc(1, sizeof(*browser));
    ck_assert_ptr_nonnull(browser);
    (void)signal(SIGPIPE, SIG_IGN);
    browser->pid = sandbox_spawn(sandbox, "sh", arguments, "chromium.log");
    browser->to_fd = open(to, O_WRONLY | O_CLOEXEC);
    browser->from_fd = open(from, O_RDONLY | O_CLOEXEC);
    ck_assert(browser->to_fd >= 0 && browser->from_fd >= 0);
    call_for_text(browser, "Browser.getVersion", "{}", "userAgent", sizeof(browser->user_agent),
                  browser->user_agent);
    return browser;
}

void browser_free(struct browser *browser)
{
    process_stop(browser->pid);
    (void)close(browser->to_fd);
    (void)close(browser->from_fd);
    buf_fini(&browser->received);
    free(browser);
}

void browser_open_tab(struct browser *browser)
{
    char params[192];
    browser->last_id = (unsigned)getpid() % 100000 * 10000; /* no answer to another test is taken for ours */
    call_for_text(browser, "Target.createBrowserContext", "{}", "browserContextId", sizeof(browser->context),
                  browser->context);
    (void)snprintf(params, sizeof(params), "{\"url\":\"about:blank\",\"browserContextId\":\"%s\"}",
                   browser->context);
    call_for_text(browser, "Target.createTarget", params, "targetId", sizeof(browser->target),
                  browser->target);
    (void)snprintf(params, sizeof(params), "{\"targetId\":\"%s\",\"flatten\":true}", browser->target);
    call_for_text(browser, "Target.attachToTarget", params, "sessionId", sizeof(browser->session),
                  browser->session);
    order(browser, "Page.enable", "{}");
    order(browser, "Runtime.enable", "{}");
    order(browser, "Log.enable", "{}");
    order(browser, "Performance.enable", "{\"timeDomain\":\"threadTicks\"}");
}

void browser_close_tab(struct browser *browser)
{
    char params[128];
    order(browser, "Log.disable", "{}"); /* what was said before it has come now */
    ck_assert_msg(browser->complaints.len == 0, "the page: %s", buf_text(&browser->complaints));
    buf_fini(&browser->complaints);
    browser->session[0] = '\0';
    (void)snprintf(params, sizeof(params), "{\"browserContextId\":\"%s\"}", browser->context);
    order(browser, "Target.disposeBrowserContext", params);
    while (browser->received.len > 0) { /* whole messages are left to the next test */
        cJSON_Delete(receive(browser));
    }
}

/* ---- pages ---- */

void browser_look(struct browser *browser, const struct browser_look *look)
{
    cleanup(buf_fini) struct buf params = {0};
    buf_appendf(&params, "{\"width\":%d,\"height\":%d,\"deviceScaleFactor\":1,\"mobile\":%s}", look->width,
                look->height, look->width < 600 ? "true" : "false");
    order(browser, "Emulation.setDeviceMetricsOverride", buf_text(&params));
    buf_clear(&params);
    buf_appendf(&params, "{\"features\":[{\"name\":\"prefers-color-scheme\",\"value\":\"%s\"}]}",
                look->is_dark ? "dark" : "light");
    order(browser, "Emulation.setEmulatedMedia", buf_text(&params));
    buf_clear(&params);
    buf_appendf(&params, "{\"userAgent\":\"%s\",\"acceptLanguage\":\"%s\"}", browser->user_agent,
                look->languages == NULL ? "en-US" : look->languages);
    order(browser, "Emulation.setUserAgentOverride", buf_text(&params));
}

static void await_load(struct browser *browser)
{
    while (!browser->is_loaded) {
        cJSON *message = receive(browser);
        take_event(browser, message);
        cJSON_Delete(message);
    }
}

void browser_open(struct browser *browser, uint16_t port)
{
    char params[64];
    (void)snprintf(params, sizeof(params), "{\"url\":\"http://127.0.0.1:%u/\"}", port);
    browser->is_loaded = false;
    order(browser, "Page.navigate", params);
    await_load(browser);
}

void browser_reload(struct browser *browser)
{
    browser->is_loaded = false;
    order(browser, "Page.reload", "{}");
    await_load(browser);
}

struct buf browser_eval(struct browser *browser, const char *expression)
{
    cleanup(buf_fini) struct buf params = {0};
    struct json_writer json = {.out = &params};
    struct buf value = {0};
    json_begin_object(&json, NULL);
    json_str(&json, "expression", str_from(expression));
    json_bool(&json, "awaitPromise", true);
    json_bool(&json, "returnByValue", true);
    json_bool(&json, "userGesture", true);
    json_end_object(&json);
    cJSON *answer = call(browser, "Runtime.evaluate", buf_text(&params));
    const cJSON *result = member(answer, "result");
    ck_assert_msg(member(result, "exceptionDetails") == NULL, "%.200s: %s", expression,
                  text_of(member(result, "result"), "description"));
    char *text = cJSON_PrintUnformatted(member(member(result, "result"), "value"));
    buf_append(&value, str_from(text == NULL ? "undefined" : text));
    cJSON_free(text);
    cJSON_Delete(answer);
    return value;
}

void browser_do(struct browser *browser, const char *expression)
{
    cleanup(buf_fini) struct buf unused = browser_eval(browser, expression);
}

bool browser_is(struct browser *browser, const char *expression)
{
    cleanup(buf_fini) struct buf value = browser_eval(browser, expression);
    return strcmp(buf_text(&value), "true") == 0;
}

void browser_await(struct browser *browser, const char *expression)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!browser_is(browser, expression)) {
        if (clock_monotonic_ms() >= deadline_ms) {
            cleanup(buf_fini) struct buf text = browser_eval(browser, "document.body.innerText");
            ck_abort_msg("never so: %s\nin: %.2500s", expression, buf_text(&text));
        }
        (void)poll(NULL, 0, 20);
    }
}

double browser_busy_s(struct browser *browser)
{
    double busy_s = -1;
    cJSON *answer = call(browser, "Performance.getMetrics", "{}");
    const cJSON *metric;
    cJSON_ArrayForEach(metric, member(member(answer, "result"), "metrics"))
    {
        if (strcmp(text_of(metric, "name"), "TaskDuration") == 0) {
            busy_s = member(metric, "value")->valuedouble;
        }
    }
    cJSON_Delete(answer);
    ck_assert(busy_s >= 0);
    return busy_s;
}

/* ---- what a person does ---- */

void browser_press(struct browser *browser, const char *key)
{
    static const struct {
        const char *key;
        int code;
        const char *text;
    } keys[] = {
        {"Tab", 9, NULL},      {"Enter", 13, "\\r"},     {" ", 32, " "},
        {"End", 35, NULL},     {"Home", 36, NULL},       {"ArrowLeft", 37, NULL},
        {"ArrowUp", 38, NULL}, {"ArrowRight", 39, NULL}, {"ArrowDown", 40, NULL},
    };
    size_t i = 0;
    while (i < sizeof(keys) / sizeof(keys[0]) && strcmp(keys[i].key, key) != 0) {
        i++;
    }
    ck_assert_msg(i < sizeof(keys) / sizeof(keys[0]), "no such key: %s", key);
    cleanup(buf_fini) struct buf params = {0};
    buf_appendf(&params, "{\"type\":\"%s\",\"key\":\"%s\",\"code\":\"%s\",\"windowsVirtualKeyCode\":%d",
                keys[i].text == NULL ? "rawKeyDown" : "keyDown", key, key[0] == ' ' ? "Space" : key,
                keys[i].code);
    if (keys[i].text != NULL) {
        buf_appendf(&params, ",\"text\":\"%s\"", keys[i].text);
    }
    buf_append(&params, STR("}"));
    order(browser, "Input.dispatchKeyEvent", buf_text(&params));
    buf_clear(&params);
    buf_appendf(&params, "{\"type\":\"keyUp\",\"key\":\"%s\",\"windowsVirtualKeyCode\":%d}", key,
                keys[i].code);
    order(browser, "Input.dispatchKeyEvent", buf_text(&params));
}

void browser_type(struct browser *browser, const char *text)
{
    cleanup(buf_fini) struct buf params = {0};
    struct json_writer json = {.out = &params};
    json_begin_object(&json, NULL);
    json_str(&json, "text", str_from(text));
    json_end_object(&json);
    order(browser, "Input.insertText", buf_text(&params));
}

void browser_click(struct browser *browser, const char *selector)
{
    static const char *const types[] = {"mousePressed", "mouseReleased"};
    cleanup(buf_fini) struct buf expression = {0};
    buf_appendf(&expression,
                "(() => { const e = document.querySelector(`%s`); e.scrollIntoView({block: 'center'});"
                " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()",
                selector);
    cleanup(buf_fini) struct buf place = browser_eval(browser, buf_text(&expression));
    double x = 0;
    double y = 0;
    ck_assert_int_eq(sscanf(buf_text(&place), "[%lf,%lf]", &x, &y), 2);
    for (size_t i = 0; i < 2; i++) {
        char params[192];
        (void)snprintf(params, sizeof(params),
                       "{\"type\":\"%s\",\"x\":%.1f,\"y\":%.1f,\"button\":\"left\",\"clickCount\":1}",
                       types[i], x, y);
        order(browser, "Input.dispatchMouseEvent", params);
    }
}

/* Base64 without line ends; in place. Returns how many bytes. */
static size_t decode_base64(char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;
    for (const char *at = text; *at != '\0' && *at != '='; at++) {
        bits = bits << 6 | (uint32_t)(strchr(digits, *at) - digits);
        n_bits += 6;
        if (n_bits >= 8) {
            n_bits -= 8;
            text[n++] = (char)(bits >> n_bits);
        }
    }
    return n;
}

void browser_shot(struct browser *browser, const char *name)
{
    const char *folder = getenv("PRESENCED_SHOTS");
    char path[512];
    if (folder == NULL) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/%s.png", folder, name);
    cleanup(buf_fini) struct buf size = browser_eval(
        browser,
        "({x: 0, y: 0, width: innerWidth, height: document.documentElement.scrollHeight, scale: 1})");
    cleanup(buf_fini) struct buf params = {0};
    buf_appendf(&params, "{\"format\":\"png\",\"captureBeyondViewport\":true,\"clip\":%s}", buf_text(&size));
    cJSON *answer = call(browser, "Page.captureScreenshot", buf_text(&params));
    char *data = cJSON_GetStringValue(member(member(answer, "result"), "data"));
    ck_assert_ptr_nonnull(data);
    size_t n = decode_base64(data);
    FILE *file = fopen(path, "we");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_uint_eq(fwrite(data, 1, n, file), n);
    ck_assert_int_eq(fclose(file), 0);
    cJSON_Delete(answer);
}
