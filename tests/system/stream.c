/* SPDX-License-Identifier: MIT */
#include "stream.h"

struct stream {
    struct wire *wire;
    struct buf raw; /* as it came, from `at` on not looked at */
    size_t at;
    struct buf text; /* out of the chunks, from `begin` on not told */
    size_t begin;
    bool has_ended;
    char last_id[64];
    struct buf fields; /* of the event that was told last: id, name, data, each with NUL */
};

struct stream *stream_open(struct wire *wire, const char *target, const char *last_event_id)
{
    return stream_open_with(wire, target, last_event_id, NULL);
}

struct stream *stream_open_with(struct wire *wire, const char *target, const char *last_event_id,
                                const char *token)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    struct buf request = {0};
    ck_assert_ptr_nonnull(stream);
    stream->wire = wire;
    buf_appendf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\n", target);
    if (last_event_id != NULL) {
        buf_appendf(&request, "Last-Event-ID: %s\r\n", last_event_id);
    }
    if (token != NULL) {
        buf_appendf(&request, "Authorization: Bearer %s\r\n", token);
    }
    buf_append(&request, STR("\r\n"));
    ck_assert(wire_send(wire, buf_str(&request)));
    buf_fini(&request);
    wire_await(wire, "\r\n\r\n", &stream->raw);
    const char *head = buf_text(&stream->raw);
    ck_assert_msg(strncmp(head, "HTTP/1.1 200 ", 13) == 0, "%s", head);
    ck_assert_msg(strstr(head, "\r\nContent-Type: text/event-stream\r\n") != NULL, "%s", head);
    ck_assert_msg(strstr(head, "\r\nTransfer-Encoding: chunked\r\n") != NULL, "%s", head);
    stream->at = (size_t)(strstr(head, "\r\n\r\n") + 4 - head);
    return stream;
}

void stream_free(struct stream *stream)
{
    if (stream != NULL) {
        wire_free(stream->wire);
        buf_fini(&stream->raw);
        buf_fini(&stream->text);
        buf_fini(&stream->fields);
        free(stream);
    }
}

/* Takes one chunk out of `raw`, where it is whole. */
static bool take_chunk(struct stream *stream)
{
    const char *from = buf_text(&stream->raw) + stream->at;
    const char *line_end = strstr(from, "\r\n");
    char *digits_end = NULL;
    if (line_end == NULL) {
        return false;
    }
    size_t size = strtoul(from, &digits_end, 16);
    ck_assert_msg(digits_end == line_end && digits_end > from, "not a chunk: %.100s", from);
    size_t head = (size_t)(line_end + 2 - from);
    if (stream->raw.len - stream->at < head + size + 2) {
        return false;
    }
    ck_assert_int_eq(strncmp(from + head + size, "\r\n", 2), 0);
    buf_append(&stream->text, (struct str){from + head, size});
    stream->at += head + size + 2;
    stream->has_ended |= size == 0;
    if (stream->at == stream->raw.len) {
        buf_clear(&stream->raw);
        stream->at = 0;
    }
    return true;
}

static struct str field(struct str block, const char *name)
{
    struct str line;
    struct str value = {"", 0};
    while (str_split(&block, '\n', &line)) {
        size_t len = strlen(name);
        if (str_starts_with(line, str_from(name))) {
            value = (struct str){line.ptr + len, line.len - len};
        }
    }
    return value;
}

static size_t add_field(struct stream *stream, struct str value)
{
    size_t at = stream->fields.len;
    buf_append(&stream->fields, value);
    buf_append_char(&stream->fields, '\0');
    return at;
}

/* Takes the next block of lines off `text`, if it is whole. Without data it is no event. */
static bool take_event(struct stream *stream, struct message *ret_message)
{
    for (;;) {
        const char *from = buf_text(&stream->text) + stream->begin;
        const char *end = strstr(from, "\n\n");
        if (end == NULL) {
            return false;
        }
        struct str block = {from, (size_t)(end - from)};
        stream->begin += block.len + 2;
        struct str id = field(block, "id: ");
        if (id.len > 0) {
            (void)snprintf(stream->last_id, sizeof(stream->last_id), "%.*s", STR_FMT(id));
        }
        buf_clear(&stream->fields);
        size_t id_at = add_field(stream, id);
        size_t event_at = add_field(stream, field(block, "event: "));
        size_t data_at = add_field(stream, field(block, "data: "));
        *ret_message = (struct message){stream->fields.ptr + id_at, stream->fields.ptr + event_at,
                                        stream->fields.ptr + data_at};
        if (stream->begin == stream->text.len) {
            buf_clear(&stream->text);
            stream->begin = 0;
        }
        if (*ret_message->data != '\0') {
            return true;
        }
    }
}

bool stream_next(struct stream *stream, struct message *ret_message)
{
    while (!take_event(stream, ret_message)) {
        if (!take_chunk(stream) && (stream->has_ended || !wire_receive(stream->wire, &stream->raw))) {
            return false;
        }
    }
    return true;
}

void stream_await(struct stream *stream, const char *event, struct message *ret_message)
{
    do {
        ck_assert_msg(stream_next(stream, ret_message), "the stream ended before \"%s\"", event);
    } while (strcmp(ret_message->event, event) != 0);
}

bool stream_has_ended(const struct stream *stream)
{
    return stream->has_ended && stream->begin == stream->text.len;
}

const char *stream_last_id(const struct stream *stream)
{
    return stream->last_id;
}
