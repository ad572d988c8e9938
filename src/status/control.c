/* SPDX-License-Identifier: MIT */
/* How an order is executed. The stages change under the control's lock:
 *
 *   on_request()      checks the order; requests wait in the order of their arrival
 *   on_resume()       FREE → ASKED, calls wake()     for the first waiting request
 *   control_take()    ASKED → TAKEN
 *   control_settle()  TAKEN → SETTLED
 *   on_resume()       SETTLED → FREE, answers        for the same request
 *
 * If the connection of a request ends before it is answered, its order stays in SETTLED. The next waiting
 * request finds that the ticket is not its own, and replaces it. */
#include "presenced/control.h"

#include "answer.h"
#include "presenced/array.h"
#include "presenced/json_read.h"
#include "presenced/user.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <pthread.h>

enum stage {
    STAGE_FREE,
    STAGE_ASKED,
    STAGE_TAKEN,
    STAGE_SETTLED,
};

struct control {
    struct control_config config;
    pthread_mutex_t lock;
    enum stage stage;
    bool is_closed; /* no more orders are taken */
    uint64_t n_orders;
    uint64_t ticket; /* of the current order, unless the stage is FREE */
    struct control_order order;
    enum control_outcome outcome;
    struct buf lines;
    /* The question of the latest waiting CONTROL_ASK, because the context of a request has no room for it. If
     * there are two, the earlier request is refused. */
    struct control_question *question;
    uint64_t question_ticket;
};

static const struct {
    const char *path;
    enum control_kind kind;
    const char *done;    /* member "status" of the answer; NULL: another form of answer */
    const char *refused; /* detail of the answer if the order was refused */
} orders[] = {
    {"/v1/control/reload", CONTROL_RELOAD, "reloaded", "nothing was taken over"},
    {"/v1/control/drain", CONTROL_DRAIN, "draining", "it does not drain"},
    {"/v1/control/log-level", CONTROL_LOG_LEVEL, "changed", "the level stays as it was"},
    {"/v1/control/ask", CONTROL_ASK, NULL, "Tencent is not asked"},
};
#define N_ORDERS (N_ELEMENTS(orders))

/* Stored in the context of a request until it is answered. */
struct context {
    uint64_t ticket; /* 0: the request was refused, but there was no memory for the reply */
    struct control_order order;
};

static struct http_reply *refuse_peer(const struct http_request *request)
{
    static struct log_limit limit = {.per_second = 1, .burst = 5};
    uint64_t n_suppressed = 0;
    uid_t uid = (uid_t)-1;
    (void)http_request_peer_uid(request, &uid);
    if (log_limit_pass(&limit, &n_suppressed)) {
        log_warning("order refused: it is not from root or the daemon's user", log_u64("uid", uid),
                    log_str("path", request->path), log_u64("suppressed", n_suppressed));
    }
    return answer_problem((struct problem){403, "orders are taken from root and the daemon's user alone"});
}

static bool is_permitted(const struct control *control, const struct http_request *request)
{
    uid_t uid;
    return http_request_peer_uid(request, &uid) && (uid == 0 || uid == control->config.uid);
}

static struct http_reply *on_headers(void *cls, struct http_request *request)
{
    struct control *control = cls;
    struct context *context = http_request_context(request, struct context);
    size_t i = 0;
    context->ticket = 0;
    if (!is_permitted(control, request)) {
        return refuse_peer(request);
    }
    while (i < N_ORDERS && !str_equal(request->path, str_from(orders[i].path))) {
        i++;
    }
    if (i == N_ORDERS) {
        return answer_problem((struct problem){404, "there is no such order"});
    }
    if (!str_equal(request->method, STR("POST"))) {
        return answer_problem_with((struct problem){405, "an order is given by POST"},
                                   (struct http_header){"Allow", "POST"});
    }
    context->order.kind = orders[i].kind;
    context->ticket = ++control->n_orders;
    return NULL;
}

static bool parse_level(struct str body, enum log_level *ret_level)
{
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    cleanup(json_read_freep) cJSON *root = NULL;
    struct str name;
    if (json_read(body, &root) != 0 || !cJSON_IsObject(root) ||
        !json_read_text(json_read_member(root, "level"), &name)) {
        return false;
    }
    for (unsigned i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (str_equal(name, str_from(names[i]))) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Adds a user to the question. Its text is copied to `*at`, which is advanced. */
static bool take_user(const cJSON *item, struct control_question *question, char **at)
{
    struct str text;
    if (question->n_users == CONTROL_N_USERS_MAX || !json_read_text(item, &text) || text.len == 0 ||
        text.len > USER_ID_MAX) {
        return false;
    }
    memcpy(*at, text.ptr, text.len);
    question->users[question->n_users++] = (struct str){*at, text.len};
    *at += text.len;
    return true;
}

static bool read_question(const cJSON *root, struct control_question *question, char *at)
{
    const cJSON *app = json_read_member(root, "app");
    const cJSON *users = json_read_member(root, "users");
    const cJSON *item;
    double id = cJSON_GetNumberValue(app);
    if (app != NULL && !(cJSON_IsNumber(app) && id >= 1 && id <= (double)EVENT_TIME_MAX_MS)) {
        return false;
    }
    question->app_id = app == NULL ? 0 : (uint64_t)id;
    if (users != NULL && !cJSON_IsArray(users)) {
        return false;
    }
    cJSON_ArrayForEach(item, users)
    {
        if (!take_user(item, question, &at)) {
            return false;
        }
    }
    return true;
}

/* Returns 0, a value above 0 if the body is not a valid question, or -ENOMEM. */
static int parse_question(struct str body, struct control_question **ret_question)
{
    cleanup(json_read_freep) cJSON *root = NULL;
    cleanup(cleanup_freep) struct control_question *question = calloc(1, sizeof(*question) + body.len);
    if (question == NULL) {
        return -ENOMEM;
    }
    int r = json_read(body, &root);
    if (r != 0) {
        return r;
    }
    if (!cJSON_IsObject(root) || !read_question(root, question, (char *)(question + 1))) {
        return 1;
    }
    *ret_question = take_pointer(question);
    return 0;
}

static struct http_reply *keep_question(struct control *control, const struct context *context,
                                        struct str body)
{
    struct control_question *question;
    int r = parse_question(body, &question);
    if (r != 0) {
        return r < 0
                   ? NULL
                   : answer_problem((struct problem){
                         400, "the body is not {\"app\":ID,\"users\":[\"ID\",...]} with at most 100 users"});
    }
    (void)pthread_mutex_lock(&control->lock);
    free(control->question);
    control->question = question;
    control->question_ticket = context->ticket;
    (void)pthread_mutex_unlock(&control->lock);
    return http_reply_later();
}

static struct http_reply *on_request(void *cls, struct http_request *request)
{
    struct control *control = cls;
    struct context *context = http_request_context(request, struct context);
    if (context->ticket == 0) {
        return NULL;
    }
    if (context->order.kind == CONTROL_ASK) {
        return keep_question(control, context, request->body);
    }
    if (context->order.kind == CONTROL_LOG_LEVEL && !parse_level(request->body, &context->order.level)) {
        return answer_problem(
            (struct problem){400, "the body is not {\"level\":\"error | warning | notice | info | debug\"}"});
    }
    return http_reply_later();
}

static struct http_reply *answer_done(const struct control *control)
{
    struct buf body = {0};
    struct json_writer json = {.out = &body};
    json_begin_object(&json, NULL);
    json_str(&json, "status", str_from(orders[control->order.kind].done));
    answer_write_lines(&json, "warnings", buf_str(&control->lines));
    json_end_object(&json);
    return answer_json(200, &body);
}

static struct http_reply *answer_settled(const struct control *control)
{
    if (control->outcome == CONTROL_DONE && control->order.kind == CONTROL_ASK) {
        struct buf body = {0};
        buf_append(&body, buf_str(&control->lines));
        return answer_json(200, &body);
    }
    if (control->outcome == CONTROL_DONE) {
        return answer_done(control);
    }
    return answer_problem_errors((struct problem){409, orders[control->order.kind].refused},
                                 buf_str(&control->lines));
}

/* Called with the lock held. */
static struct http_reply *advance(struct control *control, const struct context *context, bool *ret_has_asked)
{
    bool is_own = control->ticket == context->ticket;
    if (is_own && control->stage == STAGE_SETTLED) {
        control->stage = STAGE_FREE;
        return answer_settled(control);
    }
    if (control->is_closed) {
        return answer_problem((struct problem){503, "presenced is stopping"});
    }
    if (control->stage == STAGE_ASKED || control->stage == STAGE_TAKEN) {
        return http_reply_later();
    }
    if (context->order.kind == CONTROL_ASK && control->question_ticket != context->ticket) {
        return answer_problem((struct problem){409, "another question came before this one's turn"});
    }
    control->stage = STAGE_ASKED;
    control->ticket = context->ticket;
    control->order = context->order;
    /* From now on the question is the order's: the next one that waits does not replace it. */
    control->order.question = context->order.kind == CONTROL_ASK ? take_pointer(control->question) : NULL;
    *ret_has_asked = true;
    return http_reply_later();
}

static struct http_reply *on_resume(void *cls, struct http_request *request)
{
    struct control *control = cls;
    bool has_asked = false;
    (void)pthread_mutex_lock(&control->lock);
    struct http_reply *reply = advance(control, http_request_context(request, struct context), &has_asked);
    (void)pthread_mutex_unlock(&control->lock);
    if (has_asked) {
        control->config.wake(control->config.wake_cls);
    }
    return reply;
}

static struct http_reply *on_refusal(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error)
{
    static const unsigned statuses[] = {
        [HTTP_REFUSAL_BAD_FRAMING] = 400, [HTTP_REFUSAL_LENGTH_REQUIRED] = 411,
        [HTTP_REFUSAL_TOO_LARGE] = 413,   [HTTP_REFUSAL_HEAD_TOO_LARGE] = 431,
        [HTTP_REFUSAL_VERSION] = 505,
    };
    (void)cls;
    (void)request;
    return answer_problem((struct problem){statuses[why], error});
}

int control_new(const struct control_config *config, struct control **ret_control)
{
    struct control *control = calloc(1, sizeof(*control));
    if (control == NULL) {
        return -ENOMEM;
    }
    control->config = *config;
    (void)pthread_mutex_init(&control->lock, NULL);
    *ret_control = control;
    return 0;
}

void control_free(struct control *control)
{
    if (control != NULL) {
        (void)pthread_mutex_destroy(&control->lock);
        buf_fini(&control->lines);
        free(control->order.question);
        free(control->question);
        free(control);
    }
}

const struct http_handler *control_handler(void)
{
    static const struct http_handler handler = {
        .on_headers = on_headers, .on_request = on_request, .on_resume = on_resume, .on_refusal = on_refusal};
    return &handler;
}

bool control_take(struct control *control, struct control_order *ret_order)
{
    (void)pthread_mutex_lock(&control->lock);
    bool is_asked = control->stage == STAGE_ASKED && !control->is_closed;
    if (is_asked) {
        control->stage = STAGE_TAKEN;
        *ret_order = control->order;
        control->order.question = NULL;
    }
    (void)pthread_mutex_unlock(&control->lock);
    return is_asked;
}

void control_settle(struct control *control, enum control_outcome outcome, struct str lines)
{
    (void)pthread_mutex_lock(&control->lock);
    control->stage = STAGE_SETTLED;
    control->outcome = outcome;
    buf_fini(&control->lines);
    buf_append(&control->lines, lines);
    if (control->lines.failed) {
        buf_fini(&control->lines); /* answer with the outcome only */
    }
    (void)pthread_mutex_unlock(&control->lock);
}

void control_close(struct control *control)
{
    (void)pthread_mutex_lock(&control->lock);
    control->is_closed = true;
    (void)pthread_mutex_unlock(&control->lock);
}
