/* SPDX-License-Identifier: MIT */
/* presencectl: the table of commands, and the program that runs one of them. */
#include "ctl.h"
#include "screen.h"

#include "presenced/array.h"
#include "presenced/startup.h"

#include <locale.h>

#define B(id) ARGUMENT_BIT(id)

static const struct command commands[] = {
    {"get", "USER", "Shows a user and the user's devices", 0, 1, 1, ctl_get},
    {"history", "USER", "Shows the events of a user, the newest first", B(SINCE) | B(LIMIT), 1, 1,
     ctl_history},
    {"query", "USER ...", "Shows several users, a line each; - reads their ids from standard input", 0, 1,
     SIZE_MAX, ctl_query},
    {"list", "", "Shows all users, or those in a state or on a platform",
     B(STATE) | B(PLATFORM) | B(LIMIT) | B(ALL), 0, 0, ctl_list},
    {"watch", "", "Shows who comes and goes, as it happens", B(USER) | B(SNAPSHOT), 0, 0, ctl_watch},
    {"stats", "", "Shows counts, outcomes and warnings", 0, 0, 0, ctl_stats},
    {"refused", "", "Shows the last requests that were refused, and why", B(LIMIT), 0, 0, ctl_refused},
    {"ask", "USER ...", "Has Tencent asked about users now, and shows both views", B(CONTROL), 1, 100,
     ctl_ask},
    {"check", "", "Says whether all is well, and what needs a person", B(ASK) | B(CONTROL), 0, 0, ctl_check},
    {"trigger", "login | logout | disconnect | custom-status | kick",
     "Sends an event as Tencent would, and shows the answer",
     B(URL) | B(TOKEN) | B(USER) | B(PLATFORM) | B(REASON) | B(KICKED) | B(CUSTOM_STATUS) | B(COUNT) |
         B(RATE) | B(CAPTURE),
     0, 1, ctl_trigger},
    {"verify", "", "Says what presenced would answer to a captured request, check by check",
     B(URL) | B(BODY) | B(CAPTURE) | B(TOKEN), 0, 0, ctl_verify},
    {"reload", "", "Has presenced read its configuration again, and says what became of it", B(CONTROL), 0, 0,
     ctl_reload},
    {"drain", "", "Has presenced say at /readyz that it is going, and serve on", B(CONTROL), 0, 0, ctl_drain},
    {"log-level", "error | warning | notice | info | debug", "Sets what is logged, until the next reload",
     B(CONTROL), 1, 1, ctl_log_level},
};
#define N_COMMANDS (N_ELEMENTS(commands))

static int print_help(void)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text,
               STR("Usage: presencectl COMMAND [option ...]\n\nAsks and tells a running presenced.\n\n"));
    for (size_t i = 0; i < N_COMMANDS; i++) {
        buf_appendf(&text, "  %-10s %s\n", commands[i].name, commands[i].summary);
    }
    buf_append(&text,
               STR("\npresencectl COMMAND --help says more of each.\n"
                   "Exit status: 0 yes, found or done; 1 no, not found or refused; 2 wrong command line, or\n"
                   "nobody could be asked.\n"));
    return screen_put(&text, CTL_YES);
}

static int print_command_help(const struct command *command)
{
    cleanup(buf_fini) struct buf text = {0};
    arguments_describe(command, &text);
    return screen_put(&text, CTL_YES);
}

static int print_version(void)
{
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, STR("presencectl " PRESENCED_VERSION "\n"));
    return screen_put(&text, CTL_YES);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int run(const struct arguments *arguments)
{
    cleanup(buf_fini) struct buf error = {0};
    if (arguments->version) {
        return print_version();
    }
    if (arguments->n_words == 0) {
        return arguments->help ? print_help() : complain("a command is missing; see presencectl --help");
    }
    const struct command *command = find_command(arguments->words[0]);
    if (command == NULL) {
        return complain("%s: there is no such command; see presencectl --help", arguments->words[0]);
    }
    if (arguments->help) {
        return print_command_help(command);
    }
    if (arguments_check(arguments, command, &error) < 0) {
        return complain("%.*s; see presencectl %s --help", STR_FMT(buf_str(&error)), command->name);
    }
    return command->run(arguments);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    cleanup(buf_fini) struct buf error = {0};
    if (startup_open_standard_fds() < 0) {
        return CTL_WRONG; /* there is nowhere to print an error */
    }
    /* For wcwidth(). Input and output are UTF-8, whatever the environment says. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (arguments_parse(argc, argv, &arguments, &error) < 0) {
        return complain("%.*s; see presencectl --help", STR_FMT(buf_str(&error)));
    }
    return run(&arguments);
}
