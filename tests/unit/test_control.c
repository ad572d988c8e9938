/* SPDX-License-Identifier: MIT */
#include "presenced/control.h"
#include "suite.h"

#include "presenced/reply.h"

/* Whose verdict is whose: of requests whose connections end at the worst moment, too. */

#define OWN_UID 1000

static struct control *control;
static uid_t peer_uid;
static unsigned n_wakes;

/* In the place of the listener's. */
bool http_request_peer_uid(const struct http_request *request, uid_t *ret_uid)
{
    (void)request;
    *ret_uid = peer_uid;
    return peer_uid != (uid_t)-1;
}

static void wake(void *cls)
{
    (void)cls;
    n_wakes++;
}

static void set_up(void)
{
    const struct control_config config = {.uid = OWN_UID, .wake = wake};
    peer_uid = OWN_UID;
    n_wakes = 0;
    ck_assert_int_eq(control_new(&config, &control), 0);
}

static void tear_down(void)
{
    control_free(control);
}

static struct http_request reload_request(void)
{
    return (struct http_request){.method = STR("POST"), .path = STR("/v1/control/reload")};
}

/* Has it wait, as the listener does. */
static void ask(struct http_request *request)
{
    const struct http_handler *handler = control_handler();
    *request = reload_request();
    ck_assert_ptr_null(handler->on_headers(control, request));
    ck_assert_ptr_eq(handler->on_request(control, request), http_reply_later());
}

static bool is_answered(struct http_request *request)
{
    struct http_reply *reply = control_handler()->on_resume(control, request);
    bool answered = reply != http_reply_later();
    ck_assert_ptr_nonnull(reply);
    if (answered) {
        http_reply_free(reply);
    }
    return answered;
}

static void carry_out(void)
{
    struct control_order order;
    ck_assert(control_take(control, &order));
    ck_assert_int_eq(order.kind, CONTROL_RELOAD);
    ck_assert(!control_take(control, &order));
    control_settle(control, CONTROL_DONE, STR("a\nb\n"));
}

START_TEST(an_answer_waits_for_its_verdict)
{
    struct http_request request;
    struct control_order order;
    ask(&request);
    ck_assert(!control_take(control, &order));
    ck_assert(!is_answered(&request));
    ck_assert_uint_eq(n_wakes, 1);
    ck_assert(!is_answered(&request));
    carry_out();
    ck_assert(is_answered(&request));
    ck_assert_uint_eq(n_wakes, 1);
}
END_TEST

START_TEST(one_order_comes_after_the_other)
{
    struct http_request first;
    struct http_request second;
    ask(&first);
    ask(&second);
    ck_assert(!is_answered(&first));
    carry_out();
    ck_assert(is_answered(&first));
    ck_assert(!is_answered(&second));
    carry_out();
    ck_assert(is_answered(&second));
    ck_assert_uint_eq(n_wakes, 2);
}
END_TEST

/* The first's connection has ended: nobody asks for its verdict, and the second does not get it. */
START_TEST(the_verdict_of_one_that_has_gone_is_nobodys)
{
    struct http_request first;
    struct http_request second;
    ask(&first);
    ask(&second);
    ck_assert(!is_answered(&first));
    carry_out();
    ck_assert(!is_answered(&second));
    carry_out();
    ck_assert(is_answered(&second));
}
END_TEST

START_TEST(who_waits_is_answered_when_orders_are_taken_no_more)
{
    struct http_request settled;
    struct http_request waiting;
    struct control_order order;
    ask(&settled);
    ask(&waiting);
    ck_assert(!is_answered(&settled));
    carry_out();
    control_close(control);
    ck_assert(is_answered(&settled));
    ck_assert(is_answered(&waiting));
    ck_assert(!control_take(control, &order));
}
END_TEST

static const struct {
    uid_t uid;
    bool may;
} peers[] = {{OWN_UID, true}, {0, true}, {OWN_UID + 1, false}, {(uid_t)-1, false}};

START_TEST(root_and_the_daemons_user_may)
{
    struct http_request request = reload_request();
    peer_uid = peers[_i].uid;
    struct http_reply *refusal = control_handler()->on_headers(control, &request);
    ck_assert_int_eq(refusal == NULL, peers[_i].may);
    http_reply_free(refusal);
    if (!peers[_i].may) {
        ck_assert_ptr_null(control_handler()->on_request(control, &request));
    }
}
END_TEST

static struct http_reply *put_question(struct http_request *request, const char *body)
{
    const struct http_handler *handler = control_handler();
    *request = (struct http_request){.method = STR("POST"), .path = STR("/v1/control/ask")};
    ck_assert_ptr_null(handler->on_headers(control, request));
    request->body = str_from(body);
    struct http_reply *reply = handler->on_request(control, request);
    request->body = (struct str){NULL, 0}; /* it is gone before its turn comes */
    return reply;
}

START_TEST(a_question_names_an_app_and_users)
{
    struct http_request request;
    struct control_order order;
    ck_assert_ptr_eq(put_question(&request, "{\"app\":1400000000,\"users\":[\"alice\",\"b\"]}"),
                     http_reply_later());
    ck_assert(!is_answered(&request));
    ck_assert(control_take(control, &order));
    ck_assert_int_eq(order.kind, CONTROL_ASK);
    ck_assert_uint_eq(order.question->app_id, 1400000000);
    ck_assert_uint_eq(order.question->n_users, 2);
    ck_assert(str_equal(order.question->users[0], STR("alice")));
    ck_assert(str_equal(order.question->users[1], STR("b")));
    free(order.question);
    control_settle(control, CONTROL_DONE, STR("{}"));
    ck_assert(is_answered(&request));
}
END_TEST

/* There is room for one that waits. */
START_TEST(of_two_questions_that_wait_the_later_one_stays)
{
    struct http_request first;
    struct http_request second;
    struct control_order order;
    ck_assert_ptr_eq(put_question(&first, "{\"users\":[\"alice\"]}"), http_reply_later());
    ck_assert_ptr_eq(put_question(&second, "{\"users\":[\"bob\"]}"), http_reply_later());
    ck_assert(is_answered(&first));
    ck_assert(!is_answered(&second));
    ck_assert(control_take(control, &order));
    ck_assert_uint_eq(order.question->app_id, 0);
    ck_assert(str_equal(order.question->users[0], STR("bob")));
    free(order.question);
    control_settle(control, CONTROL_REFUSED, STR("no\n"));
    ck_assert(is_answered(&second));
}
END_TEST

START_TEST(a_question_whose_turn_has_come_is_not_replaced)
{
    struct http_request first;
    struct http_request second;
    struct control_order order;
    ck_assert_ptr_eq(put_question(&first, "{\"users\":[\"alice\"]}"), http_reply_later());
    ck_assert(!is_answered(&first));
    ck_assert_ptr_eq(put_question(&second, "{\"users\":[\"bob\"]}"), http_reply_later());
    ck_assert(control_take(control, &order));
    ck_assert(str_equal(order.question->users[0], STR("alice")));
    free(order.question);
    control_settle(control, CONTROL_DONE, STR("{}"));
    ck_assert(is_answered(&first));
    ck_assert(!is_answered(&second));
    ck_assert(control_take(control, &order));
    ck_assert(str_equal(order.question->users[0], STR("bob")));
    free(order.question);
    control_settle(control, CONTROL_DONE, STR("{}"));
    ck_assert(is_answered(&second));
}
END_TEST

static const char *const bad_questions[] = {
    "",
    "[]",
    "{\"app\":0}",
    "{\"app\":\"1400000000\"}",
    "{\"users\":\"alice\"}",
    "{\"users\":[1]}",
    "{\"users\":[\"\"]}",
};

START_TEST(a_question_that_is_none_is_refused)
{
    struct http_request request;
    struct http_reply *reply = put_question(&request, bad_questions[_i]);
    ck_assert_ptr_nonnull(reply);
    ck_assert_ptr_ne(reply, http_reply_later());
    http_reply_free(reply);
}
END_TEST

START_TEST(a_question_about_too_many_is_refused)
{
    cleanup(buf_fini) struct buf body = {0};
    struct http_request request;
    buf_append(&body, STR("{\"users\":[\"u\""));
    for (unsigned i = 1; i < CONTROL_N_USERS_MAX + (unsigned)_i; i++) {
        buf_append(&body, STR(",\"u\""));
    }
    buf_append(&body, STR("]}"));
    buf_append_char(&body, '\0');
    struct http_reply *reply = put_question(&request, body.ptr);
    ck_assert((reply == http_reply_later()) == (_i == 0));
    if (_i != 0) {
        http_reply_free(reply);
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("control");
    TCase *tcase = tcase_create("control");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_answer_waits_for_its_verdict);
    tcase_add_test(tcase, one_order_comes_after_the_other);
    tcase_add_test(tcase, the_verdict_of_one_that_has_gone_is_nobodys);
    tcase_add_test(tcase, who_waits_is_answered_when_orders_are_taken_no_more);
    tcase_add_loop_test(tcase, root_and_the_daemons_user_may, 0, 4);
    tcase_add_test(tcase, a_question_names_an_app_and_users);
    tcase_add_test(tcase, of_two_questions_that_wait_the_later_one_stays);
    tcase_add_test(tcase, a_question_whose_turn_has_come_is_not_replaced);
    tcase_add_loop_test(tcase, a_question_that_is_none_is_refused, 0,
                        sizeof(bad_questions) / sizeof(bad_questions[0]));
    tcase_add_loop_test(tcase, a_question_about_too_many_is_refused, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
