/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_SUBSCRIBER_H
#define PRESENCED_STATUS_SUBSCRIBER_H

/* One stream of GET /v1/events: where it stands in the feed, and what it is to say next. On the thread of its
 * connection. */

#include "feed.h"
#include "presenced/reply.h"

#define SUBSCRIBER_HEARTBEAT_MS 15000

struct subscriber_config {
    struct feed *feed;
    uint64_t (*unix_ms)(void);
    uint64_t (*monotonic_ms)(void);
    int token_app;   /* of feed_join() */
    int app;         /* -1: any */
    struct str user; /* ptr NULL: any; copied */
    bool has_snapshot;
    uint64_t settle_ms;  /* 0: each change is told at once */
    struct str after_id; /* of the last event seen; ptr NULL: none */
};

struct subscriber;

/* Joins the feed: 0, as feed_join(), or -ENOMEM. */
int subscriber_new(const struct subscriber_config *config, struct subscriber **ret_subscriber);

/* With a subscriber as the stream's cls. */
const struct http_stream *subscriber_stream(void);

#endif
