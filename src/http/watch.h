/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_HTTP_WATCH_H
#define PRESENCED_HTTP_WATCH_H

/* What a worker's epoll watches; the first member of whatever is watched. */
enum watch_kind {
    WATCH_SOCKET,
    WATCH_WAKE,
    WATCH_MHD,
    WATCH_DEFERRED,   /* a connection that has sent nothing yet */
    WATCH_CONNECTION, /* libmicrohttpd has it */
    WATCH_LINGERING,  /* its last reply is sent, what still comes is thrown away */
};

struct watch {
    enum watch_kind kind;
    int fd;
};

#endif
