/* SPDX-License-Identifier: MIT */
#include "presenced/replica_url.h"
#include "suite.h"

static const struct {
    const char *text;
    struct replica_url url;
} good[] = {
    {"redis://192.0.2.1:6380/3", {.n_hosts = 1, .hosts = {{"192.0.2.1", 6380}}, .database = 3}},
    {"redis://redis.example", {.n_hosts = 1, .hosts = {{"redis.example", 6379}}}},
    {"redis://redis.example/", {.n_hosts = 1, .hosts = {{"redis.example", 6379}}}},
    {"redis://[2001:db8::1]:7000", {.n_hosts = 1, .hosts = {{"2001:db8::1", 7000}}}},
    {"redis://[2001:db8::1]", {.n_hosts = 1, .hosts = {{"2001:db8::1", 6379}}}},
    {"redis://h:65535/65535", {.n_hosts = 1, .hosts = {{"h", 65535}}, .database = 65535}},
    {"rediss://h", {.tls = true, .n_hosts = 1, .hosts = {{"h", 6379}}}},
    {"redis+sentinel://a/presence",
     {.kind = REPLICA_URL_SENTINEL, .n_hosts = 1, .hosts = {{"a", 26379}}, .primary_name = "presence"}},
    {"redis+sentinel://a:1,[::1]:2,c/my-primary/5",
     {.kind = REPLICA_URL_SENTINEL,
      .n_hosts = 3,
      .hosts = {{"a", 1}, {"::1", 2}, {"c", 26379}},
      .primary_name = "my-primary",
      .database = 5}},
    {"unix:/run/redis/redis.sock", {.kind = REPLICA_URL_UNIX, .path = "/run/redis/redis.sock"}},
    {"unix:/a@b", {.kind = REPLICA_URL_UNIX, .path = "/a@b"}},
};

START_TEST(urls_are_read)
{
    struct replica_url url;
    const struct replica_url *expected = &good[_i].url;
    ck_assert_ptr_null(replica_url_parse(str_from(good[_i].text), &url));
    ck_assert_int_eq(url.kind, expected->kind);
    ck_assert_int_eq(url.tls, expected->tls);
    ck_assert_uint_eq(url.database, expected->database);
    ck_assert_uint_eq(url.n_hosts, expected->n_hosts);
    for (unsigned i = 0; i < url.n_hosts; i++) {
        ck_assert_str_eq(url.hosts[i].name, expected->hosts[i].name);
        ck_assert_uint_eq(url.hosts[i].port, expected->hosts[i].port);
    }
    ck_assert_str_eq(url.primary_name, expected->primary_name);
    ck_assert_str_eq(url.path, expected->path);
}
END_TEST

#define LONG_NAME \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    struct str text;
    const char *wrong; /* a piece of it */
} bad[] = {
    {STR(""), "allowed are"},
    {STR("http://h"), "allowed are"},
    {STR("h:6379"), "allowed are"},
    {STR("redis://"), "no host"},
    {STR("redis://:6379"), "no host"},
    {STR("redis://h:0"), "no host"},
    {STR("redis://h:65536"), "no host"},
    {STR("redis://h:"), "no host"},
    {STR("redis://a,b"), "no host"},
    {STR("redis://[::1"), "no host"},
    {STR("redis://[::1]x"), "no host"},
    {STR("redis://h h"), "no host"},
    {STR("redis://h/x"), "database"},
    {STR("redis://h/65536"), "database"},
    {STR("redis://h/1/2"), "database"},
    {STR("redis://user:s3cret@h"), "password_file"},
    {STR("redis+sentinel://a"), "name"},
    {STR("redis+sentinel://a/"), "name"},
    {STR("redis+sentinel://a/" LONG_NAME), "name"},
    {STR("redis+sentinel:///presence"), "no Sentinels"},
    {STR("redis+sentinel://a,b,c,d,e,f,g,h,i/presence"), "no Sentinels"},
    {STR("redis+sentinel://a/presence/x"), "database"},
    {STR("unix:run/redis.sock"), "no socket"},
    {STR("unix:"), "no socket"},
    {STR("unix:/a\0b"), "no socket"},
    {STR("unix:/" LONG_NAME LONG_NAME), "no socket"},
};

START_TEST(what_is_wrong_is_said)
{
    struct replica_url url;
    const char *wrong = replica_url_parse(bad[_i].text, &url);
    ck_assert_msg(wrong != NULL, "%.*s", STR_FMT(bad[_i].text));
    ck_assert_msg(strstr(wrong, bad[_i].wrong) != NULL, "%.*s: %s", STR_FMT(bad[_i].text), wrong);
    ck_assert_ptr_null(strstr(wrong, "s3cret"));
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("replica_url");
    TCase *tcase = tcase_create("replica_url");
    tcase_add_loop_test(tcase, urls_are_read, 0, sizeof(good) / sizeof(good[0]));
    tcase_add_loop_test(tcase, what_is_wrong_is_said, 0, sizeof(bad) / sizeof(bad[0]));
    suite_add_tcase(suite, tcase);
    return suite;
}
