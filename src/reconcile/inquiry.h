/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_INQUIRY_H
#define PRESENCED_INQUIRY_H

/* What a person asks now, and what came of it: whoever asked makes and frees it, the asking thread fills it
 * in between. */

#include "user_batch.h"
#include "vendor_clock.h"
#include "presenced/table.h"

#include <stdatomic.h>

struct inquiry {
    uint16_t app;
    struct user_batch batch; /* empty: whether Tencent answers at all */
    bool is_begun;           /* by the asking thread */
    struct buf answer;       /* a JSON object, whole when `is_answered` */
    struct json_writer json;
    _Atomic bool is_answered;
    void (*on_answer)(void *cls);
    void *cls;
};

/* `users` at most ONLINE_QUERY_N_USERS_MAX. 0 or -ENOMEM. */
int inquiry_new(uint16_t app, uint64_t app_id, const struct str *users, size_t n_users,
                struct inquiry **ret_inquiry);
void inquiry_free(struct inquiry *inquiry);
DEFINE_CLEANUP(struct inquiry *, inquiry_free)

/* Both views of a user: `known` before the answer (NULL: absent) and what Tencent says, as it was read
 * (`said` NULL: it tells of no platform). */
void inquiry_add_user(struct inquiry *inquiry, struct table *table, const struct user_view *view,
                      const struct user *known, const struct online_query_result *result,
                      const struct table_answer *said, const struct platform_set *corrected);

/* That was all; `problem` "": nothing is amiss. The inquiry is the asking thread's no more. */
void inquiry_end(struct inquiry *inquiry, const char *problem, unsigned problem_code,
                 const struct vendor_clock *clock);

#endif
