/* SPDX-License-Identifier: MIT */
#include "../unit/suite.h"
#include "event.h"

#include "presenced/clock.h"

#include <dirent.h>
#include <fcntl.h>

/* Every file of tests/samples: the answer it gets and the presence it leaves. */

enum sample_config {
    UNSIGNED, /* no app has a token */
    SIGNED,   /* app 1400000000 has the token of the vendor's vector, whose Sign is years too old */
    RESIGNED, /* the same, and the sample's RequestTime and Sign are made anew */
};

#define LISTENERS                      \
    "[callback]\n"                     \
    "listen = 127.0.0.1:0\n"           \
    "certificate = @DIR@/server.pem\n" \
    "private_key = @DIR@/server.key\n" \
    "[status]\n"                       \
    "listen = 127.0.0.1:0\n"

static const char *const configs[] = {
    [UNSIGNED] = LISTENERS "[app 1400000000]\n[app 1400000001]\n",
    [SIGNED] = LISTENERS "[app 1400000000]\ntoken = xxxxyyyy\n[app 1400000001]\n",
    [RESIGNED] = LISTENERS "[app 1400000000]\ntoken = xxxxyyyy\n[app 1400000001]\n",
};

#define CUSTOM_STATUS_NONE "\"custom_status\":null,\"custom_status_time\":null"

struct sample {
    const char *name;
    enum sample_config config;
    const char *before; /* another sample, sent first; NULL: none */
    long status;
    const char *action_status;
    int error_code;
    const char *query;    /* /v1/users/…; NULL: nobody is in the table */
    const char *presence; /* what it answers, times of this run masked */
};

static const char kicked_doc_devices[] =
    "\"devices\":[{\"platform\":\"Web\",\"state\":\"online\",\"action\":\"Login\",\"reason\":\"Register\","
    "\"event_time\":1629883332497,\"received_time\":NOW,\"client_ip\":\"192.0.2.10\"},"
    "{\"platform\":\"Android\",\"state\":\"offline\",\"action\":\"Kicked\",\"reason\":\"Kicked\","
    "\"event_time\":1629883332497,\"received_time\":NOW,\"client_ip\":\"192.0.2.10\"},"
    "{\"platform\":\"Windows\",\"state\":\"offline\",\"action\":\"Kicked\",\"reason\":\"Kicked\","
    "\"event_time\":1629883332497,\"received_time\":NOW,\"client_ip\":\"192.0.2.10\"}]}";

#define USER(app, user, state, since) \
    "{\"app\":" app ",\"user\":\"" user "\",\"state\":\"" state "\",\"since\":" since ","

#define DEVICE(platform, state, action, reason, time, ip)                                      \
    "\"devices\":[{\"platform\":\"" platform "\",\"state\":\"" state "\",\"action\":\"" action \
    "\",\"reason\":\"" reason "\",\"event_time\":" time ",\"received_time\":NOW,\"client_ip\":\"" ip "\"}]}"

static const struct sample samples[] = {
    {"console-url-check.http", UNSIGNED, NULL, 403, "FAIL", 1, NULL, NULL},
    {"console-url-check.http", SIGNED, NULL, 403, "FAIL", 1, NULL, NULL},
    {"console-url-check.http", RESIGNED, NULL, 200, "FAIL", 1, NULL, NULL},
    {"custom-status-in-info.http", UNSIGNED, NULL, 200, "OK", 0, "testuser316?app=1400000000",
     USER("1400000000", "testuser316", "unknown", "null") CUSTOM_STATUS_NONE ",\"devices\":[]}"},
    {"custom-status-in-info.http", UNSIGNED, "login-kicked-doc.http", 200, "OK", 0,
     "testuser316?app=1400000000",
     USER("1400000000", "testuser316", "online",
          "1629883332497") "\"custom_status\":\"busy\",\"custom_status_time\":1723600000000,"},
    {"custom-status-top-level.http", UNSIGNED, NULL, 200, "OK", 0, "testuser316?app=1400000000",
     USER("1400000000", "testuser316", "unknown", "null") CUSTOM_STATUS_NONE ",\"devices\":[]}"},
    {"custom-status-top-level.http", UNSIGNED, "login-kicked-doc.http", 200, "OK", 0,
     "testuser316?app=1400000000",
     USER("1400000000", "testuser316", "online",
          "1629883332497") "\"custom_status\":\"away\",\"custom_status_time\":1723600000001,"},
    {"disconnect-timeout.http", UNSIGNED, NULL, 200, "OK", 0, "kuang?app=1400000000",
     /* Its window of 7 days ended in 2022. */
     USER("1400000000", "kuang", "offline", "1665718970034") CUSTOM_STATUS_NONE
     "," DEVICE("iOS", "offline", "Disconnect", "TimeOut", "1665114170034", "192.0.2.10")},
    {"disconnect-timeout.http", UNSIGNED, "login-ios-capital.http", 200, "OK", 0, "kuang?app=1400000000",
     USER("1400000000", "kuang", "offline", "1665718970034") CUSTOM_STATUS_NONE
     "," DEVICE("iOS", "offline", "Disconnect", "TimeOut", "1665114170034", "192.0.2.10")},
    {"disconnect-timeout-old-spelling.http", UNSIGNED, NULL, 200, "OK", 0, "kuang?app=1400000000",
     USER("1400000000", "kuang", "offline", "1665718970035") CUSTOM_STATUS_NONE
     "," DEVICE("iOS", "offline", "Disconnect", "TimeOut", "1665114170035", "192.0.2.10")},
    {"login-2016-no-eventtime.http", UNSIGNED, NULL, 200, "OK", 0, "1?app=1400000000",
     USER("1400000000", "1", "online", "NOW") CUSTOM_STATUS_NONE
     "," DEVICE("Android", "online", "Login", "Register", "NOW", "192.0.2.10")},
    {"login-ios-capital.http", UNSIGNED, NULL, 200, "OK", 0, "kuang?app=1400000000",
     /* KickedDevice names the login's own platform: a replacement. */
     USER("1400000000", "kuang", "online", "1665113770034") CUSTOM_STATUS_NONE
     "," DEVICE("iOS", "online", "Login", "Register", "1665113770034", "192.0.2.4")},
    {"login-ios-capital.http", UNSIGNED, "disconnect-timeout.http", 200, "OK", 0, "kuang?app=1400000000",
     /* Older than what is known. */
     USER("1400000000", "kuang", "offline", "1665718970034") CUSTOM_STATUS_NONE
     "," DEVICE("iOS", "offline", "Disconnect", "TimeOut", "1665114170034", "192.0.2.10")},
    {"login-kicked-doc.http", UNSIGNED, NULL, 200, "OK", 0, "testuser316?app=1400000000", kicked_doc_devices},
    {"login-own-parameter.http", UNSIGNED, NULL, 200, "OK", 0, "211172?app=1400000001",
     USER("1400000001", "211172", "online", "1665113771034") CUSTOM_STATUS_NONE
     "," DEVICE("Android", "online", "Login", "Register", "1665113771034", "192.0.2.148")},
    {"login-signed.http", SIGNED, NULL, 403, "FAIL", 1, NULL, NULL},
    {"login-signed.http", RESIGNED, NULL, 200, "OK", 0, "signed_user?app=1400000000",
     USER("1400000000", "signed_user", "online", "1669872111900") CUSTOM_STATUS_NONE
     "," DEVICE("Web", "online", "Login", "Register", "1669872111900", "192.0.2.9")},
    {"login-signed.http", UNSIGNED, NULL, 200, "OK", 0, "signed_user?app=1400000000",
     USER("1400000000", "signed_user", "online", "1669872111900") CUSTOM_STATUS_NONE
     "," DEVICE("Web", "online", "Login", "Register", "1669872111900", "192.0.2.9")},
    {"login-utf8-user.http", UNSIGNED, NULL, 200, "OK", 0, "%E5%A4%8F%E5%AD%A340%E5%BA%A6?app=1400000000",
     USER("1400000000", "\u590f\u5b6340\u5ea6", "online", "1756986061775") CUSTOM_STATUS_NONE
     "," DEVICE("Web", "online", "Login", "Register", "1756986061775", "192.0.2.10")},
    {"login-web-2022.http", UNSIGNED, NULL, 200, "OK", 0, "633f9ea82b887776fc3dd016_10149?app=1400000000",
     USER("1400000000", "633f9ea82b887776fc3dd016_10149", "online", "1665113769034") CUSTOM_STATUS_NONE
     "," DEVICE("Web", "online", "Login", "Register", "1665113769034", "192.0.2.231")},
    {"login-web-2022.http", SIGNED, NULL, 403, "FAIL", 1, NULL, NULL},
    {"logout-2016-no-eventtime.http", UNSIGNED, NULL, 200, "OK", 0, "1?app=1400000000",
     USER("1400000000", "1", "offline", "NOW") CUSTOM_STATUS_NONE
     "," DEVICE("Android", "offline", "Logout", "Unregister", "NOW", "192.0.2.10")},
    {"logout-2016-no-eventtime.http", UNSIGNED, "login-2016-no-eventtime.http", 200, "OK", 0,
     "1?app=1400000000",
     USER("1400000000", "1", "offline", "NOW") CUSTOM_STATUS_NONE
     "," DEVICE("Android", "offline", "Logout", "Unregister", "NOW", "192.0.2.10")},
    {"logout-linkclose-old.http", UNSIGNED, NULL, 200, "OK", 0, "66660222?app=1400000000",
     /* Logout with LinkClose is the Disconnect of 2016. */
     USER("1400000000", "66660222", "push_online", "NOW") CUSTOM_STATUS_NONE
     "," DEVICE("Android", "offline", "Disconnect", "LinkClose", "NOW", "192.0.2.10")},
    {"other-command-c2c-before-send.http", UNSIGNED, NULL, 200, "FAIL", 1, NULL, NULL},
    {"other-command-c2c-before-send.http", SIGNED, NULL, 403, "FAIL", 1, NULL, NULL},
    {"other-command-push-events.http", UNSIGNED, NULL, 200, "FAIL", 1, NULL, NULL},
};

#define N_SAMPLES (sizeof(samples) / sizeof(samples[0]))

static const char *samples_directory(void)
{
    const char *path = getenv("PRESENCED_SAMPLES");
    ck_assert_msg(path != NULL, "PRESENCED_SAMPLES does not say where tests/samples is");
    return path;
}

struct request_text {
    char target[2048];
    char body[4096];
};

/* A sample is the target on the first line, an empty line, the body to the end. */
static void read_sample(const char *name, struct request_text *ret_request)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", samples_directory(), name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "no sample %s", path);
    ck_assert_ptr_nonnull(fgets(ret_request->target, sizeof(ret_request->target), file));
    ret_request->target[strcspn(ret_request->target, "\n")] = '\0';
    ck_assert_int_eq(fgetc(file), '\n');
    size_t n = fread(ret_request->body, 1, sizeof(ret_request->body) - 1, file);
    ck_assert_int_ne(feof(file), 0);
    ret_request->body[n] = '\0';
    (void)fclose(file);
}

static void replace_value(char *target, const char *name, const char *from)
{
    char *old = strstr(target, name);
    const char *value = strstr(from, name);
    ck_assert(old != NULL && value != NULL);
    size_t name_len = strlen(name);
    size_t len = strcspn(value + name_len, "&");
    ck_assert_uint_eq(strcspn(old + name_len, "&"), len);
    memcpy(old + name_len, value + name_len, len);
}

static void sign_anew(struct request_text *request)
{
    cleanup(cleanup_freep) char *sign = event_sign_now("xxxxyyyy");
    replace_value(request->target, "RequestTime=", sign);
    replace_value(request->target, "Sign=", sign);
}

static void post_sample(struct client *callback, const char *name, bool is_resigned,
                        struct answer *ret_answer)
{
    struct request_text request;
    read_sample(name, &request);
    if (is_resigned) {
        sign_anew(&request);
    }
    client_post(callback, request.target, request.body, ret_answer);
}

static void expect_presence(struct client *status, const struct sample *sample, uint64_t started_ms)
{
    char target[256];
    (void)snprintf(target, sizeof(target), "/v1/users/%s", sample->query);
    cleanup(answer_fini) struct answer answer;
    client_get(status, target, &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert(answer_has_header(&answer, "Content-Type: application/json"));
    mask_times(&answer.body, started_ms);
    const char *body = buf_text(&answer.body);
    ck_assert_msg(strstr(body, sample->presence) != NULL, "%s:\n%s\nis not\n%s", sample->name, body,
                  sample->presence);
}

static void expect_nobody(struct client *status)
{
    cleanup(answer_fini) struct answer answer;
    client_get(status, "/v1/users", &answer);
    ck_assert_str_eq(buf_text(&answer.body), "{\"users\":[],\"next_cursor\":null}");
}

START_TEST(gets_its_answer_and_leaves_its_presence)
{
    const struct sample *sample = &samples[_i];
    uint64_t started_ms = clock_unix_ms();
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct instance *instance = instance_start(sandbox, configs[sample->config]);
    cleanup(client_freep) struct client *callback = client_new("https", instance_callback_port(instance));
    cleanup(client_freep) struct client *status = client_new("http", instance_status_port(instance));
    client_trust(callback, sandbox);
    if (sample->before != NULL) {
        cleanup(answer_fini) struct answer before;
        post_sample(callback, sample->before, false, &before);
        expect_callback(&before, 200, "OK", 0);
    }
    cleanup(answer_fini) struct answer answer;
    post_sample(callback, sample->name, sample->config == RESIGNED, &answer);
    expect_callback(&answer, sample->status, sample->action_status, sample->error_code);
    if (sample->query == NULL) {
        expect_nobody(status);
    } else {
        expect_presence(status, sample, started_ms);
    }
    instance_stop(instance);
}
END_TEST

static bool is_in_table(const char *name)
{
    for (size_t i = 0; i < N_SAMPLES; i++) {
        if (strcmp(samples[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(has_a_case_for_every_file)
{
    DIR *directory = opendir(samples_directory());
    ck_assert_ptr_nonnull(directory);
    unsigned n_files = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        const char *suffix = strrchr(entry->d_name, '.');
        if (suffix != NULL && strcmp(suffix, ".http") == 0) {
            ck_assert_msg(is_in_table(entry->d_name), "%s has no case here", entry->d_name);
            n_files++;
        }
    }
    (void)closedir(directory);
    ck_assert_uint_gt(n_files, 0);
}
END_TEST

START_TEST(twenty_events_travel_on_one_connection)
{
    cleanup(sandbox_freep) struct sandbox *sandbox = sandbox_new();
    struct instance *instance = instance_start(sandbox, configs[UNSIGNED]);
    cleanup(client_freep) struct client *callback = client_new("https", instance_callback_port(instance));
    client_trust(callback, sandbox);
    struct request_text request;
    read_sample("login-kicked-doc.http", &request);
    for (int i = 0; i < 20; i++) {
        cleanup(answer_fini) struct answer answer;
        client_post(callback, request.target, request.body, &answer);
        expect_callback(&answer, 200, "OK", 0);
        ck_assert_int_eq(answer.n_connects, i == 0 ? 1 : 0);
    }
    instance_stop(instance);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("samples");
    TCase *tcase = tcase_create("samples");
    tcase_set_timeout(tcase, HARNESS_DEADLINE_MS / 1000);
    tcase_add_loop_test(tcase, gets_its_answer_and_leaves_its_presence, 0, (int)N_SAMPLES);
    tcase_add_test(tcase, has_a_case_for_every_file);
    tcase_add_test(tcase, twenty_events_travel_on_one_connection);
    suite_add_tcase(suite, tcase);
    return suite;
}
