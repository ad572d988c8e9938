/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ARGUMENTS_H
#define PRESENCED_CTL_ARGUMENTS_H

/* The command line. Every option stands once, in this table; a command says which of them it takes. */

#include "presenced/str.h"

/* Option, field and its type, name, what it takes (NULL: nothing), meaning. */
#define ARGUMENT_OPTIONS(X)                                                                            \
    X(STATUS, status, TEXT, "status", "URL", "where presenced is asked; unix:/path for a socket")      \
    X(TOKEN_FILE, token_file, TEXT, "token-file", "FILE", "holds the bearer token, or the app's")      \
    X(APP, app, NUMBER, "app", "ID", "the SdkAppid; may be left out where one app is configured")      \
    X(CONFIG, config, TEXT, "config", "FILE", "the daemon's configuration, for all that is not given") \
    X(CA_FILE, ca_file, TEXT, "ca-file", "FILE", "PEM: whom to believe a certificate")                 \
    X(INSECURE, insecure, FLAG, "insecure", NULL, "believe any certificate")                           \
    X(JSON, json, FLAG, "json", NULL, "JSON for programs")                                             \
    X(CONTROL, control, TEXT, "control", "PATH", "the control socket")                                 \
    X(SINCE, since, TEXT, "since", "TIME", "30m, 2h, 1d ago, or Unix time in ms")                      \
    X(LIMIT, limit, NUMBER, "limit", "N", "at most so many")                                           \
    X(ALL, all, FLAG, "all", NULL, "all of them")                                                      \
    X(STATE, state, TEXT, "state", "STATE", "online, push_online or offline")                          \
    X(PLATFORM, platform, TEXT, "platform", "NAME", "such as Web or iOS")                              \
    X(USER, user, TEXT, "user", "ID", "the user")                                                      \
    X(SNAPSHOT, snapshot, FLAG, "snapshot", NULL, "show first how things stand")                       \
    X(URL, url, TEXT, "url", "URL", "the callback's; of verify with the whole query")                  \
    X(BODY, body, TEXT, "body", "FILE", "the request's body; - for standard input")                    \
    X(CAPTURE, capture, TEXT, "file", "CAPTURE",                                                       \
      "a request: its head or its target, an empty line, its body")                                    \
    X(TOKEN, token, TEXT, "token", "TOKEN", "the app's token itself; other users can see it")          \
    X(REASON, reason, TEXT, "reason", "NAME", "instead of the usual one")                              \
    X(KICKED, kicked, TEXT, "kicked", "NAME,...", "platforms that a login ends")                       \
    X(CUSTOM_STATUS, custom_status, TEXT, "custom-status", "TEXT", "the text of the user's status")    \
    X(COUNT, count, NUMBER, "count", "N",                                                              \
      "so many events; with more than one the users are ID-1, ID-2, ...")                              \
    X(RATE, rate, NUMBER, "rate", "N", "so many events a second")                                      \
    X(ASK, ask, FLAG, "ask", NULL, "have Tencent asked too, for each app that has a key")              \
    X(HELP, help, FLAG, "help", NULL, "print this and end")                                            \
    X(VERSION, version, FLAG, "version", NULL, "print the version and end")

#define ARGUMENT_TYPE_TEXT const char *
#define ARGUMENT_TYPE_NUMBER uint64_t
#define ARGUMENT_TYPE_FLAG bool

enum argument {
#define ARGUMENT_AS_ENUM(id, field, type, name, value, meaning) ARGUMENT_##id,
    ARGUMENT_OPTIONS(ARGUMENT_AS_ENUM)
#undef ARGUMENT_AS_ENUM
        ARGUMENT_N,
};

#define ARGUMENT_BIT(id) (UINT32_C(1) << ARGUMENT_##id)

/* Texts are those of argv; NULL where they are not given, numbers 0. */
struct arguments {
#define ARGUMENT_AS_FIELD(id, field, type, name, value, meaning) ARGUMENT_TYPE_##type field;
    ARGUMENT_OPTIONS(ARGUMENT_AS_FIELD)
#undef ARGUMENT_AS_FIELD
    uint32_t given;     /* a bit each option */
    char *const *words; /* what is no option */
    size_t n_words;
};

/* Takes the options out of `argv`, which it puts in another order. 0, or -EINVAL and in `error` why, without
 * a newline. Not from two threads. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments, struct buf *error);

struct command {
    const char *name;
    const char *words; /* what follows the name, for the help */
    const char *summary;
    uint32_t options; /* bits; those for all commands need not be named */
    size_t n_words_min;
    size_t n_words_max;
    int (*run)(const struct arguments *arguments); /* returns an exit status (ctl.h) */
};

/* Whether they are what the command takes, its name not counted. 0, or -EINVAL and in `error` why. */
int arguments_check(const struct arguments *arguments, const struct command *command, struct buf *error);

/* The help for one command. */
void arguments_describe(const struct command *command, struct buf *out);

#endif
