/* SPDX-License-Identifier: MIT */

/* Feeds inih one line at a time, so that it only splits keys, values and comments. Everything that inih
 * (libinih 55 to 59) would handle silently is checked before:
 *
 *   sections      it does not report one without keys, ignores what follows ']', and truncates long names;
 *   indentation   it appends an indented line to the value above, after any character of isspace();
 *   long lines    it splits them at its limit (200 bytes on Debian, including the line end and a NUL) and
 *                 continues; since 58 it drops everything up to the next line end, which is the whole next
 *                 line if a line was passed to it without its line end;
 *   NUL           it ignores what follows;
 *   no '='        it reports only the first such line. */

#include "ini_reader.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>

struct reader {
    struct str rest;
    const struct ini_events *events;
    void *cls;
    unsigned line;
    bool is_pending; /* inih was given this line and has not reported a key for it yet */
    int error;
};

static int bad_line(struct reader *reader, const char *why)
{
    return reader->events->bad_line(reader->cls, reader->line, why);
}

static int bad_text(struct reader *reader, struct str line, const char *why)
{
    return line.ptr[0] == '[' ? reader->events->bad_section(reader->cls, reader->line, why)
                              : bad_line(reader, why);
}

static int finish_line(struct reader *reader)
{
    bool is_pending = reader->is_pending;
    reader->is_pending = false;
    return is_pending ? bad_line(reader, "neither a [section] nor key = value") : 0;
}

static bool is_comment_or_empty(struct str line)
{
    return line.len == 0 || line.ptr[0] == ';' || line.ptr[0] == '#';
}

static int read_section(struct reader *reader, struct str line)
{
    struct str name;
    line.ptr++;
    line.len--;
    (void)str_split(&line, ']', &name);
    if (line.ptr == NULL || !is_comment_or_empty(str_trim(line))) {
        return reader->events->bad_section(reader->cls, reader->line,
                                           "a section is written [name], alone on its line");
    }
    return reader->events->section(reader->cls, reader->line, str_trim(name));
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct str take_line(struct reader *reader)
{
    struct str line;
    (void)str_split(&reader->rest, '\n', &line);
    reader->line++;
    while (line.len > 0 && is_blank(line.ptr[line.len - 1])) {
        line.len--;
    }
    while (line.len > 0 && is_blank(line.ptr[0])) {
        line.ptr++;
        line.len--;
    }
    return line;
}

/* Returns whether the line has a control character other than tab. inih treats some of them as blanks, and
 * none may be in a value. */
static bool holds_control(struct str line)
{
    bool found = false;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        found |= (c < 0x20 && c != '\t') || c == 0x7f;
    }
    return found;
}

/* inih would treat a value that begins with ';' as a comment, so a token could be silently lost. */
static bool hides_value(struct str line)
{
    struct str key;
    if (!str_split(&line, '=', &key) || line.ptr == NULL) {
        return false;
    }
    struct str value = str_trim(line);
    return value.len > 1 && value.ptr[0] == ';' && !is_blank(value.ptr[1]);
}

/* Returns 0 if the line is handled, 1 if it is for inih, or -errno. */
static int read_line(struct reader *reader, struct str line, size_t max)
{
    if (line.len > 0 && memchr(line.ptr, '\0', line.len) != NULL) {
        return bad_text(reader, line, "holds a NUL byte");
    }
    if (is_comment_or_empty(line)) {
        return 0;
    }
    if (holds_control(line)) {
        return bad_text(reader, line, "holds a control character");
    }
    if (line.len > max) {
        char why[64];
        (void)snprintf(why, sizeof(why), "line too long: at most %zu bytes", max);
        return bad_text(reader, line, why);
    }
    if (hides_value(line)) {
        return bad_line(reader, "a value cannot begin with ';'; a comment is ';' and a blank");
    }
    return line.ptr[0] == '[' ? read_section(reader, line) : 1;
}

/* Called by inih for the next line; behaves like fgets(). */
static char *next_line(char *ret_line, int size, void *stream)
{
    struct reader *reader = stream;
    int r = reader->error;
    if (r == 0) {
        r = finish_line(reader);
    }
    while (r == 0 && reader->rest.len > 0) {
        struct str line = take_line(reader);
        r = read_line(reader, line, (size_t)size - sizeof("\n"));
        if (r > 0) {
            memcpy(ret_line, line.ptr, line.len);
            memcpy(ret_line + line.len, "\n", sizeof("\n"));
            reader->is_pending = true;
            return ret_line;
        }
    }
    reader->error = r;
    return NULL;
}

static int take_key(void *user, const char *section, const char *name, const char *value)
{
    struct reader *reader = user;
    (void)section;
    if (reader->error == 0 && name[0] != '\0') {
        reader->is_pending = false;
        reader->error = reader->events->key(reader->cls, reader->line, str_from(name), str_from(value));
    }
    return 1;
}

int ini_reader_read(struct str text, unsigned n_lines_before, const struct ini_events *events, void *cls,
                    unsigned *ret_last_line)
{
    const struct str byte_order_mark = STR("\xef\xbb\xbf");
    struct reader reader = {.rest = text, .events = events, .cls = cls, .line = n_lines_before};
    if (str_starts_with(text, byte_order_mark)) {
        reader.rest.ptr += byte_order_mark.len;
        reader.rest.len -= byte_order_mark.len;
    }
    if (ini_parse_stream(next_line, &reader, take_key, &reader) == -2) {
        return -ENOMEM;
    }
    if (reader.error == 0) {
        *ret_last_line = reader.line;
    }
    return reader.error;
}
