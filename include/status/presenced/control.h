/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CONTROL_H
#define PRESENCED_CONTROL_H

/* The handler of the control socket: orders to the running daemon, accepted from root and from the daemon's
 * own user. One thread of the daemon executes the orders, one at a time (control_take(), control_settle()); a
 * request is answered when its order has been executed. The handler is called on the listener's only
 * thread. */

#include "presenced/log.h"
#include "presenced/request.h"

/* Value for the listener's max_body_bytes. */
#define CONTROL_MAX_BODY_BYTES ((size_t)256 * 1024)

#define CONTROL_N_USERS_MAX 100 /* in one CONTROL_ASK */

enum control_kind {
    CONTROL_RELOAD,
    CONTROL_DRAIN,
    CONTROL_LOG_LEVEL,
    CONTROL_ASK, /* ask Tencent about users; without users, check that Tencent answers */
};

/* The app and users to ask Tencent about. Released with free(). */
struct control_question {
    uint64_t app_id; /* 0: the only configured app */
    size_t n_users;
    struct str users[CONTROL_N_USERS_MAX]; /* the bytes are in the same allocation */
};

struct control_order {
    enum control_kind kind;
    enum log_level level;              /* for CONTROL_LOG_LEVEL */
    struct control_question *question; /* for CONTROL_ASK; owned by the caller of control_take() */
};

struct control_config {
    uid_t uid;               /* user who may give orders, in addition to root */
    void (*wake)(void *cls); /* called on the listener's thread when an order is ready for control_take() */
    void *wake_cls;
};

struct control;

/* Returns 0 or -ENOMEM. */
int control_new(const struct control_config *config, struct control **ret_control);
void control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free)

/* Returns the handler for struct http_config; its handler_cls is the struct control. */
const struct http_handler *control_handler(void);

/* Takes the next order. Returns false if there is none. Each order taken must be passed to
 * control_settle(). */
bool control_take(struct control *control, struct control_order *ret_order);

enum control_outcome {
    CONTROL_DONE,
    CONTROL_REFUSED, /* nothing was changed */
};

/* Reports the outcome of the order that was taken last. `lines` are copied and end in a newline each:
 * warnings for CONTROL_DONE, reasons for CONTROL_REFUSED. For a CONTROL_ASK that was done, they are the JSON
 * body of the answer. The caller must call http_listener_wake() afterwards. */
void control_settle(struct control *control, enum control_outcome outcome, struct str lines);

/* Ends the acceptance of orders: control_take() returns false, and waiting orders are refused. The caller
 * must call http_listener_wake() afterwards. */
void control_close(struct control *control);

#endif
