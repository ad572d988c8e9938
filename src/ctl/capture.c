/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "ctl.h"
#include "location.h"
#include "screen.h"

#include "presenced/read_file.h"

#include <errno.h>
#include <stdio.h>

#define FILE_MAX_BYTES ((size_t)4 << 20)

void capture_fini(struct capture *capture)
{
    buf_fini(&capture->head);
    buf_fini(&capture->body);
}

static int read_stdin(struct buf *out)
{
    for (;;) {
        char *to = buf_reserve(out, 65536);
        size_t n = to == NULL ? 0 : fread(to, 1, 65536, stdin);
        out->len += n;
        if (out->failed || out->len > FILE_MAX_BYTES) {
            return out->failed ? -ENOMEM : -EFBIG;
        }
        if (n == 0) {
            return ferror(stdin) != 0 ? -EIO : 0;
        }
    }
}

static int read_bytes(const char *path, struct buf *out)
{
    mode_t unused = 0;
    int r = strcmp(path, "-") == 0 ? read_stdin(out) : read_file(path, FILE_MAX_BYTES, out, &unused);
    return r == 0 ? 0 : complain("%s: %s", path, read_file_error(r));
}

static struct str without_cr(struct str line)
{
    if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
        line.len--;
    }
    return line;
}

/* Takes "POST /… HTTP/1.1", or a target or URL alone. */
static void take_request_line(struct str line, struct capture *capture)
{
    struct str word;
    struct str rest = line;
    capture->method = STR("POST");
    if (str_split(&rest, ' ', &word) && rest.ptr != NULL) {
        capture->method = word;
        (void)str_split(&rest, ' ', &word);
    }
    capture->target = location_target(word);
}

bool capture_parse(struct str file, struct capture *ret_capture)
{
    struct str line = {0};
    *ret_capture = (struct capture){0};
    buf_append(&ret_capture->head, file);
    struct str rest = buf_str(&ret_capture->head);
    if (ret_capture->head.failed || !str_split(&rest, '\n', &line) || without_cr(line).len == 0) {
        return false;
    }
    take_request_line(without_cr(line), ret_capture);
    while (str_split(&rest, '\n', &line) && without_cr(line).len > 0) {} /* skip the headers */
    buf_append(&ret_capture->body, rest.ptr == NULL ? STR("") : rest);
    return !ret_capture->body.failed;
}

int capture_read(const struct arguments *arguments, struct capture *ret_capture)
{
    *ret_capture = (struct capture){0};
    if (arguments->capture != NULL) {
        cleanup(buf_fini) struct buf bytes = {0};
        int r = read_bytes(arguments->capture, &bytes);
        if (r != 0) {
            return r;
        }
        return capture_parse(buf_str(&bytes), ret_capture)
                   ? 0
                   : complain("%s: its first line is no request, target or URL", arguments->capture);
    }
    if (arguments->url == NULL || arguments->body == NULL) {
        return complain("--file CAPTURE is missing, or --url URL and --body FILE");
    }
    ret_capture->method = STR("POST");
    ret_capture->target = location_target(str_from(arguments->url));
    return read_bytes(arguments->body, &ret_capture->body);
}
