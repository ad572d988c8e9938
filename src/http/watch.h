/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_WATCH_H
#define PRESENCED_HTTP_WATCH_H

/* What a worker's epoll watches: the first member of each struct that epoll events point to. */
enum watch_kind {
    WATCH_SOCKET,
    WATCH_WAKE,
    WATCH_DEFERRED,   /* a connection that has sent nothing yet (deferred.c) */
    WATCH_CONNECTION, /* a connection that was added to libmicrohttpd (added.c) */
    WATCH_LINGERING,  /* a connection whose last reply is sent and whose input is discarded (lingering.c) */
};

struct watch {
    enum watch_kind kind;
    int fd;
};

#endif
