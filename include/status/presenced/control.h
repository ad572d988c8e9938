/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONTROL_H
#define PRESENCED_CONTROL_H

/* The control socket's handler: orders to the running daemon, from root and from the user that it runs as.
 * An order is carried out by one thread of the daemon, the taker, one after the other; its answer waits for
 * what the taker says of it. The handler's calls come from the listener's single thread. */

#include "presenced/log.h"
#include "presenced/request.h"

/* What the listener's max_body_bytes should be. */
#define CONTROL_MAX_BODY_BYTES ((size_t)256 * 1024)

#define CONTROL_N_USERS_MAX 100 /* of one CONTROL_ASK */

enum control_kind {
    CONTROL_RELOAD,
    CONTROL_DRAIN,
    CONTROL_LOG_LEVEL,
    CONTROL_ASK, /* Tencent is asked about users, or with none whether it answers */
};

/* Of whom; for free(). */
struct control_question {
    uint64_t app_id; /* 0: the only one */
    size_t n_users;
    struct str users[CONTROL_N_USERS_MAX]; /* in the same piece of memory */
};

struct control_order {
    enum control_kind kind;
    enum log_level level;              /* of CONTROL_LOG_LEVEL */
    struct control_question *question; /* of CONTROL_ASK: the taker's */
};

struct control_config {
    uid_t uid;               /* who may give orders, beside root */
    void (*wake)(void *cls); /* the taker: there is an order; from the listener's thread */
    void *wake_cls;
};

struct control;

/* 0 or -ENOMEM. */
int control_new(const struct control_config *config, struct control **ret_control);
void control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free)

/* For struct http_config, with the control as its handler_cls. */
const struct http_handler *control_handler(void);

/* For the taker: whether there is an order. Each is for control_settle(). */
bool control_take(struct control *control, struct control_order *ret_order);

enum control_outcome {
    CONTROL_DONE,
    CONTROL_REFUSED, /* nothing has changed */
};

/* The order that was taken last is carried out, or refused: `lines`, each with its newline, say what is to be
 * warned of, or why; of CONTROL_ASK that is done they are the JSON that is answered. http_listener_wake()
 * after it. */
void control_settle(struct control *control, enum control_outcome outcome, struct str lines);

/* Nobody takes orders any more: all that wait are refused. http_listener_wake() after it. */
void control_close(struct control *control);

#endif
