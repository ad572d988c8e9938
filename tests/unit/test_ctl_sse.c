/* SPDX-License-Identifier: MIT */
#include "sse.h"
#include "suite.h"

#include <errno.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static struct sse sse;
static struct buf seen; /* "name|id|data;" an event */

static void set_up(void)
{
    sse = (struct sse){0};
    seen = (struct buf){0};
}

static void tear_down(void)
{
    sse_fini(&sse);
    buf_fini(&seen);
}

static void take(void *cls, const struct sse_event *event)
{
    ck_assert_ptr_null(cls);
    buf_appendf(&seen, "%.*s|%.*s|%.*s;", STR_FMT(event->name), STR_FMT(buf_str(&sse.id)),
                STR_FMT(event->data));
}

static void feed(struct str piece)
{
    ck_assert_int_eq(sse_feed(&sse, piece, take, NULL), 0);
}

static void expect(const char *text)
{
    ck_assert_msg(str_equal(buf_str(&seen), str_from(text)), "%.*s", STR_FMT(buf_str(&seen)));
}

static const struct {
    const char *stream;
    const char *events;
} streams[] = {
    {"id: e.1\nevent: presence\ndata: {\"a\":1}\n\n", "presence|e.1|{\"a\":1};"},
    {"data:x\n\n", "message||x;"},
    {"data:  x\n\n", "message|| x;"}, /* one blank is the stream's */
    {"data: a\ndata: b\n\n", "message||a\nb;"},
    {"data\n\n", "message||;"},
    {": a comment\ndata: x\n\n", "message||x;"},
    {"\xef\xbb\xbf"
     "data: x\n\n",
     "message||x;"},
    {"data: x\r\n\r\ndata: y\r\n\r\n", "message||x;message||y;"},
    {"data: x\r\rdata: y\r\r", "message||x;message||y;"},
    {"data: x\n", ""},                  /* has not ended */
    {"event: presence\nid: 1\n\n", ""}, /* no data: no event */
    {"id: 1\ndata: a\n\ndata: b\n\n", "message|1|a;message|1|b;"},
    {"id: 1\ndata: a\n\nid\ndata: b\n\n", "message|1|a;message||b;"},
    {"event: x\ndata: a\n\ndata: b\n\n", "x||a;message||b;"},
    {"other: x\ndata: a\n\n", "message||a;"},
};

START_TEST(takes_a_stream_apart)
{
    feed(str_from(streams[_i].stream));
    expect(streams[_i].events);
}
END_TEST

START_TEST(pieces_may_end_anywhere)
{
    for (struct str rest = str_from(streams[_i].stream); rest.len > 0; rest.ptr++, rest.len--) {
        feed((struct str){rest.ptr, 1});
    }
    expect(streams[_i].events);
}
END_TEST

START_TEST(an_event_without_data_moves_the_place_to_resume_at)
{
    feed(STR("id: e.7\n\n"));
    ck_assert(str_equal(buf_str(&sse.id), STR("e.7")));
}
END_TEST

START_TEST(an_event_that_was_cut_is_forgotten_with_its_id)
{
    feed(STR("id: e.1\ndata: a\n\nid: e.2\ndata: b\nda"));
    sse_restart(&sse);
    ck_assert(str_equal(buf_str(&sse.id), STR("e.1")));
    feed(STR("data: c\n\n"));
    expect("message|e.1|a;message|e.1|c;");
}
END_TEST

START_TEST(knows_when_to_try_again)
{
    feed(STR("retry: 1500\n\n"));
    ck_assert_uint_eq(sse.retry_ms, 1500);
    feed(STR("retry: soon\n\nretry: 99999999999\n\n"));
    ck_assert_uint_eq(sse.retry_ms, 1500);
}
END_TEST

START_TEST(an_event_has_a_bound)
{
    cleanup(buf_fini) struct buf line = {0};
    buf_append(&line, STR("data: "));
    while (line.len <= SSE_EVENT_MAX_BYTES) {
        buf_append(&line, STR("0123456789abcdef"));
    }
    ck_assert_int_eq(sse_feed(&sse, buf_str(&line), take, NULL), -EMSGSIZE);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("ctl sse");
    TCase *tcase = tcase_create("sse");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, takes_a_stream_apart, 0, COUNT(streams));
    tcase_add_loop_test(tcase, pieces_may_end_anywhere, 0, COUNT(streams));
    tcase_add_test(tcase, an_event_without_data_moves_the_place_to_resume_at);
    tcase_add_test(tcase, an_event_that_was_cut_is_forgotten_with_its_id);
    tcase_add_test(tcase, knows_when_to_try_again);
    tcase_add_test(tcase, an_event_has_a_bound);
    suite_add_tcase(suite, tcase);
    return suite;
}
