/* SPDX-License-Identifier: MIT */
#include "settling.h"

#include <errno.h>

void settling_fini(struct settling *settling)
{
    while (settling->oldest != NULL) {
        settling_remove_oldest(settling);
    }
}

int settling_add(struct settling *settling, const struct feed_event *event, uint64_t due_ms)
{
    struct settling_user *user = malloc(sizeof(*user) + event->user.len);
    if (user == NULL) {
        return -ENOMEM;
    }
    *user = (struct settling_user){
        .revision = event->revision,
        .due_ms = due_ms,
        .hash = event->hash,
        .app = event->app,
        .len = (uint16_t)event->user.len,
    };
    memcpy(user->id, event->user.ptr, event->user.len);
    if (settling->newest == NULL) {
        settling->oldest = user;
    } else {
        settling->newest->next = user;
    }
    settling->newest = user;
    settling->n++;
    return 0;
}

static bool is_of(const struct settling_user *user, const struct feed_event *event)
{
    return user->hash == event->hash && user->app == event->app &&
           str_equal((struct str){user->id, user->len}, event->user);
}

bool settling_has(const struct settling *settling, const struct feed_event *event)
{
    const struct settling_user *user = settling->oldest;
    while (user != NULL && !is_of(user, event)) {
        user = user->next;
    }
    return user != NULL;
}

void settling_remove(struct settling *settling, const struct feed_event *event)
{
    struct settling_user *previous = NULL;
    struct settling_user *user = settling->oldest;
    while (user != NULL && !is_of(user, event)) {
        previous = user;
        user = user->next;
    }
    if (user == NULL) {
        return;
    }
    if (previous == NULL) {
        settling->oldest = user->next;
    } else {
        previous->next = user->next;
    }
    if (settling->newest == user) {
        settling->newest = previous;
    }
    settling->n--;
    free(user);
}

void settling_remove_oldest(struct settling *settling)
{
    struct settling_user *user = settling->oldest;
    settling->oldest = user->next;
    if (settling->oldest == NULL) {
        settling->newest = NULL;
    }
    settling->n--;
    free(user);
}
