/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_INQUIRY_H
#define PRESENCED_INQUIRY_H

/* An inquiry of a person and its answer. The thread that asks creates and frees it; the reconcile thread
 * fills it in between. */

#include "user_batch.h"
#include "vendor_clock.h"
#include "presenced/table.h"

#include <stdatomic.h>

struct inquiry {
    uint16_t app;
    struct user_batch batch; /* empty: only checks whether Tencent answers */
    bool is_begun;           /* set by the reconcile thread */
    struct buf answer;       /* a JSON object, complete if `is_answered` */
    struct json_writer json;
    _Atomic bool is_answered;
    void (*on_answer)(void *cls);
    void *cls;
};

/* Creates an inquiry; `n_users` is at most ONLINE_QUERY_N_USERS_MAX. Returns 0 or -ENOMEM. */
int inquiry_new(uint16_t app, uint64_t app_id, const struct str *users, size_t n_users,
                struct inquiry **ret_inquiry);
void inquiry_free(struct inquiry *inquiry);
DEFINE_CLEANUP(struct inquiry *, inquiry_free)

/* Adds both views of a user: `known`, the table's before the answer (NULL: absent), and Tencent's, as
 * received and as read (`said` NULL: the answer does not cover any platform). */
void inquiry_add_user(struct inquiry *inquiry, struct table *table, const struct user_view *view,
                      const struct user *known, const struct online_query_result *result,
                      const struct table_answer *said, const struct platform_set *corrected);

/* Completes the answer and calls on_answer(); `problem` is "" if there is none. The inquiry must not be used
 * afterwards. */
void inquiry_end(struct inquiry *inquiry, const char *problem, unsigned problem_code,
                 const struct vendor_clock *clock);

#endif
