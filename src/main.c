/* SPDX-License-Identifier: MIT */
#include "presenced/daemon.h"
#include "presenced/setup.h"
#include "presenced/startup.h"
#include "presenced/transfer.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>

struct arguments {
    const char *config_path;
    const char *transfer_path; /* argument of --export or --import */
    bool verbose;
};

enum exit_status {
    EXIT_STATUS_IN_ORDER = 0,
    EXIT_STATUS_FAILED = 1, /* could not start or run */
    EXIT_STATUS_USAGE = 2,  /* wrong command line or configuration */
};

enum action {
    ACTION_RUN,
    ACTION_CHECK_CONFIG,
    ACTION_EXPORT,
    ACTION_IMPORT,
    ACTION_VERSION,
    ACTION_HELP,
    ACTION_NONE, /* the command line is wrong; the error was printed */
};

static enum exit_status print(const char *text)
{
    return fputs(text, stdout) >= 0 && fflush(stdout) == 0 ? EXIT_STATUS_IN_ORDER : EXIT_STATUS_FAILED;
}

static enum exit_status print_help(void)
{
    static const char usage[] =
        "Usage: presenced [--config FILE] [--check-config [-v] | --export FILE | --import FILE]\n"
        "\n"
        "Receives the status callbacks of Tencent Cloud Chat and tells who is online.\n"
        "\n"
        "  --config FILE   the configuration, instead of " PRESENCED_CONFIG_PATH "\n"
        "  --check-config  check it, conf.d/*.conf beside it and the files that they name, and end\n"
        "  --verbose, -v   with --check-config: print every value with the line it comes from\n"
        "  --export FILE   write what the store holds as lines of JSON (-: to stdout), and end; beside\n"
        "                  a running presenced too\n"
        "  --import FILE   merge such lines (-: from stdin) into the store, and end; while no\n"
        "                  presenced runs on it\n"
        "  --version       print the version and end\n"
        "  --help          print this and end\n"
        "\n"
        "Exit status: 0 stopped in order, 1 could not start or run, 2 wrong command line or\n"
        "configuration. SIGTERM stops it, SIGHUP makes it read its configuration again.\n"
        "\n"
        "Options of the configuration with their defaults:\n";
    cleanup(buf_fini) struct buf text = {0};
    buf_append(&text, str_from(usage));
    option_append_reference(&text);
    buf_append_char(&text, '\0');
    return text.failed ? EXIT_STATUS_FAILED : print(text.ptr);
}

static enum action refuse(const char *what, const char *why)
{
    (void)fprintf(stderr, "presenced: %s%s; see presenced --help\n", what, why);
    return ACTION_NONE;
}

/* getopt_long() itself reports unknown options and missing arguments. */
static enum action parse_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"check-config", no_argument, NULL, 'k'},
        {"verbose", no_argument, NULL, 'v'},      {"export", required_argument, NULL, 'e'},
        {"import", required_argument, NULL, 'i'}, {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    enum action action = ACTION_RUN;
    int c;
    while ((c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
        enum action wanted = action;
        switch (c) {
        case 'c':
            ret_arguments->config_path = optarg;
            break;
        case 'k':
            wanted = ACTION_CHECK_CONFIG;
            break;
        case 'e':
            wanted = ACTION_EXPORT;
            ret_arguments->transfer_path = optarg;
            break;
        case 'i':
            wanted = ACTION_IMPORT;
            ret_arguments->transfer_path = optarg;
            break;
        case 'v':
            ret_arguments->verbose = true;
            break;
        case 'V':
            return ACTION_VERSION;
        case 'h':
            return ACTION_HELP;
        default:
            return ACTION_NONE;
        }
        if (action != ACTION_RUN && wanted != action) {
            return refuse("--check-config, --export and --import", ": one of them at a time");
        }
        action = wanted;
    }
    if (ret_arguments->verbose && action != ACTION_CHECK_CONFIG) {
        return refuse("--verbose", ": it belongs to --check-config");
    }
    return optind < argc ? refuse(argv[optind], ": unexpected") : action;
}

static void print_lines(const struct buf *lines)
{
    if (lines->len > 0) {
        (void)fwrite(lines->ptr, 1, lines->len, stderr);
    }
}

static enum exit_status print_checked(const struct config *config, const struct arguments *arguments)
{
    cleanup(buf_fini) struct buf text = {0};
    if (arguments->verbose) {
        config_append_settings(&text, config);
    }
    buf_appendf(&text, "%s: ok\n", arguments->config_path);
    buf_append_char(&text, '\0');
    return text.failed ? EXIT_STATUS_FAILED : print(text.ptr);
}

static enum exit_status act(const struct config *config, enum action action,
                            const struct arguments *arguments)
{
    const struct config_store *store = &config->store;
    if (action == ACTION_RUN) {
        return (enum exit_status)daemon_run(config, arguments->config_path);
    }
    if (action == ACTION_CHECK_CONFIG) {
        return print_checked(config, arguments);
    }
    if (store->path[0] == '\0') {
        (void)refuse(arguments->config_path, ": [store] path is not set, so there is no store");
        return EXIT_STATUS_USAGE;
    }
    return (enum exit_status)(action == ACTION_EXPORT ? transfer_export(store, arguments->transfer_path)
                                                      : transfer_import(store, arguments->transfer_path));
}

/* A transfer reads only [store], so that it does not fail because of, for example, a missing certificate. */
static int load(const char *path, enum action action, struct config *ret_config, struct buf *errors,
                struct buf *warnings)
{
    if (action == ACTION_EXPORT || action == ACTION_IMPORT) {
        return config_load_store(path, ret_config, errors, warnings);
    }
    return setup_load(path, action == ACTION_CHECK_CONFIG ? SETUP_CHECK : SETUP_START, ret_config, errors,
                      warnings);
}

static enum exit_status run(const struct arguments *arguments, enum action action)
{
    cleanup(config_fini) struct config config = {0};
    cleanup(buf_fini) struct buf errors = {0};
    cleanup(buf_fini) struct buf warnings = {0};
    if (action == ACTION_RUN) {
        daemon_hold_signals(); /* first, because a signal may arrive while the configuration is read */
    }
    int r = load(arguments->config_path, action, &config, &errors, &warnings);
    print_lines(&warnings);
    print_lines(&errors);
    if (r == -ENOMEM) {
        (void)fprintf(stderr, "presenced: no memory\n");
        return EXIT_STATUS_FAILED;
    }
    return r < 0 ? EXIT_STATUS_USAGE : act(&config, action, arguments);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.config_path = PRESENCED_CONFIG_PATH};
    if (startup_open_standard_fds() < 0) {
        return EXIT_STATUS_FAILED; /* without standard error there is nowhere to report it */
    }
    startup_ignore_signals();
    enum action action = parse_arguments(argc, argv, &arguments);
    switch (action) {
    case ACTION_VERSION:
        return (int)print("presenced " PRESENCED_VERSION "\n");
    case ACTION_HELP:
        return (int)print_help();
    case ACTION_NONE:
        return EXIT_STATUS_USAGE;
    default:
        return (int)run(&arguments, action);
    }
}
