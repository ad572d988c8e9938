/* SPDX-License-Identifier: MIT */
#include "sse.h"

#include <errno.h>

void sse_fini(struct sse *sse)
{
    buf_fini(&sse->line);
    buf_fini(&sse->name);
    buf_fini(&sse->data);
    buf_fini(&sse->id);
    buf_fini(&sse->next_id);
}

void sse_restart(struct sse *sse)
{
    buf_clear(&sse->line);
    buf_clear(&sse->name);
    buf_clear(&sse->data);
    buf_clear(&sse->next_id);
    buf_append(&sse->next_id, buf_str(&sse->id));
    sse->has_data = false;
    sse->ended_in_cr = false;
    sse->has_begun = false;
}

static void set(struct buf *buf, struct str text)
{
    buf_clear(buf);
    buf_append(buf, text);
}

static void take_field(struct sse *sse, struct str line)
{
    struct str name;
    (void)str_split(&line, ':', &name);
    struct str value = line.ptr == NULL ? STR("") : line;
    if (value.len > 0 && value.ptr[0] == ' ') {
        value.ptr++;
        value.len--;
    }
    if (str_equal(name, STR("data"))) {
        buf_append(&sse->data, sse->has_data ? STR("\n") : STR(""));
        buf_append(&sse->data, value);
        sse->has_data = true;
    } else if (str_equal(name, STR("event"))) {
        set(&sse->name, value);
    } else if (str_equal(name, STR("id")) && (value.len == 0 || memchr(value.ptr, '\0', value.len) == NULL)) {
        set(&sse->next_id, value);
    } else if (str_equal(name, STR("retry"))) {
        (void)str_parse_u64(value, 3600000, &sse->retry_ms);
    }
}

/* An event without data still sets the id, as the standard says. */
static void end_event(struct sse *sse, void (*take)(void *cls, const struct sse_event *event), void *cls)
{
    set(&sse->id, buf_str(&sse->next_id));
    if (sse->has_data) {
        take(cls, &(struct sse_event){
                      .name = sse->name.len == 0 ? STR("message") : buf_str(&sse->name),
                      .data = buf_str(&sse->data),
                  });
    }
    buf_clear(&sse->name);
    buf_clear(&sse->data);
    sse->has_data = false;
}

static void end_line(struct sse *sse, void (*take)(void *cls, const struct sse_event *event), void *cls)
{
    static const struct str byte_order_mark = {"\xef\xbb\xbf", 3};
    struct str line = buf_str(&sse->line);
    if (!sse->has_begun && str_starts_with(line, byte_order_mark)) {
        line.ptr += byte_order_mark.len;
        line.len -= byte_order_mark.len;
    }
    sse->has_begun = true;
    if (line.len == 0) {
        end_event(sse, take, cls);
    } else {
        take_field(sse, line); /* a comment begins with ':', so its name is empty and it is ignored */
    }
    buf_clear(&sse->line);
}

int sse_feed(struct sse *sse, struct str piece, void (*take)(void *cls, const struct sse_event *event),
             void *cls)
{
    for (size_t i = 0; i < piece.len; i++) {
        char c = piece.ptr[i];
        bool follows_cr = sse->ended_in_cr;
        sse->ended_in_cr = c == '\r';
        if (c == '\n' && follows_cr) {
            continue;
        }
        if (c == '\n' || c == '\r') {
            end_line(sse, take, cls);
        } else {
            buf_append_char(&sse->line, c);
        }
        if (sse->line.len + sse->data.len > SSE_EVENT_MAX_BYTES) {
            return -EMSGSIZE;
        }
    }
    bool failed = sse->line.failed || sse->data.failed || sse->name.failed || sse->next_id.failed ||
                  sse->id.failed;
    return failed ? -ENOMEM : 0;
}
