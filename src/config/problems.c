/* SPDX-License-Identifier: MIT */
#include "problems.h"

#include "files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

static void append_prefix(struct problems *problems, unsigned line)
{
    if (line == 0) {
        files_append_visibly(problems->out, problems->path);
    } else {
        config_append_place(problems->out, problems->files, line);
    }
    buf_append(problems->out, STR(": "));
}

void problems_add(struct problems *problems, unsigned line, const char *format, ...)
{
    cleanup(cleanup_freep) char *text = NULL;
    va_list arguments;
    if (++problems->n > PROBLEMS_MAX + 1) {
        return;
    }
    append_prefix(problems, line);
    if (problems->n > PROBLEMS_MAX) {
        buf_append(problems->out, STR("there are more errors from here on\n"));
        return;
    }
    va_start(arguments, format);
    int len = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (len < 0) {
        text = NULL;
        problems->out->failed = true;
        return;
    }
    files_append_visibly(problems->out, text);
    buf_append_char(problems->out, '\n');
}

int problems_result(const struct problems *problems)
{
    if (problems->out->failed) {
        return -ENOMEM;
    }
    return problems->n == 0 ? 0 : -EINVAL;
}
