/* SPDX-License-Identifier: MIT */
#include "sender.h"

#include "presenced/clock.h"
#include "presenced/record.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BATCH_US 4000
#define PAUSE_MS 1000
#define N_BYTES_MAX ((size_t)256 << 10) /* of changes, per read */
#define READS_PER_STEP 64 /* so that sending keeps up with changes caused by rows of the engine */

int sender_init(struct sender *sender, struct table *table)
{
    sender->changes = table_changes(table);
    sender->revision = changes_last_revision(sender->changes);
    sender->changes_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (sender->changes_fd < 0) {
        return -errno;
    }
    int r = outbox_new(table, &sender->outbox);
    return r < 0 ? r : changes_follow(sender->changes, sender->changes_fd);
}

void sender_fini(struct sender *sender)
{
    if (sender->changes_fd >= 0) {
        changes_unfollow(sender->changes, sender->changes_fd);
    }
    outbox_free(sender->outbox);
    buf_fini(&sender->storage);
    cleanup_closep(&sender->changes_fd);
}

void sender_begin(struct sender *sender, struct primary *primary, const char *run,
                  const char (*identities)[OUTBOX_IDENTITY_SIZE])
{
    outbox_begin(sender->outbox, primary, run, identities);
    sender->paused_until_ms = 0;
}

void sender_pause(struct sender *sender)
{
    sender->paused_until_ms = clock_monotonic_ms() + PAUSE_MS;
}

bool sender_is_paused(const struct sender *sender)
{
    return clock_monotonic_ms() < sender->paused_until_ms;
}

/* Changes are sent in batches: a round trip for a few changes would cost more than the changes, namely a
 * call of a script per bucket, and waking the readers of all nodes. */
uint64_t sender_wait_us(const struct sender *sender)
{
    uint64_t elapsed_us = clock_monotonic_us() - sender->sent_us;
    return elapsed_us < BATCH_US ? BATCH_US - elapsed_us : UINT64_MAX;
}

bool sender_is_batching(const struct sender *sender)
{
    return sender_wait_us(sender) != UINT64_MAX;
}

int sender_flush(struct sender *sender, struct gather *gather, struct failure *ret_failure)
{
    size_t n_rows = outbox_n_rows(sender->outbox);
    if (n_rows == 0) {
        return 0;
    }
    int r = outbox_flush(sender->outbox, gather, ret_failure);
    sender->sent_us = clock_monotonic_us();
    sender->n_rows_sent += r == 0 ? n_rows : 0;
    return r;
}

static int add_forgotten(struct sender *sender, const struct user *user)
{
    int r = outbox_add_gone(sender->outbox, user);
    return r < 0 ? r : outbox_add_stamp(sender->outbox, user->app);
}

/* Adds a change that other nodes need. The engine has those that came from it, and each node applies those
 * of time itself, except for forgotten users. */
static int add_change(struct sender *sender, const struct change *change)
{
    struct user user;
    if (change->origin == CHANGE_BY_REPLICA ||
        (change->origin == CHANGE_BY_CLOCK && change->kind == CHANGE_UPDATED)) {
        return 0;
    }
    record_decode((const uint8_t *)change->record.ptr, &user);
    if (change->kind == CHANGE_FORGOTTEN) {
        return add_forgotten(sender, &user);
    }
    /* The rows changed by an event are those received when it was applied. */
    return outbox_add_user(sender->outbox, &user, change->origin == CHANGE_BY_CALLBACK ? change->unix_ms : 0);
}

/* Sends the next changes, as many as one read returns. `*ret_more` is whether there may be more. Returns 0,
 * SENDER_LOST or -errno. */
static int send_next(struct sender *sender, struct gather *gather, bool *ret_more,
                     struct failure *ret_failure)
{
    size_t n = 0;
    int r = changes_read(sender->changes, sender->revision, SENDER_N_CHANGES_MAX, N_BYTES_MAX,
                         &sender->storage, sender->read, &n);
    if (r == CHANGES_LOST) {
        return SENDER_LOST;
    }
    for (size_t i = 0; i < n && r == 0; i++) {
        r = add_change(sender, &sender->read[i]);
    }
    if (r < 0) {
        return failure_of_call(r, ret_failure);
    }
    r = sender_flush(sender, gather, ret_failure);
    if (r < 0) {
        return r;
    }
    sender->revision = n == 0 ? sender->revision : sender->read[n - 1].revision;
    *ret_more = n == SENDER_N_CHANGES_MAX;
    return 0;
}

int sender_send(struct sender *sender, struct gather *gather, bool *ret_more, struct failure *ret_failure)
{
    uint64_t unused;
    unsigned n_left = READS_PER_STEP;
    int r = 0;
    *ret_more = false;
    if (sender_is_batching(sender)) {
        return 0;
    }
    /* Cleared before reading the changes, so that later ones make it readable again. */
    (void)!read(sender->changes_fd, &unused, sizeof(unused));
    do {
        r = send_next(sender, gather, ret_more, ret_failure);
    } while (r == 0 && *ret_more && --n_left > 0);
    return r;
}

void sender_skip(struct sender *sender, uint64_t revision)
{
    sender->revision = revision;
}

bool sender_is_done(const struct sender *sender)
{
    return sender->revision == changes_last_revision(sender->changes);
}
