/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_ONLINE_QUERY_H
#define PRESENCED_ONLINE_QUERY_H

/* Tencent's query for the online status of users, in both directions: presenced answers it as Tencent does,
 * and sends it to Tencent.
 *
 *   POST /v4/openim/query_online_status?sdkappid=N&identifier=ADMIN&usersig=…&random=N&contenttype=json
 *   {"IsNeedDetail":1,"To_Account":["id1","id4"]}
 *
 *   {"ActionStatus":"OK","ErrorInfo":"","ErrorCode":0,
 *    "QueryResult":[{"To_Account":"id1","Status":"Online","Detail":[{"Platform":"iPhone","Status":"PushOnline"},
 *                                                                   {"Platform":"Web","Status":"Online"}]}],
 *    "ErrorList":[{"To_Account":"id4","ErrorCode":70107}]}
 *
 * The older /v4/openim/querystate has State instead of Status. Input is validated completely before any of it
 * is returned; unknown keys are ignored, and null counts as absent. A struct is used by one thread at a time;
 * different threads may use different ones. */

#include "presenced/json.h"
#include "presenced/str.h"

struct cJSON;

#define ONLINE_QUERY_PATH "/v4/openim/query_online_status"
#define ONLINE_QUERY_OLD_PATH "/v4/openim/querystate"

#define ONLINE_QUERY_N_USERS_MAX 500
#define ONLINE_QUERY_N_DEVICES_MAX 128 /* per user; more than there are platforms */

enum online_query_form {
    ONLINE_QUERY_STATUS, /* query_online_status */
    ONLINE_QUERY_STATE,  /* querystate */
};

enum online_status {
    ONLINE_STATUS_ONLINE,
    ONLINE_STATUS_PUSH_ONLINE,
    ONLINE_STATUS_OFFLINE,
    ONLINE_STATUS_OTHER, /* unknown status; only when reading */
};

/* The functions below are for requests. */

/* Credentials for a query to Tencent; borrowed. */
struct online_query_caller {
    uint64_t sdkappid;
    struct str identifier; /* an administrator of the app */
    struct str usersig;    /* UserSig of that identifier (usersig.h) */
    uint32_t random;       /* a new number for each request */
};

/* Appends the target of a request, from '/' on. It contains the UserSig, so release `out` with wipe_buf(). */
void online_query_write_target(struct buf *out, const struct online_query_caller *caller);

/* Appends the body of a request for up to ONLINE_QUERY_N_USERS_MAX users and their devices. */
void online_query_write_request(struct buf *out, const struct str *users, size_t n_users);

struct online_query_request {
    bool needs_detail;
    size_t n_users;
    struct cJSON *tree;
    const struct cJSON *next;
};

/* Outcome, and the ErrorCode and ErrorInfo of the answer. */
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

/* Returns 0, an outcome, or -ENOMEM. After 0, the caller releases `ret_request` with
 * online_query_request_fini(). */
int online_query_read_request(struct str body, struct online_query_request *ret_request);
void online_query_request_fini(struct online_query_request *request);

/* Returns the next user in the order of the request; false after the last. User ids are UTF-8 without NUL, of
 * any length, and valid until online_query_request_fini(). */
bool online_query_next_user(struct online_query_request *request, struct str *ret_user);

/* The functions below are for answers. */

struct online_query_device {
    struct str platform; /* name used in callbacks (vendor_platform.h) */
    enum online_status status;
};

/* The status of one user in an answer. */
struct online_query_result {
    struct str user;
    unsigned error_code; /* from ErrorList (vendor_error.h); 0: the fields below are valid */
    enum online_status status;
    size_t n_devices; /* devices that are not offline; 0 also if no detail was requested */
    struct online_query_device devices[ONLINE_QUERY_N_DEVICES_MAX];
};

/* Writes an answer one result at a time. */
struct online_query_writer {
    struct json_writer json;
    enum online_query_form form;
    struct buf errors; /* JSON of the elements of ErrorList */
    struct json_writer errors_json;
};

/* Begins an answer at the end of `out`, which is borrowed until online_query_end_answer(). */
void online_query_begin_answer(struct online_query_writer *writer, enum online_query_form form,
                               struct buf *out);
void online_query_add_result(struct online_query_writer *writer, const struct online_query_result *result);
void online_query_end_answer(struct online_query_writer *writer); /* also frees the writer's memory */

/* Appends the answer to a request that failed as a whole. */
void online_query_write_failure(struct buf *out, unsigned code, struct str info);

struct online_query_answer {
    unsigned error_code;   /* 0: there are results; otherwise there are none */
    struct str error_info; /* Tencent's error text, for the log */
    struct cJSON *tree;
    const struct cJSON *next;
    const struct cJSON *errors;
};

/* Outcome, and the text for the log. BODY includes everything that json_check() rejects. */
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

/* Parses either form. Returns 0, an outcome, or -ENOMEM. After 0, the caller releases `ret_answer` with
 * online_query_answer_fini(). */
int online_query_read_answer(struct str body, struct online_query_answer *ret_answer);
void online_query_answer_fini(struct online_query_answer *answer);

/* Returns the next result, those of ErrorList last; false after the last. There may be users that were not
 * requested, and requested ones may be missing. Texts are valid until online_query_answer_fini(). */
bool online_query_next_result(struct online_query_answer *answer, struct online_query_result *ret_result);

#endif
