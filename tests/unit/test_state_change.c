/* SPDX-License-Identifier: MIT */
#include "presenced/state_change.h"

#include "suite.h"

#include <stdio.h>

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))
#define COMMAND "\"CallbackCommand\":\"State.StateChange\""
#define INFO "\"Info\":{\"Action\":\"Login\",\"To_Account\":\"alice\",\"Reason\":\"Register\"}"
#define MINIMUM COMMAND "," INFO
#define NO_TIME (-1)

/* One to which nobody added a name of a test before. */
static struct platform_names *names;

static void setup_names(void)
{
    ck_assert_int_eq(platform_names_new(&names), 0);
}

static void teardown_names(void)
{
    platform_names_free(names);
}

/* Of a copy of just its size, so that the address sanitizer sees a byte read too many. */
static int parse(struct str body, struct state_change *ret_change)
{
    char *copy = malloc(body.len + (body.len == 0));
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, body.ptr, body.len);
    int r = state_change_parse((struct str){copy, body.len}, STR(STATE_CHANGE_COMMAND), names, ret_change);
    free(copy);
    return r;
}

static void assert_str(struct str got, const char *want)
{
    ck_assert_msg(str_equal(got, str_from(want)), "got '%.*s', want '%s'", STR_FMT(got), want);
}

#define KICKED_UNKNOWN 255 /* PLATFORM_UNKNOWN is 0, which ends a list of them here */

#define ALICE_WITH(info, reason_, kind_)                                                          \
    {                                                                                             \
        .body = "{" COMMAND ",\"Info\":{\"To_Account\":\"alice\"," info "}}", .user_id = "alice", \
        .event_time_ms = NO_TIME, .kind = (kind_), .reason = (reason_)                            \
    }
#define ALICE_AT(time, ms)                                                                         \
    {                                                                                              \
        .body = "{" MINIMUM ",\"EventTime\":" time "}", .user_id = "alice", .event_time_ms = (ms), \
        .kind = TABLE_LOGIN, .reason = ROW_REASON_REGISTER                                         \
    }
#define ALICE_KICKS(devices, ...)                                                                           \
    {                                                                                                       \
        .body = "{" MINIMUM ",\"KickedDevice\":" devices "}", .user_id = "alice", .event_time_ms = NO_TIME, \
        .kind = TABLE_LOGIN, .reason = ROW_REASON_REGISTER, .kicked = {                                     \
            __VA_ARGS__                                                                                     \
        }                                                                                                   \
    }
#define ALICE_STATUS(info, beside, status)                                                               \
    {                                                                                                    \
        .body = "{" COMMAND ",\"Info\":{\"To_Account\":\"alice\",\"Action\":\"CustomStatusChange\"" info \
                "}" beside "}",                                                                          \
        .user_id = "alice", .event_time_ms = NO_TIME, .kind = TABLE_CUSTOM_STATUS,                       \
        .reason = ROW_REASON_OTHER, .custom_status = (status)                                            \
    }

static const struct expected {
    const char *name; /* a file of tests/samples, or NULL */
    const char *body;
    const char *user_id;
    const char *custom_status;
    int64_t event_time_ms;
    enum table_event_kind kind;
    enum row_reason reason;
    int kicked[4];
} accepted[] = {
    {.name = "login-kicked-doc.http",
     .user_id = "testuser316",
     .event_time_ms = 1629883332497,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER,
     .kicked = {PLATFORM_WINDOWS, PLATFORM_ANDROID}},
    {.name = "login-web-2022.http",
     .user_id = "633f9ea82b887776fc3dd016_10149",
     .event_time_ms = 1665113769034,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER},
    {.name = "login-ios-capital.http",
     .user_id = "kuang",
     .event_time_ms = 1665113770034,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER,
     .kicked = {PLATFORM_IOS}},
    {.name = "login-own-parameter.http",
     .user_id = "211172",
     .event_time_ms = 1665113771034,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER},
    {.name = "login-2016-no-eventtime.http",
     .user_id = "1",
     .event_time_ms = NO_TIME,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER},
    {.name = "logout-2016-no-eventtime.http",
     .user_id = "1",
     .event_time_ms = NO_TIME,
     .kind = TABLE_LOGOUT,
     .reason = ROW_REASON_UNREGISTER},
    {.name = "logout-linkclose-old.http",
     .user_id = "66660222",
     .event_time_ms = NO_TIME,
     .kind = TABLE_DISCONNECT,
     .reason = ROW_REASON_LINK_CLOSE},
    {.name = "disconnect-timeout.http",
     .user_id = "kuang",
     .event_time_ms = 1665114170034,
     .kind = TABLE_DISCONNECT,
     .reason = ROW_REASON_TIMEOUT},
    {.name = "disconnect-timeout-old-spelling.http",
     .user_id = "kuang",
     .event_time_ms = 1665114170035,
     .kind = TABLE_DISCONNECT,
     .reason = ROW_REASON_TIMEOUT},
    {.name = "custom-status-in-info.http",
     .user_id = "testuser316",
     .event_time_ms = 1723600000000,
     .kind = TABLE_CUSTOM_STATUS,
     .reason = ROW_REASON_OTHER,
     .custom_status = "busy"},
    {.name = "custom-status-top-level.http",
     .user_id = "testuser316",
     .event_time_ms = 1723600000001,
     .kind = TABLE_CUSTOM_STATUS,
     .reason = ROW_REASON_OTHER,
     .custom_status = "away"},
    {.name = "login-signed.http",
     .user_id = "signed_user",
     .event_time_ms = 1669872111900,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER},
    {.name = "login-utf8-user.http",
     .user_id = "\xe5\xa4\x8f\xe5\xad\xa3"
                "40\xe5\xba\xa6",
     .event_time_ms = 1756986061775,
     .kind = TABLE_LOGIN,
     .reason = ROW_REASON_REGISTER},
    /* actions and reasons */
    ALICE_WITH("\"Action\":\"Login\",\"Reason\":\"Register\"", ROW_REASON_REGISTER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\"", ROW_REASON_OTHER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\",\"Reason\":null", ROW_REASON_OTHER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\",\"Reason\":\"\"", ROW_REASON_OTHER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\",\"Reason\":\"register\"", ROW_REASON_OTHER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\",\"Reason\":\"Kicked\"", ROW_REASON_OTHER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\",\"Reason\":\"LinkClose\"", ROW_REASON_LINK_CLOSE, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Logout\",\"Reason\":\"Unregister\"", ROW_REASON_UNREGISTER, TABLE_LOGOUT),
    ALICE_WITH("\"Action\":\"Logout\"", ROW_REASON_OTHER, TABLE_LOGOUT),
    ALICE_WITH("\"Action\":\"Logout\",\"Reason\":\"LinkClose\"", ROW_REASON_LINK_CLOSE, TABLE_DISCONNECT),
    ALICE_WITH("\"Action\":\"Logout\",\"Reason\":\"TimeOut\"", ROW_REASON_TIMEOUT, TABLE_DISCONNECT),
    ALICE_WITH("\"Action\":\"Logout\",\"Reason\":\"Timeout\"", ROW_REASON_TIMEOUT, TABLE_DISCONNECT),
    ALICE_WITH("\"Action\":\"Disconnect\",\"Reason\":\"LinkClose\"", ROW_REASON_LINK_CLOSE, TABLE_DISCONNECT),
    ALICE_WITH("\"Action\":\"Disconnect\",\"Reason\":\"Unregister\"", ROW_REASON_UNREGISTER,
               TABLE_DISCONNECT),
    /* decoded before it is compared */
    ALICE_WITH("\"\\u0041ction\":\"\\u004cogin\",\"Reason\":\"Re\\u0067ister\"", ROW_REASON_REGISTER,
               TABLE_LOGIN),
    /* keys in other cases are other keys, and unknown ones do not matter */
    ALICE_WITH("\"action\":1,\"ACTION\":\"x\",\"Action\":\"Login\",\"reason\":\"Register\"", ROW_REASON_OTHER,
               TABLE_LOGIN),
    ALICE_WITH(
        "\"Action\":\"Login\",\"Later\":{\"deep\":[1,{\"Action\":2}]},\"EventTime\":\"x\",\"CallbackCommand\":0",
        ROW_REASON_OTHER, TABLE_LOGIN),
    ALICE_WITH("\"Action\":\"Login\",\"a\":{\"x\":1},\"b\":{\"x\":1},\"c\":[{\"x\":1},{\"x\":1}]",
               ROW_REASON_OTHER, TABLE_LOGIN),
    /* a custom status matters to its own action only */
    ALICE_WITH("\"Action\":\"Login\",\"CustomStatus\":17", ROW_REASON_OTHER, TABLE_LOGIN),
    /* times */
    ALICE_AT("null", NO_TIME),
    ALICE_AT("0", 0),
    ALICE_AT("-0", 0),
    ALICE_AT("-0.0", 0),
    ALICE_AT("1.0", 1),
    ALICE_AT("1e3", 1000),
    ALICE_AT("1.629883332497E12", 1629883332497),
    ALICE_AT("1500e-2", 15),
    ALICE_AT("9007199254740991", 9007199254740991),
    ALICE_AT("9007199254740991.0", 9007199254740991),
    /* kicked devices */
    ALICE_KICKS("null", 0),
    ALICE_KICKS("[]", 0),
    ALICE_KICKS("[{}]", 0),
    ALICE_KICKS("[{\"Platform\":null}]", 0),
    ALICE_KICKS("[{\"Platform\":\"\"}]", KICKED_UNKNOWN),
    ALICE_KICKS("[{\"Platform\":\"Unknown\"}]", KICKED_UNKNOWN),
    ALICE_KICKS("[{\"platform\":\"iOS\"}]", 0),
    ALICE_KICKS("[{\"Platform\":\"ios\"},{\"Platform\":\"iOS\",\"More\":1},{\"Platform\":\"macOS\"}]",
                PLATFORM_IOS, PLATFORM_MAC),
    ALICE_KICKS("[{\"Platform\":\"Web\"},{\"Platform\":\"Harmony\"}]", PLATFORM_WEB, PLATFORM_N_KNOWN),
    ALICE_KICKS("[{\"Platform\":\"more than thirty-two characters..\"}]", KICKED_UNKNOWN),
    /* custom status */
    ALICE_STATUS(",\"CustomStatus\":\"\"", "", ""),
    ALICE_STATUS("", ",\"CustomStatus\":\"\"", ""),
    ALICE_STATUS(",\"CustomStatus\":\"in\"", ",\"CustomStatus\":\"beside\"", "in"),
    ALICE_STATUS(",\"CustomStatus\":\"\"", ",\"CustomStatus\":\"beside\"", ""),
    ALICE_STATUS(",\"CustomStatus\":\"in\"", ",\"CustomStatus\":17", "in"),
    ALICE_STATUS(",\"CustomStatus\":null", ",\"CustomStatus\":\"beside\"", "beside"),
    ALICE_STATUS(",\"CustomStatus\":\"in\",\"KickedDevice\":3", ",\"KickedDevice\":[3]", "in"),
    ALICE_STATUS(",\"CustomStatus\":\"\\ud83d\\ude00\"", "", "\xf0\x9f\x98\x80"),
    /* what a Login alone has */
    {.body = "{" COMMAND ",\"KickedDevice\":17,\"Info\":{\"To_Account\":\"alice\",\"Action\":\"Logout\"}}",
     .user_id = "alice",
     .event_time_ms = NO_TIME,
     .kind = TABLE_LOGOUT,
     .reason = ROW_REASON_OTHER},
};

static void read_sample(const char *name, struct buf *text)
{
    char path[4096];
    const char *directory = getenv("PRESENCED_SAMPLES");
    ck_assert_msg(directory != NULL, "PRESENCED_SAMPLES does not say where tests/samples is");
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = fopen(path, "re");
    ck_assert_msg(file != NULL, "%s", path);
    char *to = buf_reserve(text, 4096);
    ck_assert_ptr_nonnull(to);
    text->len += fread(to, 1, 4096, file);
    ck_assert_int_eq(fclose(file), 0);
}

/* What follows the first empty line. */
static struct str sample_body(struct str sample)
{
    const char *end = memmem(sample.ptr, sample.len, "\n\n", 2);
    ck_assert_ptr_nonnull(end);
    return (struct str){end + 2, (size_t)(sample.ptr + sample.len - end) - 2};
}

static void assert_kicked(const struct platform_set *set, const int *kicked)
{
    struct platform_set want = {0};
    for (size_t i = 0; kicked[i] != 0; i++) {
        platform_set_add(&want, kicked[i] == KICKED_UNKNOWN ? PLATFORM_UNKNOWN : (uint8_t)kicked[i]);
    }
    ck_assert_mem_eq(set, &want, sizeof(want));
}

START_TEST(takes_what_tencent_sends)
{
    const struct expected *expected = &accepted[_i];
    cleanup(buf_fini) struct buf sample = {0};
    struct state_change change;
    if (expected->name != NULL) {
        read_sample(expected->name, &sample);
    }
    struct str body = expected->name != NULL ? sample_body(buf_str(&sample)) : str_from(expected->body);
    int r = parse(body, &change);
    ck_assert_msg(r == 0, "%d: %.*s", r, STR_FMT(body));
    ck_assert_int_eq(change.kind, expected->kind);
    ck_assert_int_eq(change.reason, expected->reason);
    assert_str(change.user_id, expected->user_id);
    assert_str(change.custom_status, expected->custom_status != NULL ? expected->custom_status : "");
    ck_assert_int_eq(change.has_event_time, expected->event_time_ms != NO_TIME);
    ck_assert_uint_eq(change.event_time_ms,
                      expected->event_time_ms == NO_TIME ? 0 : (uint64_t)expected->event_time_ms);
    assert_kicked(&change.kicked, expected->kicked);
    state_change_fini(&change);
    ck_assert_ptr_null(change.tree);
}
END_TEST

#define LOGIN(info) "{" COMMAND ",\"Info\":{\"Action\":\"Login\"," info "}}"
#define STATUS(info) \
    "{" COMMAND ",\"Info\":{\"Action\":\"CustomStatusChange\",\"To_Account\":\"alice\"" info "}"
#define AT(time) "{" MINIMUM ",\"EventTime\":" time "}"
#define KICKS(devices) "{" MINIMUM ",\"KickedDevice\":" devices "}"

static const struct {
    const char *body;
    int outcome;
} refused[] = {
    {"", STATE_CHANGE_EMPTY},
    {"x", STATE_CHANGE_SYNTAX},
    {"{" MINIMUM, STATE_CHANGE_TRUNCATED},
    {"{" MINIMUM "}{}", STATE_CHANGE_TRAILING},
    {"{" MINIMUM ",\"x\":01}", STATE_CHANGE_NUMBER},
    {"{" MINIMUM ",\"x\":\"\xff\"}", STATE_CHANGE_UTF8},
    {LOGIN("\"To_Account\":\"a\\u0000b\""), STATE_CHANGE_NUL},
    {LOGIN("\"To_Account\":\"\\ud83d\""), STATE_CHANGE_SURROGATE},
    {"[]", STATE_CHANGE_NOT_OBJECT},
    {"[{" MINIMUM "}]", STATE_CHANGE_NOT_OBJECT},
    {"null", STATE_CHANGE_NOT_OBJECT},
    {"1", STATE_CHANGE_NOT_OBJECT},
    {"\"State.StateChange\"", STATE_CHANGE_NOT_OBJECT},
    /* keys that come twice, wherever they do */
    {"{" MINIMUM "," COMMAND "}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM "," INFO "}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"x\":1,\"x\":1}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"x\":1,\"\\u0078\":1}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"\xc3\xa9\":1,\"\\u00E9\":1}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"\":1,\"\":1}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"x\":null,\"x\":null}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"x\":{\"y\":1,\"y\":2}}", STATE_CHANGE_DUPLICATE_KEY},
    {"{" MINIMUM ",\"x\":[1,[{\"y\":1,\"z\":1,\"y\":2}]]}", STATE_CHANGE_DUPLICATE_KEY},
    {LOGIN("\"To_Account\":\"alice\",\"To_Account\":\"bob\""), STATE_CHANGE_DUPLICATE_KEY},
    {KICKS("[{\"Platform\":\"iOS\",\"Platform\":\"Web\"}]"), STATE_CHANGE_DUPLICATE_KEY},
    /* what is required */
    {"{}", STATE_CHANGE_COMMAND_MISSING},
    {"{" INFO "}", STATE_CHANGE_COMMAND_MISSING},
    {"{" INFO ",\"CallbackCommand\":null}", STATE_CHANGE_COMMAND_MISSING},
    {"{" INFO ",\"CallbackCommand\":1}", STATE_CHANGE_COMMAND_MISSING},
    {"{" INFO ",\"CallbackCommand\":[\"State.StateChange\"]}", STATE_CHANGE_COMMAND_MISSING},
    {"{" INFO ",\"callbackcommand\":\"State.StateChange\"}", STATE_CHANGE_COMMAND_MISSING},
    {"{" INFO ",\"CallbackCommand\":\"\"}", STATE_CHANGE_COMMAND_MISMATCH},
    {"{" INFO ",\"CallbackCommand\":\"state.statechange\"}", STATE_CHANGE_COMMAND_MISMATCH},
    {"{" INFO ",\"CallbackCommand\":\"C2C.CallbackBeforeSendMsg\"}", STATE_CHANGE_COMMAND_MISMATCH},
    {"{" COMMAND "}", STATE_CHANGE_INFO_MISSING},
    {"{" COMMAND ",\"Info\":null}", STATE_CHANGE_INFO_MISSING},
    {"{" COMMAND ",\"Info\":[]}", STATE_CHANGE_INFO_MISSING},
    {"{" COMMAND ",\"Info\":\"Login\"}", STATE_CHANGE_INFO_MISSING},
    {"{" COMMAND ",\"info\":{\"Action\":\"Login\",\"To_Account\":\"alice\"}}", STATE_CHANGE_INFO_MISSING},
    {"{" COMMAND ",\"Info\":{}}", STATE_CHANGE_ACTION_MISSING},
    {"{" COMMAND ",\"Info\":{\"Action\":null,\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_MISSING},
    {"{" COMMAND ",\"Info\":{\"Action\":1,\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_MISSING},
    {"{" COMMAND ",\"Info\":{\"action\":\"Login\",\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_MISSING},
    {"{" COMMAND ",\"Info\":{\"Action\":\"\",\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_UNKNOWN},
    {"{" COMMAND ",\"Info\":{\"Action\":\"login\",\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_UNKNOWN},
    {"{" COMMAND ",\"Info\":{\"Action\":\"Kicked\",\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_UNKNOWN},
    {"{" COMMAND ",\"Info\":{\"Action\":\"Login \",\"To_Account\":\"alice\"}}", STATE_CHANGE_ACTION_UNKNOWN},
    {"{" COMMAND ",\"Info\":{\"Action\":\"Login\"}}", STATE_CHANGE_USER_MISSING},
    {LOGIN("\"To_Account\":null"), STATE_CHANGE_USER_MISSING},
    {LOGIN("\"To_Account\":17"), STATE_CHANGE_USER_MISSING},
    {LOGIN("\"To_Account\":[\"alice\"]"), STATE_CHANGE_USER_MISSING},
    {LOGIN("\"to_account\":\"alice\""), STATE_CHANGE_USER_MISSING},
    {LOGIN("\"To_Account\":\"\""), STATE_CHANGE_USER_LENGTH},
    {LOGIN("\"To_Account\":\"alice\",\"Reason\":17"), STATE_CHANGE_REASON},
    {LOGIN("\"To_Account\":\"alice\",\"Reason\":{}"), STATE_CHANGE_REASON},
    {LOGIN("\"To_Account\":\"alice\",\"Reason\":true"), STATE_CHANGE_REASON},
    /* times */
    {AT("\"1629883332497\""), STATE_CHANGE_EVENT_TIME},
    {AT("true"), STATE_CHANGE_EVENT_TIME},
    {AT("{}"), STATE_CHANGE_EVENT_TIME},
    {AT("[1]"), STATE_CHANGE_EVENT_TIME},
    {AT("-1"), STATE_CHANGE_EVENT_TIME},
    {AT("0.5"), STATE_CHANGE_EVENT_TIME},
    {AT("1e-3"), STATE_CHANGE_EVENT_TIME},
    {AT("1629883332497.5"), STATE_CHANGE_EVENT_TIME},
    {AT("9007199254740992"), STATE_CHANGE_EVENT_TIME},
    {AT("18446744073709551616"), STATE_CHANGE_EVENT_TIME},
    {AT("1e400"), STATE_CHANGE_EVENT_TIME},
    {AT("-1e400"), STATE_CHANGE_EVENT_TIME},
    /* kicked devices */
    {KICKS("{}"), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("{\"Platform\":\"iOS\"}"), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("\"iOS\""), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("[\"iOS\"]"), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("[null]"), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("[[{\"Platform\":\"iOS\"}]]"), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("[{\"Platform\":1}]"), STATE_CHANGE_KICKED_DEVICE},
    {KICKS("[{\"Platform\":\"iOS\"},{\"Platform\":false}]"), STATE_CHANGE_KICKED_DEVICE},
    /* custom status */
    {STATUS("") "}", STATE_CHANGE_STATUS_MISSING},
    {STATUS(",\"CustomStatus\":null") "}", STATE_CHANGE_STATUS_MISSING},
    {STATUS("") ",\"CustomStatus\":null}", STATE_CHANGE_STATUS_MISSING},
    {STATUS(",\"CustomStatus\":17") ",\"CustomStatus\":\"away\"}", STATE_CHANGE_STATUS_MISSING},
    {STATUS("") ",\"CustomStatus\":[\"away\"]}", STATE_CHANGE_STATUS_MISSING},
    {STATUS("") ",\"customstatus\":\"away\"}", STATE_CHANGE_STATUS_MISSING},
};

START_TEST(refuses_what_is_no_status_change)
{
    struct state_change untouched;
    struct state_change change;
    memset(&untouched, 0x5a, sizeof(untouched));
    memcpy(&change, &untouched, sizeof(change));
    ck_assert_int_eq(parse(str_from(refused[_i].body), &change), refused[_i].outcome);
    ck_assert_mem_eq(&change, &untouched, sizeof(change));
}
END_TEST

START_TEST(samples_of_other_commands)
{
    static const struct {
        const char *name;
        int outcome;
    } cases[] = {
        {"console-url-check.http", STATE_CHANGE_COMMAND_MISSING},
        {"other-command-c2c-before-send.http", STATE_CHANGE_COMMAND_MISMATCH},
        {"other-command-push-events.http", STATE_CHANGE_COMMAND_MISSING},
    };
    struct state_change change;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cleanup(buf_fini) struct buf sample = {0};
        read_sample(cases[i].name, &sample);
        ck_assert_int_eq(parse(sample_body(buf_str(&sample)), &change), cases[i].outcome);
    }
}
END_TEST

START_TEST(command_is_the_urls)
{
    struct state_change change;
    struct str body = STR("{\"CallbackCommand\":\"Other\"," INFO "}");
    ck_assert_int_eq(state_change_parse(body, STR("Other"), names, &change), 0);
    state_change_fini(&change);
    ck_assert_int_eq(parse(body, &change), STATE_CHANGE_COMMAND_MISMATCH);
}
END_TEST

/* A body of `n` times `unit` between `before` and `after`. */
static int parse_long(const char *before, const char *unit, size_t n, const char *after)
{
    cleanup(buf_fini) struct buf body = {0};
    struct state_change change;
    buf_append(&body, str_from(before));
    for (size_t i = 0; i < n; i++) {
        buf_append(&body, str_from(unit));
    }
    buf_append(&body, str_from(after));
    int r = parse(buf_str(&body), &change);
    if (r == 0) {
        state_change_fini(&change);
    }
    return r;
}

START_TEST(lengths_count_decoded_bytes)
{
    static const char user[] = "{" COMMAND ",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"";
    ck_assert_int_eq(parse_long(user, "u", 1, "\"}}"), 0);
    ck_assert_int_eq(parse_long(user, "u", 256, "\"}}"), 0);
    ck_assert_int_eq(parse_long(user, "u", 257, "\"}}"), STATE_CHANGE_USER_LENGTH);
    ck_assert_int_eq(parse_long(user, "\\u00e9", 128, "\"}}"), 0);
    ck_assert_int_eq(parse_long(user, "\\u00e9", 129, "\"}}"), STATE_CHANGE_USER_LENGTH);
}
END_TEST

START_TEST(bounds_a_custom_status)
{
    static const char before[] = "{" COMMAND ",\"CustomStatus\":\"";
    static const char after[] = "\",\"Info\":{\"Action\":\"CustomStatusChange\",\"To_Account\":\"alice\"}}";
    ck_assert_int_eq(parse_long(before, "s", 256, after), 0);
    ck_assert_int_eq(parse_long(before, "s", 257, after), STATE_CHANGE_STATUS_LENGTH);
    ck_assert_int_eq(parse_long(before, "\\ud83d\\ude00", 64, after), 0);
    ck_assert_int_eq(parse_long(before, "\\ud83d\\ude00", 65, after), STATE_CHANGE_STATUS_LENGTH);
}
END_TEST

/* An object of `n` keys, all different but the last where `twice` is set. */
static int parse_keys(unsigned n, bool twice)
{
    cleanup(buf_fini) struct buf body = {0};
    struct state_change change;
    buf_append(&body, STR("{" MINIMUM ",\"x\":[0,{"));
    for (unsigned i = 0; i < n; i++) {
        buf_appendf(&body, "%s\"k%u\":%u", i == 0 ? "" : ",", i == n - 1 && twice ? 0 : i * 7919 % 100003, i);
    }
    buf_append(&body, STR("}]}"));
    int r = parse(buf_str(&body), &change);
    if (r == 0) {
        state_change_fini(&change);
    }
    return r;
}

START_TEST(reads_many_keys_in_time)
{
    static const unsigned ns[] = {2, 15, 16, 17, 18, 1000, 5000};
    for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
        ck_assert_int_eq(parse_keys(ns[i], false), 0);
        ck_assert_int_eq(parse_keys(ns[i], true), STATE_CHANGE_DUPLICATE_KEY);
    }
}
END_TEST

START_TEST(refused_bodies_leave_no_platform)
{
    static const char *const bodies[] = {
        "{" MINIMUM ",\"KickedDevice\":[{\"Platform\":\"New\"},{\"Platform\":1}]}",
        "{" MINIMUM ",\"EventTime\":-1,\"KickedDevice\":[{\"Platform\":\"New\"}]}",
        "{" COMMAND ",\"Info\":{\"Action\":\"Login\"},\"KickedDevice\":[{\"Platform\":\"New\"}]}",
    };
    struct state_change change;
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        ck_assert_int_gt(parse(str_from(bodies[i]), &change), 0);
        ck_assert_uint_eq(platform_count(names), PLATFORM_N_KNOWN);
    }
    ck_assert_int_eq(parse(STR("{" MINIMUM ",\"KickedDevice\":[{\"Platform\":\"New\"}]}"), &change), 0);
    state_change_fini(&change);
    ck_assert_uint_eq(platform_count(names), PLATFORM_N_KNOWN + 1);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("state_change");
    TCase *tcase = tcase_create("state_change");
    tcase_add_checked_fixture(tcase, setup_names, teardown_names);
    tcase_add_loop_test(tcase, takes_what_tencent_sends, 0, N(accepted));
    tcase_add_loop_test(tcase, refuses_what_is_no_status_change, 0, N(refused));
    tcase_add_test(tcase, samples_of_other_commands);
    tcase_add_test(tcase, command_is_the_urls);
    tcase_add_test(tcase, lengths_count_decoded_bytes);
    tcase_add_test(tcase, bounds_a_custom_status);
    tcase_add_test(tcase, reads_many_keys_in_time);
    tcase_add_test(tcase, refused_bodies_leave_no_platform);
    suite_add_tcase(suite, tcase);
    return suite;
}
