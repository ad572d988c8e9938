/* SPDX-License-Identifier: MIT */
/* Input: the body of a request, or of an answer. What is read and written again says the same. */
#include "presenced/online_query.h"

#include "fuzz.h"
#include "presenced/json_check.h"

static void check_request(struct str body)
{
    static struct str users[ONLINE_QUERY_N_USERS_MAX];
    cleanup(buf_fini) struct buf text = {0};
    struct online_query_request request;
    struct online_query_request again;
    struct str user;
    size_t n = 0;
    int r = online_query_read_request(body, &request);
    FUZZ_CHECK(r >= 0 && r <= ONLINE_QUERY_REQUEST_TOO_MANY);
    if (r != 0) {
        return;
    }
    FUZZ_CHECK(request.n_users <= ONLINE_QUERY_N_USERS_MAX);
    while (online_query_next_user(&request, &user)) {
        FUZZ_CHECK(str_is_utf8(user) && (user.len == 0 || memchr(user.ptr, '\0', user.len) == NULL));
        users[n++] = user;
    }
    FUZZ_CHECK(n == request.n_users);
    online_query_write_request(&text, users, n);
    FUZZ_CHECK(online_query_read_request(buf_str(&text), &again) == 0);
    FUZZ_CHECK(again.n_users == n);
    for (size_t i = 0; i < n; i++) {
        FUZZ_CHECK(online_query_next_user(&again, &user) && str_equal(user, users[i]));
    }
    online_query_request_fini(&again);
    online_query_request_fini(&request);
}

static bool is_all_known(const struct online_query_result *result)
{
    bool is_known = result->error_code != 0 || result->status != ONLINE_STATUS_OTHER;
    for (size_t i = 0; result->error_code == 0 && i < result->n_devices; i++) {
        is_known &= result->devices[i].status != ONLINE_STATUS_OTHER;
    }
    return is_known;
}

/* False where it has a status that cannot be written. */
static bool write_answer(struct online_query_answer *answer, enum online_query_form form, struct buf *out)
{
    static struct online_query_result result;
    struct online_query_writer writer;
    bool is_known = true;
    online_query_begin_answer(&writer, form, out);
    while (online_query_next_result(answer, &result)) {
        FUZZ_CHECK(str_is_utf8(result.user) && result.n_devices <= ONLINE_QUERY_N_DEVICES_MAX);
        is_known &= is_all_known(&result);
        if (is_known) {
            online_query_add_result(&writer, &result);
        }
    }
    online_query_end_answer(&writer);
    FUZZ_CHECK(!out->failed && json_check(buf_str(out)) == 0);
    return is_known;
}

static void check_answer(struct str body)
{
    cleanup(buf_fini) struct buf text = {0};
    cleanup(buf_fini) struct buf text_again = {0};
    struct online_query_answer answer;
    int r = online_query_read_answer(body, &answer);
    FUZZ_CHECK(r >= 0 && r <= ONLINE_QUERY_ANSWER_ERRORS);
    if (r != 0) {
        return;
    }
    if (answer.error_code != 0) {
        FUZZ_CHECK(answer.next == NULL && answer.errors == NULL && str_is_utf8(answer.error_info));
    } else if (write_answer(&answer, ONLINE_QUERY_STATUS, &text)) {
        struct online_query_answer again;
        FUZZ_CHECK(online_query_read_answer(buf_str(&text), &again) == 0);
        FUZZ_CHECK(write_answer(&again, ONLINE_QUERY_STATUS, &text_again));
        FUZZ_CHECK(str_equal(buf_str(&text), buf_str(&text_again)));
        online_query_answer_fini(&again);
    }
    online_query_answer_fini(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str body = {(const char *)data, size};
    check_request(body);
    check_answer(body);
    return 0;
}
