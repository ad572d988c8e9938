/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>

#define ARGUMENT_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

#define FOR_ALL                                                                                   \
    (ARGUMENT_BIT(STATUS) | ARGUMENT_BIT(TOKEN_FILE) | ARGUMENT_BIT(APP) | ARGUMENT_BIT(CONFIG) | \
     ARGUMENT_BIT(CA_FILE) | ARGUMENT_BIT(INSECURE) | ARGUMENT_BIT(JSON) | ARGUMENT_BIT(HELP) |   \
     ARGUMENT_BIT(VERSION))

enum type { TYPE_TEXT, TYPE_NUMBER, TYPE_FLAG };

static const struct row {
    const char *name;
    const char *value;
    const char *meaning;
    enum type type;
    size_t offset;
} rows[] = {
#define AS_ROW(id, field, type, name, value, meaning) \
    {(name), (value), (meaning), TYPE_##type, offsetof(struct arguments, field)},
    ARGUMENT_OPTIONS(AS_ROW)
#undef AS_ROW
};

static int refuse(struct buf *error, const char *what, const char *why)
{
    buf_appendf(error, "%s: %s", what, why);
    return -EINVAL;
}

static int set(struct arguments *arguments, const struct row *row, const char *value, struct buf *error)
{
    void *field = (char *)arguments + row->offset;
    switch (row->type) {
    case TYPE_TEXT:
        *(const char **)field = value;
        break;
    case TYPE_FLAG:
        *(bool *)field = true;
        break;
    case TYPE_NUMBER:
        if (!str_parse_u64(str_from(value), ARGUMENT_NUMBER_MAX, field) || *(uint64_t *)field == 0) {
            buf_appendf(error, "--%s %s: a number from 1 to %" PRIu64 " is needed", row->name, value,
                        ARGUMENT_NUMBER_MAX);
            return -EINVAL;
        }
        break;
    }
    arguments->given |= UINT32_C(1) << (row - rows);
    return 0;
}

int arguments_parse(int argc, char **argv, struct arguments *ret_arguments, struct buf *error)
{
    struct arguments arguments = {0};
    struct option options[ARGUMENT_N + 1] = {{0}};
    for (size_t i = 0; i < ARGUMENT_N; i++) {
        options[i].name = rows[i].name;
        options[i].has_arg = rows[i].value == NULL ? no_argument : required_argument;
    }
    optind = 0; /* makes glibc start anew, even if it has parsed before */
    opterr = 0;
    int c;
    int which = 0;
    while ((c = getopt_long(argc, argv, ":", options, &which)) != -1) {
        if (c == ':') {
            return refuse(error, argv[optind - 1], "something must follow it");
        }
        if (c != 0) {
            return refuse(error, argv[optind - 1], "there is no such option, or it takes nothing");
        }
        int r = set(&arguments, &rows[which], optarg, error);
        if (r < 0) {
            return r;
        }
    }
    arguments.words = &argv[optind];
    arguments.n_words = (size_t)(argc - optind);
    *ret_arguments = arguments;
    return 0;
}

int arguments_check(const struct arguments *arguments, const struct command *command, struct buf *error)
{
    size_t n_words = arguments->n_words - 1;
    for (size_t i = 0; i < ARGUMENT_N; i++) {
        if (((arguments->given & ~(command->options | FOR_ALL)) >> i & 1) != 0) {
            buf_appendf(error, "--%s: %s does not take it", rows[i].name, command->name);
            return -EINVAL;
        }
    }
    if (n_words < command->n_words_min) {
        buf_appendf(error, "%s: %s is missing", command->name, command->words);
        return -EINVAL;
    }
    if (n_words > command->n_words_max) {
        buf_appendf(error, "%s: unexpected after %s", arguments->words[command->n_words_max + 1],
                    command->name);
        return -EINVAL;
    }
    return 0;
}

static void describe_options(uint32_t options, struct buf *out)
{
    for (size_t i = 0; i < ARGUMENT_N; i++) {
        cleanup(buf_fini) struct buf pair = {0};
        if ((options >> i & 1) != 0) {
            buf_appendf(&pair, "--%s%s%s", rows[i].name, rows[i].value == NULL ? "" : " ",
                        rows[i].value == NULL ? "" : rows[i].value);
            buf_appendf(out, "  %-22.*s %s\n", STR_FMT(buf_str(&pair)), rows[i].meaning);
        }
    }
}

void arguments_describe(const struct command *command, struct buf *out)
{
    buf_appendf(out, "Usage: presencectl %s%s%s [option ...]\n\n%s.\n\n", command->name,
                command->words[0] == '\0' ? "" : " ", command->words, command->summary);
    describe_options(command->options, out);
    describe_options(FOR_ALL & ~command->options, out);
}
