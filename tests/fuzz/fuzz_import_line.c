/* SPDX-License-Identifier: MIT */
/* Input: the lines of an import. What is accepted prints as a line that says the same when it is read again,
 * also to a process that has other numbers for the platforms; what is not leaves no trace. */
#include "../../src/transfer/line.h"

#include "fuzz.h"

static void check_bounds(const struct line *line, const struct platform_names *names)
{
    const struct user *user = &line->user;
    struct platform_set seen = {0};
    FUZZ_CHECK(user->id_len >= 1 && user->id_len <= USER_ID_MAX && str_is_utf8(user_id(user)));
    FUZZ_CHECK(memchr(user->id, '\0', user->id_len) == NULL);
    FUZZ_CHECK(user->n_rows > 0 || user->has_custom_status);
    FUZZ_CHECK(user->custom_status_len <= USER_CUSTOM_STATUS_MAX && str_is_utf8(user_custom_status(user)));
    for (unsigned i = 0; i < user->n_rows; i++) {
        FUZZ_CHECK(user->rows[i].platform < platform_count(names));
        FUZZ_CHECK(!platform_set_has(&seen, user->rows[i].platform));
        platform_set_add(&seen, user->rows[i].platform);
    }
}

static void print(struct buf *out, const struct line *line, const struct platform_names *names)
{
    switch (line->kind) {
    case LINE_HEADER:
        line_write_header(out);
        break;
    case LINE_APP:
        line_write_app(out, line->app_id, line->forgotten_before_ms);
        break;
    case LINE_USER:
        line_write_user(out, line->app_id, names, &line->user);
        break;
    case LINE_END:
        line_write_end(out, line->n_apps, line->n_users);
        break;
    }
    FUZZ_CHECK(!out->failed && out->ptr[out->len - 1] == '\n');
    FUZZ_CHECK(out->len - 1 <= LINE_SIZE_MAX); /* --import reads no longer one */
}

static void check_equal(const struct user *a, const struct user *b)
{
    FUZZ_CHECK(str_equal(user_id(a), user_id(b)) && a->n_rows == b->n_rows);
    FUZZ_CHECK(a->has_custom_status == b->has_custom_status);
    FUZZ_CHECK(str_equal(user_custom_status(a), user_custom_status(b)));
    FUZZ_CHECK(a->custom_status_time_ms == b->custom_status_time_ms);
    for (unsigned i = 0; i < a->n_rows; i++) {
        const struct row *row = &a->rows[i];
        const struct row *other = &b->rows[i];
        FUZZ_CHECK(row->platform == other->platform && row->action == other->action);
        FUZZ_CHECK(row->reason == other->reason && row->event_time_ms == other->event_time_ms);
        FUZZ_CHECK(row->received_unix_ms == other->received_unix_ms);
        FUZZ_CHECK(address_equal(&row->client, &other->client));
    }
}

/* Printed, read, and printed again. */
static void check_round_trip(const struct line *line, struct platform_names *names)
{
    static struct line again;
    cleanup(buf_fini) struct buf text = {0};
    cleanup(buf_fini) struct buf text_again = {0};
    char problem[LINE_PROBLEM_SIZE];
    unsigned n_platforms = platform_count(names);
    print(&text, line, names);
    struct str printed = fuzz_copy(text.ptr, text.len - 1);
    FUZZ_CHECK(line_parse(printed, names, &again, problem) == 0);
    fuzz_free(&printed);
    FUZZ_CHECK(platform_count(names) == n_platforms);
    FUZZ_CHECK(again.kind == line->kind && again.app_id == line->app_id);
    FUZZ_CHECK(again.forgotten_before_ms == line->forgotten_before_ms);
    FUZZ_CHECK(again.n_apps == line->n_apps && again.n_users == line->n_users);
    check_equal(&line->user, &again.user);
    print(&text_again, &again, names);
    FUZZ_CHECK(str_equal(buf_str(&text), buf_str(&text_again)));
}

/* Read by who has heard of the same platforms in another order, and printed. */
static void check_portable(const struct line *line, const struct platform_names *names,
                           struct platform_names *others)
{
    static struct line read;
    cleanup(buf_fini) struct buf text = {0};
    cleanup(buf_fini) struct buf text_again = {0};
    char problem[LINE_PROBLEM_SIZE];
    for (unsigned i = line->user.n_rows; i-- > 0;) {
        (void)platform_intern(others, platform_name(names, line->user.rows[i].platform));
    }
    print(&text, line, names);
    FUZZ_CHECK(line_parse((struct str){text.ptr, text.len - 1}, others, &read, problem) == 0);
    FUZZ_CHECK(platform_count(others) == platform_count(names));
    print(&text_again, &read, others);
    FUZZ_CHECK(str_equal(buf_str(&text), buf_str(&text_again)));
}

static void check_line(struct str text, struct platform_names *names, struct platform_names *others)
{
    static struct line line;
    char problem[LINE_PROBLEM_SIZE] = "";
    unsigned n_platforms = platform_count(names);
    int r = line_parse(text, names, &line, problem);
    FUZZ_CHECK(r == 0 || r == LINE_WRONG); /* so cJSON reads all that json_check() passes */
    if (r == LINE_WRONG) {
        FUZZ_CHECK(problem[0] != '\0' && platform_count(names) == n_platforms);
        return;
    }
    if (line.kind == LINE_USER) {
        check_bounds(&line, names);
    }
    check_round_trip(&line, names);
    check_portable(&line, names, others);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str left = {(const char *)data, size};
    struct str text;
    cleanup(platform_names_freep) struct platform_names *names = NULL;
    cleanup(platform_names_freep) struct platform_names *others = NULL;
    FUZZ_CHECK(platform_names_new(&names) == 0 && platform_names_new(&others) == 0);
    while (str_split(&left, '\n', &text)) {
        struct str line = fuzz_copy(text.ptr, text.len);
        check_line(line, names, others);
        fuzz_free(&line);
    }
    return 0;
}
