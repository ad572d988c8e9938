/* SPDX-License-Identifier: MIT */
#include "suite.h"

#include "../../src/status/user_list.h"
#include "status_fixture.h"
#include "must.h"

#include <stdio.h>

#define N_MANY 2500

static void happen_to(enum table_event_kind kind, uint16_t app, const char *user, uint8_t platform)
{
    enum row_reason reason = kind == TABLE_LOGIN ? ROW_REASON_REGISTER : ROW_REASON_LINK_CLOSE;
    happen((struct event){kind, app, user, platform, (uint8_t)reason, NOW_MS - 1000, NULL, NULL});
}

/* One user of each kind, in two apps. */
static void setup(void)
{
    fixture_start_two_apps();
    happen_to(TABLE_LOGIN, 0, "web", PLATFORM_WEB);
    happen_to(TABLE_LOGIN, 0, "phone", PLATFORM_IOS);
    happen_to(TABLE_LOGIN, 1, "other-web", PLATFORM_WEB);
    happen_to(TABLE_DISCONNECT, 0, "pushed", PLATFORM_IOS);
    happen_to(TABLE_LOGOUT, 0, "gone", PLATFORM_WEB);
    happen_to(TABLE_LOGIN, 0, "half", PLATFORM_WEB);
    happen_to(TABLE_LOGOUT, 0, "half", PLATFORM_IOS);
    happen((struct event){
        .kind = TABLE_CUSTOM_STATUS, .user = "custom", .time_ms = NOW_MS - 1000, .custom_status = "busy"});
}

static cJSON *get_page(const char *target)
{
    struct http_reply *reply = get(target);
    ck_assert_ptr_nonnull(reply);
    ck_assert_msg(reply_status(reply) == 200, "%s: %s", target, reply_body(reply));
    cJSON *json = reply_json(reply);
    http_reply_free(reply);
    return json;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The users of a page in the order of their names, each with a blank behind it. */
static void join_users(const cJSON *page, struct buf *text)
{
    const char *names[32];
    size_t n = 0;
    const cJSON *user;
    cJSON_ArrayForEach(user, cJSON_GetObjectItem(page, "users"))
    {
        ck_assert_uint_lt(n, 32);
        names[n++] = cJSON_GetObjectItem(user, "user")->valuestring;
    }
    qsort(names, n, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < n; i++) {
        buf_appendf(text, "%s ", names[i]);
    }
    buf_append_char(text, '\0');
}

static const struct {
    const char *query;
    const char *users;
} filters[] = {
    {"", "custom gone half other-web phone pushed web "},
    {"?app=&state=&platform=&limit=&cursor=", "custom gone half other-web phone pushed web "},
    {"?app=1400000000", "custom gone half phone pushed web "},
    {"?app=1400000001", "other-web "},
    {"?state=online", "half other-web phone web "},
    {"?state=push_online", "pushed "},
    {"?state=offline", "gone "},
    {"?platform=iOS", "half phone pushed "},
    {"?platform=IOS&state=online", "phone "},
    {"?platform=Web&state=online&app=1400000001", "other-web "},
    {"?platform=HarmonyOS", ""},
    {"?platform=two%20words", ""},
    {"?app=1400000001&state=offline", ""},
};

START_TEST(filters_say_who_is_listed)
{
    char target[128];
    struct buf users = {0};
    (void)snprintf(target, sizeof(target), "/v1/users%s", filters[_i].query);
    cJSON *page = get_page(target);
    join_users(page, &users);
    ck_assert_str_eq(users.ptr, filters[_i].users);
    buf_fini(&users);
    ck_assert(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(page, "next_cursor")));
    cJSON_Delete(page);
}
END_TEST

START_TEST(an_empty_list_has_its_shape)
{
    expect_body(get("/v1/users?platform=HarmonyOS"), 200, "{\"users\":[],\"next_cursor\":null}");
    expect_body(get("/v1/users?state=offline&app=1400000001"), 200, "{\"users\":[],\"next_cursor\":null}");
}
END_TEST

START_TEST(a_listed_user_is_the_whole_object)
{
    expect_body(get("/v1/users?app=1400000001"), 200,
                "{\"users\":[{\"app\":1400000001,\"user\":\"other-web\",\"state\":\"online\","
                "\"since\":1699999999000,\"custom_status\":null,\"custom_status_time\":null,"
                "\"devices\":[{\"platform\":\"Web\",\"state\":\"online\",\"action\":\"Login\","
                "\"reason\":\"Register\",\"event_time\":1699999999000,\"received_time\":1699999999100,"
                "\"client_ip\":null}]}],\"next_cursor\":null}");
}
END_TEST

/* Before table_tick() has moved a user whose window is over. */
START_TEST(nobody_is_listed_with_another_state)
{
    fixture.now_ms += WINDOW_MS;
    expect_body(get("/v1/users?state=push_online"), 200, "{\"users\":[],\"next_cursor\":null}");
    cJSON *page = get_page("/v1/users?platform=iOS&app=1400000000");
    const cJSON *user;
    cJSON_ArrayForEach(user, cJSON_GetObjectItem(page, "users"))
    {
        if (strcmp(cJSON_GetObjectItem(user, "user")->valuestring, "pushed") == 0) {
            ck_assert_str_eq(cJSON_GetObjectItem(user, "state")->valuestring, "offline");
        }
    }
    cJSON_Delete(page);
}
END_TEST

#define BAD_STATE "state is not online, push_online or offline, given once"
#define BAD_PLATFORM "platform is not 1 to 32 printable ASCII characters, given once"
#define BAD_LIMIT "limit is not a number from 1 to 1000, given once"
#define BAD_CURSOR "cursor is not the next_cursor of a page since the daemon's start, given once"
#define LETTERS_32 "abcdefghijklmnopqrstuvwxyz012345"

#define EPOCH "0000018bcfe55478" /* the fixture's start */
#define ZEROS "0000000000000000"

static const struct {
    const char *query;
    unsigned status;
    const char *detail;
} bad_values[] = {
    {"app=x", 400, "app is not the number of an app, given once"},
    {"app=1400000000&app=", 400, "app is not the number of an app, given once"},
    {"app=1400000009", 404, "no such app is configured"},
    {"state=unknown", 400, BAD_STATE},
    {"state=Online", 400, BAD_STATE},
    {"state=online%2", 400, BAD_STATE},
    {"state=online-or-something-longer", 400, BAD_STATE},
    {"state=online&state=online", 400, BAD_STATE},
    {"platform=%E4%BD%A0", 400, BAD_PLATFORM},
    {"platform=a%09b", 400, BAD_PLATFORM},
    {"platform=%7F", 400, BAD_PLATFORM},
    {"platform=" LETTERS_32 "6", 400, BAD_PLATFORM},
    {"platform=Web&platform=iOS", 400, BAD_PLATFORM},
    {"limit=0", 400, BAD_LIMIT},
    {"limit=1001", 400, BAD_LIMIT},
    {"limit=-1", 400, BAD_LIMIT},
    {"limit=ten", 400, BAD_LIMIT},
    {"limit=1&limit=1", 400, BAD_LIMIT},
    {"cursor=x", 400, BAD_CURSOR},
    {"cursor=0", 400, BAD_CURSOR},
    {"cursor=2" EPOCH ZEROS, 400, BAD_CURSOR},
    {"cursor=1"
     "0000018bcfe55479" ZEROS,
     400, BAD_CURSOR}, /* of another run */
    {"cursor=1" EPOCH "000000000000000", 400, BAD_CURSOR},
    {"cursor=1" EPOCH ZEROS "0", 400, BAD_CURSOR},
    {"cursor=1" EPOCH "000000000000000g", 400, BAD_CURSOR},
    {"cursor=1" EPOCH "000000000000000A", 400, BAD_CURSOR},
    {"cursor=1" EPOCH ZEROS "&cursor=1" EPOCH ZEROS, 400, BAD_CURSOR},
};

START_TEST(a_bad_value_is_named)
{
    char target[160];
    (void)snprintf(target, sizeof(target), "/v1/users?%s", bad_values[_i].query);
    expect_problem(get(target), bad_values[_i].status, bad_values[_i].detail);
}
END_TEST

START_TEST(the_bounds_themselves_are_good)
{
    cJSON_Delete(get_page("/v1/users?limit=1000"));
    cJSON_Delete(get_page("/v1/users?platform=" LETTERS_32));
}
END_TEST

/* Whoever makes up a cursor gets a page, somewhere. */
START_TEST(any_position_is_safe)
{
    static const char *const positions[] = {
        "0000000000000000", "00000000ffffffff", "000000ff00000000", "000000ffffffffff",
        "0000010000000000", "7fffffffffffffff", "ffffffffffffffff",
    };
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        char target[128];
        (void)snprintf(target, sizeof(target), "/v1/users?cursor=1" EPOCH "%s", positions[i]);
        cJSON_Delete(get_page(target));
    }
}
END_TEST

static void log_many_in(int n)
{
    char user[32];
    for (int i = 0; i < n; i++) {
        (void)snprintf(user, sizeof(user), "many%d", i);
        happen_to(TABLE_LOGIN, (uint16_t)(i % 2), user, PLATFORM_MAC);
    }
}

#define CURSOR_SIZE 64

/* Empty at the end of the list. */
static void read_cursor(const cJSON *page, char ret_cursor[static CURSOR_SIZE])
{
    const cJSON *cursor = cJSON_GetObjectItem(page, "next_cursor");
    (void)snprintf(ret_cursor, CURSOR_SIZE, "%s", cJSON_IsNull(cursor) ? "" : cursor->valuestring);
}

/* Counts how often each of the many is on a page; returns how many are on this one. */
static unsigned tick_off(const cJSON *page, unsigned char *seen)
{
    unsigned n = 0;
    const cJSON *user;
    cJSON_ArrayForEach(user, cJSON_GetObjectItem(page, "users"))
    {
        uint64_t i;
        struct str name = str_from(cJSON_GetObjectItem(user, "user")->valuestring);
        must(str_parse_u64((struct str){name.ptr + 4, name.len - 4}, N_MANY - 1, &i));
        seen[i]++;
        n++;
    }
    return n;
}

/* limit, or 0 for none given */
static const unsigned limits[] = {0, 7, 100, 1000};

START_TEST(pages_hold_every_user_once)
{
    static unsigned char seen[N_MANY];
    char target[128];
    char cursor[CURSOR_SIZE] = "";
    unsigned limit = limits[_i] == 0 ? USER_LIST_LIMIT_DEFAULT : limits[_i];
    unsigned n_pages = 0;
    log_many_in(N_MANY);
    memset(seen, 0, sizeof(seen));
    do {
        int len = snprintf(target, sizeof(target), "/v1/users?platform=mac&cursor=%s", cursor);
        if (limits[_i] != 0) {
            (void)snprintf(target + len, sizeof(target) - (size_t)len, "&limit=%u", limits[_i]);
        }
        cJSON *page = get_page(target);
        ck_assert_uint_le(tick_off(page, seen), limit);
        read_cursor(page, cursor);
        cJSON_Delete(page);
        ck_assert_uint_lt(n_pages++, N_MANY);
    } while (cursor[0] != '\0');
    for (int i = 0; i < N_MANY; i++) {
        if (seen[i] != 1) {
            ck_abort_msg("user %d is listed %d times", i, seen[i]);
        }
    }
}
END_TEST

/* More users than one page looks at, and one that the filter is after. */
START_TEST(a_search_for_few_goes_on_over_pages)
{
    unsigned n_pages = 0;
    unsigned n_found = 0;
    char target[128];
    char cursor[CURSOR_SIZE] = "";
    log_many_in(60000);
    happen_to(TABLE_LOGIN, 0, "rare", PLATFORM_LINUX);
    do {
        (void)snprintf(target, sizeof(target), "/v1/users?platform=Linux&cursor=%s", cursor);
        cJSON *page = get_page(target);
        n_found += (unsigned)cJSON_GetArraySize(cJSON_GetObjectItem(page, "users"));
        read_cursor(page, cursor);
        cJSON_Delete(page);
        n_pages++;
    } while (cursor[0] != '\0' && n_pages < 10);
    ck_assert_uint_eq(n_found, 1);
    ck_assert_uint_eq(n_pages, 2);
}
END_TEST

START_TEST(without_memory_there_is_no_answer)
{
    fixture.memory_is_gone = true;
    ck_assert_ptr_null(get("/v1/users"));
}
END_TEST

#define N(array) ((int)(sizeof(array) / sizeof((array)[0])))

Suite *test_suite(void)
{
    Suite *suite = suite_create("user_list");
    TCase *tcase = tcase_create("user_list");
    tcase_add_checked_fixture(tcase, setup, fixture_stop);
    tcase_add_loop_test(tcase, filters_say_who_is_listed, 0, N(filters));
    tcase_add_test(tcase, an_empty_list_has_its_shape);
    tcase_add_test(tcase, a_listed_user_is_the_whole_object);
    tcase_add_test(tcase, nobody_is_listed_with_another_state);
    tcase_add_loop_test(tcase, a_bad_value_is_named, 0, N(bad_values));
    tcase_add_test(tcase, the_bounds_themselves_are_good);
    tcase_add_test(tcase, any_position_is_safe);
    tcase_add_loop_test(tcase, pages_hold_every_user_once, 0, N(limits));
    tcase_add_test(tcase, a_search_for_few_goes_on_over_pages);
    tcase_add_test(tcase, without_memory_there_is_no_answer);
    suite_add_tcase(suite, tcase);
    return suite;
}
