/* SPDX-License-Identifier: MIT */
#ifndef PRESENCED_CTL_ARGUMENTS_H
#define PRESENCED_CTL_ARGUMENTS_H

/* The command line. All options are in one table; each command states which of them it takes. */

#include "presenced/str.h"

/* Identifier, field and its type, name of the option, name of its value (NULL: none), help text. */
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

/* Texts point into argv; NULL if not given. Numbers are 0 if not given. */
struct arguments {
#define ARGUMENT_AS_FIELD(id, field, type, name, value, meaning) ARGUMENT_TYPE_##type field;
    ARGUMENT_OPTIONS(ARGUMENT_AS_FIELD)
#undef ARGUMENT_AS_FIELD
    uint32_t given;     /* options that were given, as ARGUMENT_BIT() */
    char *const *words; /* arguments that are not options, beginning with the command */
    size_t n_words;
};

/* Parses `argv`, whose order it changes. Returns 0, or -EINVAL with a message without a newline in `error`.
 * Must not be called by two threads at once. */
int arguments_parse(int argc, char **argv, struct arguments *ret_arguments, struct buf *error);

struct command {
    const char *name;
    const char *words; /* the words after the name, as shown in the help */
    const char *summary;
    uint32_t options; /* options as ARGUMENT_BIT(), except those that all commands take */
    size_t n_words_min;
    size_t n_words_max;
    int (*run)(const struct arguments *arguments); /* returns an exit status (ctl.h) */
};

/* Checks that the command takes these options and this number of words after its name. Returns 0, or -EINVAL
 * with a message in `error`. */
int arguments_check(const struct arguments *arguments, const struct command *command, struct buf *error);

/* Appends the help for a command. */
void arguments_describe(const struct command *command, struct buf *out);

#endif
