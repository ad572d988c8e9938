/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include "ctl.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>

static size_t terminal_width(void)
{
    struct winsize size;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

struct screen screen_detect(void)
{
    const char *terminal = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    struct screen screen = {.is_terminal = isatty(STDOUT_FILENO) == 1};
    if (screen.is_terminal) {
        screen.width = terminal_width();
        screen.tints = (no_color == NULL || no_color[0] == '\0') && terminal != NULL &&
                       strcmp(terminal, "dumb") != 0;
    }
    return screen;
}

int complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("presencectl: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    return CTL_WRONG;
}

int screen_put(const struct buf *text, int status)
{
    if (text->failed) {
        return complain("no memory");
    }
    if (text->len > 0 && (fwrite(text->ptr, 1, text->len, stdout) != text->len || fflush(stdout) != 0)) {
        return complain("standard output: %m");
    }
    return status;
}
