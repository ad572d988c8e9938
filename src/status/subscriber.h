/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_STATUS_SUBSCRIBER_H
#define PRESENCED_STATUS_SUBSCRIBER_H

/* One stream of GET /v1/events: its position in the feed, and what it sends next. Used on the thread of its
 * connection only. */

#include "feed.h"
#include "presenced/reply.h"

#define SUBSCRIBER_HEARTBEAT_MS 15000

struct subscriber_config {
    struct feed *feed;
    uint64_t (*unix_ms)(void);
    uint64_t (*monotonic_ms)(void);
    int token_app;   /* see feed_join() */
    int app;         /* -1: any */
    struct str user; /* ptr NULL: any; copied */
    bool has_snapshot;
    uint64_t settle_ms;  /* how long to hold back users who go offline; 0: not at all */
    struct str after_id; /* id of the last event that the client has seen; ptr NULL: none */
};

struct subscriber;

/* Creates a subscriber and joins the feed. Returns 0, an outcome of feed_join(), or -ENOMEM. */
int subscriber_new(const struct subscriber_config *config, struct subscriber **ret_subscriber);

/* Returns the functions for http_reply_stream(), whose cls is a subscriber. */
const struct http_stream *subscriber_stream(void);

#endif
