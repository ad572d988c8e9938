/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_H
#define PRESENCED_CTL_H

/* The commands of presencectl. The program has one thread. */

#include "arguments.h"

/* Exit statuses. */
enum ctl_status {
    CTL_YES = 0,   /* yes, found or done */
    CTL_NO = 1,    /* no, not found or refused */
    CTL_WRONG = 2, /* the command line is wrong, or presenced could not be asked */
};

/* Each command runs and returns an exit status. It is in the file of its name, unless stated otherwise. */
int ctl_get(const struct arguments *arguments);
int ctl_history(const struct arguments *arguments);
int ctl_query(const struct arguments *arguments);
int ctl_list(const struct arguments *arguments);
int ctl_watch(const struct arguments *arguments);
int ctl_stats(const struct arguments *arguments);
int ctl_refused(const struct arguments *arguments);
int ctl_check(const struct arguments *arguments);
int ctl_ask(const struct arguments *arguments); /* ask_tencent.c */
int ctl_trigger(const struct arguments *arguments);
int ctl_verify(const struct arguments *arguments);

/* orders.c */
int ctl_reload(const struct arguments *arguments);
int ctl_drain(const struct arguments *arguments);
int ctl_log_level(const struct arguments *arguments);

#endif
