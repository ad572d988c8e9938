/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ONLINE_QUERY_H
#define PRESENCED_ONLINE_QUERY_H

/* Tencent's query for who is online, in both directions: presenced answers it as Tencent does, and asks
 * Tencent itself.
 *
 *   POST /v4/openim/query_online_status?sdkappid=N&identifier=ADMIN&usersig=…&random=N&contenttype=json
 *   {"IsNeedDetail":1,"To_Account":["id1","id4"]}
 *
 *   {"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,
 *    "QueryResult":[{"To_Account":"id1","Status":"Online","Detail":[{"Platform":"iPhone","Status":"PushOnline"},
 *                                                                   {"Platform":"Web","Status":"Online"}]}],
 *    "ErrorList":[{"To_Account":"id4","ErrorCode":70107}]}
 *
 * The older /v4/openim/querystate answers State in the place of Status. What is read is checked whole before
 * any of it is handed out; keys that are not known are ignored, and null counts as absent. One thread a
 * struct; different ones at the same time. */

#include "presenced/json.h"
#include "presenced/str.h"

struct cJSON;

#define ONLINE_QUERY_PATH "/v4/openim/query_online_status"
#define ONLINE_QUERY_OLD_PATH "/v4/openim/querystate"

#define ONLINE_QUERY_N_USERS_MAX 500
#define ONLINE_QUERY_N_DEVICES_MAX 128 /* of a user: more than there are platforms */

enum online_query_form {
    ONLINE_QUERY_STATUS, /* query_online_status */
    ONLINE_QUERY_STATE,  /* querystate */
};

enum online_status {
    ONLINE_STATUS_ONLINE,
    ONLINE_STATUS_PUSH_ONLINE,
    ONLINE_STATUS_OFFLINE,
    ONLINE_STATUS_OTHER, /* one that is news; only ever read */
};

/* Requests. */

/* Who asks Tencent; borrowed. */
struct online_query_caller {
    uint64_t sdkappid;
    struct str identifier; /* an administrator's */
    struct str usersig;    /* of that identifier (usersig.h) */
    uint32_t random;       /* another one each time */
};

/* Appends the target of a request, from '/' on. It holds the UserSig: `out` is for wipe_buf(). */
void online_query_write_target(struct buf *out, const struct online_query_caller *caller);

/* Appends the body of a request for those users, at most ONLINE_QUERY_N_USERS_MAX, and their devices. */
void online_query_write_request(struct buf *out, const struct str *users, size_t n_users);

struct online_query_request {
    bool needs_detail;
    size_t n_users;
    struct cJSON *tree;
    const struct cJSON *next;
};

/* Outcome, code and text of the answer. */
#define ONLINE_QUERY_REQUEST_OUTCOMES(X)                                                                \
    X(BODY, VENDOR_BAD_JSON, "the body is not a JSON object in UTF-8, or holds \\u0000 or a key twice") \
    X(DETAIL, VENDOR_BAD_JSON, "IsNeedDetail is neither 0 nor 1")                                       \
    X(TO_ACCOUNT, VENDOR_BAD_TO_ACCOUNT, "To_Account is not an array of strings")                       \
    X(TOO_MANY, VENDOR_TOO_MANY_IDS, "To_Account holds more than 500 ids")

enum online_query_request_outcome {
    ONLINE_QUERY_REQUEST_OK,
#define ONLINE_QUERY_AS_ENUM(id, code, text) ONLINE_QUERY_REQUEST_##id,
    ONLINE_QUERY_REQUEST_OUTCOMES(ONLINE_QUERY_AS_ENUM)
#undef ONLINE_QUERY_AS_ENUM
};

/* 0, an outcome, or -ENOMEM; `ret_request` is for online_query_request_fini() after 0 only. */
int online_query_read_request(struct str body, struct online_query_request *ret_request);
void online_query_request_fini(struct online_query_request *request);

/* The users in the order asked; false after the last. UTF-8 without NUL, of any length, valid until the
 * request's end. */
bool online_query_next_user(struct online_query_request *request, struct str *ret_user);

/* Answers. */

struct online_query_device {
    struct str platform; /* as the callback names it (vendor_platform.h) */
    enum online_status status;
};

/* What an answer says of one user. */
struct online_query_result {
    struct str user;
    unsigned error_code; /* of ErrorList (vendor_error.h); 0: what follows counts */
    enum online_status status;
    size_t n_devices; /* those that are not offline; 0 also where no detail was asked for */
    struct online_query_device devices[ONLINE_QUERY_N_DEVICES_MAX];
};

/* Writes an answer, result by result. */
struct online_query_writer {
    struct json_writer json;
    enum online_query_form form;
    struct buf errors; /* the elements of ErrorList */
    struct json_writer errors_json;
};

/* Begins an answer at the end of `out`, which is borrowed. */
void online_query_begin_answer(struct online_query_writer *writer, enum online_query_form form,
                               struct buf *out);
void online_query_add_result(struct online_query_writer *writer, const struct online_query_result *result);
void online_query_end_answer(struct online_query_writer *writer); /* frees what the writer holds */

/* Appends the answer to a request that failed as a whole. */
void online_query_write_failure(struct buf *out, unsigned code, struct str info);

struct online_query_answer {
    unsigned error_code;   /* 0: the results count; else there are none */
    struct str error_info; /* Tencent's words, for the log */
    struct cJSON *tree;
    const struct cJSON *next;
    const struct cJSON *errors;
};

/* Outcome and text, for the log. What json_check() refuses is BODY. */
#define ONLINE_QUERY_ANSWER_OUTCOMES(X)                                                 \
    X(BODY, "the answer is not a JSON object")                                          \
    X(CODE, "ErrorCode is missing, or is not a number")                                 \
    X(RESULTS, "QueryResult is not an array of users with a Status")                    \
    X(DEVICES, "a Detail is not an array of at most 128 platforms, each with a Status") \
    X(ERRORS, "ErrorList is not an array of users with an ErrorCode that is above zero")

enum online_query_answer_outcome {
    ONLINE_QUERY_ANSWER_OK,
#define ONLINE_QUERY_AS_ENUM(id, text) ONLINE_QUERY_ANSWER_##id,
    ONLINE_QUERY_ANSWER_OUTCOMES(ONLINE_QUERY_AS_ENUM)
#undef ONLINE_QUERY_AS_ENUM
};

/* Takes either form. 0, an outcome, or -ENOMEM; `ret_answer` is for online_query_answer_fini() after 0 only.
 */
int online_query_read_answer(struct str body, struct online_query_answer *ret_answer);
void online_query_answer_fini(struct online_query_answer *answer);

/* The results, those of ErrorList last; false after the last. Users that nobody asked for may be among them,
 * and some that were asked for may not. Texts are valid until the answer's end. */
bool online_query_next_result(struct online_query_answer *answer, struct online_query_result *ret_result);

#endif
