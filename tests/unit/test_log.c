/* SPDX-License-Identifier: MIT */
#include "../../src/base/log_line.h"
#include "presenced/log.h"
#include "suite.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#define NOON_MS UINT64_C(1767268800007) /* 2026-01-01T12:00:00.007Z */

/* One line. */

#define A_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A_253 A_64 A_64 A_64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
    struct str value;
    const char *text;
    const char *json;
} values[] = {
    {STR("alice"), "alice", "alice"},
    {STR(""), "\"\"", ""},
    {{NULL, 0}, "\"\"", ""},
    {STR("a b"), "\"a b\"", "a b"},
    {STR("a=b"), "\"a=b\"", "a=b"},
    {STR("a\"b"), "\"a\\\"b\"", "a\\\"b"},
    {STR("a\\b"), "\"a\\\\b\"", "a\\\\b"},
    {STR("\r\n\t"), "\"\\r\\n\\t\"", "\\r\\n\\t"},
    {STR("x\n2026-01-01T12:00:00.007Z level=error msg=\"forged\""),
     "\"x\\n2026-01-01T12:00:00.007Z level=error msg=\\\"forged\\\"\"",
     "x\\n2026-01-01T12:00:00.007Z level=error msg=\\\"forged\\\""},
    {STR("\x1b[31m"), "\"\\x1b[31m\"", "\\u001b[31m"},
    {STR("a\0b\x7f"), "\"a\\x00b\\x7f\"", "a\\u0000b\\u007f"},
    {STR("\xff\xfe"), "\"\\xff\\xfe\"", "\xef\xbf\xbd\xef\xbf\xbd"},
    {STR("\xe5\xbc\xa0\xe4\xb8\x89"), "\xe5\xbc\xa0\xe4\xb8\x89", "\xe5\xbc\xa0\xe4\xb8\x89"},
    {STR("\xc2\x9b"), "\"\\xc2\\x9b\"", "\\u009b"},                  /* CSI of a terminal */
    {STR("\xe2\x80\xa8"), "\"\\xe2\\x80\\xa8\"", "\\u2028"},         /* a line's end to some */
    {STR("a\xe2\x80\xae"), "\"a\\xe2\\x80\\xae\"", "a\\u202e"},      /* turns writing round */
    {STR("\xef\xbb\xbf"), "\"\\xef\\xbb\\xbf\"", "\\ufeff"},         /* not to be seen */
    {STR(A_253 "bcd"), A_253 "bcd", A_253 "bcd"},                    /* 256 bytes */
    {STR(A_253 "bcde"), "\"" A_253 "bcd...\"", A_253 "bcd..."},      /* 257 */
    {STR(A_253 "b\xe5\xbc\xa0"), "\"" A_253 "b...\"", A_253 "b..."}, /* not through a character */
    {STR(A_253 "\xf0\x9f\x98\x80"), "\"" A_253 "...\"", A_253 "..."},
    {STR(A_253 "\xe5\xbc\xa0!"), "\"" A_253 "\xe5\xbc\xa0...\"", A_253 "\xe5\xbc\xa0..."},
};

static void expect_line(enum log_line_style style, enum log_level level, const struct log_field *fields,
                        size_t n_fields, const char *expected)
{
    struct buf line = {0};
    const struct log_line_format format = {.style = style};
    log_line_append(&line, &format, NOON_MS, level, "a message", fields, n_fields);
    ck_assert(!line.failed);
    ck_assert_msg(str_equal(buf_str(&line), str_from(expected)), "%.*s", STR_FMT(line));
    buf_fini(&line);
}

START_TEST(escapes_values)
{
    char expected[1024];
    struct log_field field = log_str("user", values[_i].value);
    (void)snprintf(expected, sizeof(expected),
                   "2026-01-01T12:00:00.007Z level=info msg=\"a message\" user=%s\n", values[_i].text);
    expect_line(LOG_LINE_TEXT, LOG_LEVEL_INFO, &field, 1, expected);
    (void)snprintf(expected, sizeof(expected), "<6>level=info msg=\"a message\" user=%s\n", values[_i].text);
    expect_line(LOG_LINE_JOURNAL, LOG_LEVEL_INFO, &field, 1, expected);
    (void)snprintf(expected, sizeof(expected),
                   "{\"time\":\"2026-01-01T12:00:00.007Z\",\"level\":\"info\",\"msg\":\"a message\","
                   "\"user\":\"%s\"}\n",
                   values[_i].json);
    expect_line(LOG_LINE_JSON, LOG_LEVEL_INFO, &field, 1, expected);
}
END_TEST

static const struct {
    enum log_level level;
    const char *journal;
} levels[] = {
    {LOG_LEVEL_ERROR, "<3>level=error msg=\"a message\"\n"},
    {LOG_LEVEL_WARNING, "<4>level=warning msg=\"a message\"\n"},
    {LOG_LEVEL_NOTICE, "<5>level=notice msg=\"a message\"\n"},
    {LOG_LEVEL_INFO, "<6>level=info msg=\"a message\"\n"},
    {LOG_LEVEL_DEBUG, "<7>level=debug msg=\"a message\"\n"},
};

START_TEST(names_levels)
{
    expect_line(LOG_LINE_JOURNAL, levels[_i].level, NULL, 0, levels[_i].journal);
}
END_TEST

START_TEST(writes_every_kind_of_field)
{
    struct address address;
    struct address none = {0};
    ck_assert(address_parse(STR("2001:db8::1"), &address));
    const struct log_field fields[] = {
        log_text("text", "x"),      log_u64("u64", UINT64_MAX), log_i64("i64", INT64_MIN),
        log_address("a", &address), log_address("none", &none), log_errno("e", ENOENT),
        log_errno("n", -EACCES),    log_errno("odd", 99999),
    };
    expect_line(LOG_LINE_JOURNAL, LOG_LEVEL_INFO, fields, N_ELEMENTS(fields),
                "<6>level=info msg=\"a message\" text=x u64=18446744073709551615 i64=-9223372036854775808 "
                "a=2001:db8::1 none=\"\" e=\"No such file or directory\" n=\"Permission denied\" "
                "odd=\"error 99999\"\n");
    expect_line(
        LOG_LINE_JSON, LOG_LEVEL_INFO, fields, N_ELEMENTS(fields),
        "{\"time\":\"2026-01-01T12:00:00.007Z\",\"level\":\"info\",\"msg\":\"a message\",\"text\":\"x\","
        "\"u64\":18446744073709551615,\"i64\":-9223372036854775808,\"a\":\"2001:db8::1\",\"none\":\"\","
        "\"e\":\"No such file or directory\",\"n\":\"Permission denied\",\"odd\":\"error 99999\"}\n");
}
END_TEST

/* Of siphash.c's tests: the key 00 01 … 0f, the input 00 01 … 07 and none. */
static const struct siphash_key known_key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};

static const struct {
    enum log_line_style style;
    bool hashed;
    const char *line;
} user_lines[] = {
    {LOG_LINE_JOURNAL, true, "<7>level=debug msg=\"m\" user=93f5f5799a932462 none=726fdb47dd0e0e31\n"},
    {LOG_LINE_JOURNAL, false,
     "<7>level=debug msg=\"m\" user=\"\\x00\\x01\\x02\\x03\\x04\\x05\\x06\\x07\" none=\"\"\n"},
    {LOG_LINE_JSON, true,
     "{\"time\":\"2026-01-01T12:00:00.007Z\",\"level\":\"debug\",\"msg\":\"m\","
     "\"user\":\"93f5f5799a932462\",\"none\":\"726fdb47dd0e0e31\"}\n"},
};

START_TEST(hashes_users)
{
    const struct log_line_format format = {user_lines[_i].style, user_lines[_i].hashed ? &known_key : NULL};
    const struct log_field fields[] = {log_user("user", STR("\0\1\2\3\4\5\6\7")), log_user("none", STR(""))};
    cleanup(buf_fini) struct buf line = {0};
    log_line_append(&line, &format, NOON_MS, LOG_LEVEL_DEBUG, "m", fields, N_ELEMENTS(fields));
    ck_assert(!line.failed);
    ck_assert_msg(str_equal(buf_str(&line), str_from(user_lines[_i].line)), "%.*s", STR_FMT(line));
}
END_TEST

static bool has_control_byte(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f) {
            return true;
        }
    }
    return false;
}

static void expect_one_line(const struct buf *line)
{
    ck_assert(!line->failed);
    ck_assert_int_eq(line->ptr[line->len - 1], '\n');
    ck_assert(!has_control_byte((struct str){line->ptr, line->len - 1}));
}

static void expect_json(struct buf *line)
{
    buf_append_char(line, '\0');
    ck_assert(str_is_utf8(buf_str(line)));
    cJSON *root = cJSON_Parse(line->ptr);
    ck_assert_ptr_nonnull(root);
    ck_assert_int_eq(cJSON_GetArraySize(root), 4);
    ck_assert(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(root, "user")));
    cJSON_Delete(root);
}

START_TEST(keeps_any_bytes_to_one_line)
{
    unsigned seed = (unsigned)time(NULL);
    printf("seed %u\n", seed);
    for (unsigned round = 0; round < 500; round++) {
        char bytes[300];
        struct buf text = {0};
        struct buf json = {0};
        size_t n = (size_t)rand_r(&seed) % sizeof(bytes);
        for (size_t i = 0; i < n; i++) {
            bytes[i] = (char)rand_r(&seed);
        }
        struct log_field field = log_str("user", ((struct str){bytes, n}));
        log_line_append(&text, &(struct log_line_format){LOG_LINE_TEXT, NULL}, NOON_MS, LOG_LEVEL_INFO, "m",
                        &field, 1);
        log_line_append(&json, &(struct log_line_format){LOG_LINE_JSON, NULL}, NOON_MS, LOG_LEVEL_INFO, "m",
                        &field, 1);
        expect_one_line(&text);
        expect_one_line(&json);
        expect_json(&json);
        buf_fini(&text);
        buf_fini(&json);
    }
}
END_TEST

/* Stderr. */

static int saved_stderr = -1;
static int reading_end = -1;

/* stderr becomes a pipe. */
static void capture_stderr(void)
{
    int fds[2];
    saved_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    ck_assert_int_ge(saved_stderr, 0);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    ck_assert_int_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
    (void)close(fds[1]);
    reading_end = fds[0];
    log_configure(&(struct log_config){.level = LOG_LEVEL_INFO});
}

static void release_stderr(void)
{
    (void)dup2(saved_stderr, STDERR_FILENO);
    (void)close(saved_stderr);
    if (reading_end >= 0) {
        (void)close(reading_end);
    }
    saved_stderr = -1;
    reading_end = -1;
}

/* Appends what comes until the pipe has no writer any more. */
static void *read_all(void *cls)
{
    struct buf *out = cls;
    ssize_t n = 1;
    while (n > 0) {
        char *to = buf_reserve(out, 65536);
        ck_assert_ptr_nonnull(to);
        n = read(reading_end, to, 65536);
        ck_assert_int_ge(n, 0);
        out->len += (size_t)n;
    }
    return NULL;
}

static void close_writing_end(void)
{
    ck_assert_int_eq(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
}

static void read_what_was_written(struct buf *out)
{
    close_writing_end();
    (void)read_all(out);
    buf_append_char(out, '\0');
    ck_assert(!out->failed);
}

START_TEST(writes_at_once_without_a_thread)
{
    struct buf out = {0};
    log_info("first", log_u64("n", 1));
    ck_assert_int_eq(log_start(), 0);
    log_info("second");
    log_stop();
    log_info("third");
    read_what_was_written(&out);
    const char *first = strstr(out.ptr, "Z level=info msg=\"first\" n=1\n");
    const char *second = strstr(out.ptr, "Z level=info msg=\"second\"\n");
    const char *third = strstr(out.ptr, "Z level=info msg=\"third\"\n");
    ck_assert(first != NULL && first < second && second < third);
    buf_fini(&out);
}
END_TEST

START_TEST(writes_while_it_runs)
{
    static const char wanted[] = " level=info msg=\"now\"\n";
    char line[128];
    ck_assert_int_eq(log_start(), 0);
    for (unsigned i = 0; i < 100; i++) {
        log_info("now");
        ssize_t n = read(reading_end, line, sizeof(line) - 1);
        ck_assert_int_gt(n, (ssize_t)sizeof(wanted));
        line[n] = '\0';
        ck_assert_str_eq(line + n - (sizeof(wanted) - 1), wanted);
    }
    log_stop();
}
END_TEST

START_TEST(leaves_errno_alone)
{
    ck_assert_int_eq(close(STDERR_FILENO), 0);
    errno = EXDEV;
    log_info("goes nowhere");
    ck_assert_int_eq(errno, EXDEV);
}
END_TEST

START_TEST(leaves_out_lines_above_its_level)
{
    struct buf out = {0};
    log_configure(&(struct log_config){.level = (enum log_level)_i});
    log_error("0");
    log_warning("1");
    log_notice("2");
    log_info("3");
    log_debug("4");
    read_what_was_written(&out);
    for (int level = 0; level < 5; level++) {
        char wanted[] = {'"', (char)('0' + level), '"', '\0'};
        ck_assert_int_eq(strstr(out.ptr, wanted) != NULL, level <= _i);
    }
    buf_fini(&out);
}
END_TEST

START_TEST(turns_to_json)
{
    struct buf out = {0};
    log_configure(&(struct log_config){.level = LOG_LEVEL_INFO, .json = true});
    log_info("m", log_text("user", "alice"));
    read_what_was_written(&out);
    cJSON *root = cJSON_Parse(out.ptr);
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "user")), "alice");
    ck_assert_str_eq(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "msg")), "m");
    cJSON_Delete(root);
    buf_fini(&out);
}
END_TEST

/* The hash after "user=" in a line. */
static unsigned long long hash_in(const char *text, const char *message)
{
    const char *line = strstr(text, message);
    const char *user = line == NULL ? NULL : strstr(line, "user=");
    ck_assert_ptr_nonnull(user);
    char *end;
    unsigned long long hash = strtoull(user + 5, &end, 16);
    ck_assert_int_eq(end - (user + 5), 16);
    ck_assert_int_eq(*end, '\n');
    return hash;
}

/* The key stays while the process does, so that lines before and after a reload belong together. */
START_TEST(hashes_with_one_key)
{
    struct log_config on = {.level = LOG_LEVEL_INFO, .hash_users = true};
    struct log_config off = {.level = LOG_LEVEL_INFO};
    struct buf out = {0};
    log_configure(&on);
    log_info("first", log_user("user", STR("alice")));
    log_info("other", log_user("user", STR("bob")));
    log_configure(&off);
    log_info("plain", log_user("user", STR("alice")));
    log_configure(&on);
    log_info("again", log_user("user", STR("alice")));
    log_configure(&off);
    read_what_was_written(&out);
    ck_assert_uint_eq(hash_in(out.ptr, "\"first\""), hash_in(out.ptr, "\"again\""));
    ck_assert_uint_ne(hash_in(out.ptr, "\"first\""), hash_in(out.ptr, "\"other\""));
    ck_assert_ptr_nonnull(strstr(out.ptr, "\"plain\" user=alice\n"));
    ck_assert_ptr_null(strstr(strstr(out.ptr, "alice") + 1, "alice"));
    ck_assert_ptr_null(strstr(out.ptr, "bob"));
    buf_fini(&out);
}
END_TEST

START_TEST(tells_which_levels_it_takes)
{
    log_configure(&(struct log_config){.level = (enum log_level)_i});
    for (int level = 0; level < 5; level++) {
        ck_assert_int_eq(log_takes((enum log_level)level), level <= _i);
    }
}
END_TEST

/* Which device:inode the environment names. */
enum { OWN, OTHER_INODE, OTHER_DEVICE, NOT_NUMBERS, N_STREAMS };

static void name_stream(int which)
{
    struct stat st;
    char text[64];
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    (void)snprintf(text, sizeof(text), "%llu:%llu", (unsigned long long)st.st_dev + (which == OTHER_DEVICE),
                   (unsigned long long)st.st_ino + (which == OTHER_INODE));
    ck_assert_int_eq(setenv("JOURNAL_STREAM", which == NOT_NUMBERS ? "a:b" : text, 1), 0);
}

START_TEST(writes_priorities_to_the_journal_only)
{
    struct buf out = {0};
    name_stream(_i);
    log_configure(&(struct log_config){.level = LOG_LEVEL_INFO});
    log_warning("m");
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    read_what_was_written(&out);
    ck_assert_int_eq(strcmp(out.ptr, "<4>level=warning msg=\"m\"\n") == 0, _i == OWN);
    ck_assert_int_eq(strncmp(out.ptr, "<4>", 3) == 0, _i == OWN);
    buf_fini(&out);
}
END_TEST

START_TEST(writes_priorities_of_json_to_the_journal_only)
{
    struct buf out = {0};
    name_stream(_i);
    log_configure(&(struct log_config){.level = LOG_LEVEL_INFO, .json = true});
    log_warning("m");
    ck_assert_int_eq(unsetenv("JOURNAL_STREAM"), 0);
    read_what_was_written(&out);
    ck_assert_int_eq(strncmp(out.ptr, "<4>{\"time\":\"", 12) == 0, _i == OWN);
    ck_assert_int_eq(strncmp(out.ptr, "{\"time\":\"", 9) == 0, _i != OWN);
    buf_fini(&out);
}
END_TEST

START_TEST(starts_once)
{
    ck_assert_int_eq(log_start(), 0);
    ck_assert_int_eq(log_start(), -EALREADY);
    log_stop();
    log_stop();
    ck_assert_int_eq(log_start(), 0);
    log_stop();
}
END_TEST

#define N_THREADS 4U
#define N_LINES UINT64_C(2000)

static void *write_lines(void *cls)
{
    const unsigned *thread = cls;
    for (unsigned i = 0; i < N_LINES; i++) {
        log_info("line", log_u64("thread", *thread), log_u64("i", i));
    }
    return NULL;
}

/* Every line stands whole, and those of one thread in their order. Returns how many there are. */
static uint64_t check_lines(char *text)
{
    unsigned long next[N_THREADS] = {0};
    uint64_t n = 0;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line != NULL && *line != '\0'; line = strsep(&rest, "\n")) {
        static const char wanted[] = "Z level=info msg=\"line\" thread=";
        const char *fields = strstr(line, wanted);
        if (fields == NULL) {
            ck_assert_ptr_nonnull(strstr(line, "Z level=warning msg=\"log lines dropped\" n="));
            continue;
        }
        char *end;
        unsigned long thread = strtoul(fields + sizeof(wanted) - 1, &end, 10);
        ck_assert_int_eq(strncmp(end, " i=", 3), 0);
        unsigned long i = strtoul(end + 3, &end, 10);
        ck_assert_str_eq(end, "");
        ck_assert_uint_lt(thread, N_THREADS);
        ck_assert_uint_ge(i, next[thread]);
        next[thread] = i + 1;
        n++;
    }
    return n;
}

START_TEST(takes_lines_from_many_threads)
{
    struct buf out = {0};
    pthread_t reader;
    pthread_t writers[N_THREADS];
    unsigned numbers[N_THREADS];
    uint64_t n_dropped_before = log_n_dropped();
    ck_assert_int_eq(log_start(), 0);
    ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &out), 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        numbers[i] = i;
        ck_assert_int_eq(pthread_create(&writers[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(writers[i], NULL), 0);
    }
    log_stop();
    close_writing_end();
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    buf_append_char(&out, '\0');
    uint64_t n_dropped = log_n_dropped() - n_dropped_before;
    ck_assert_uint_eq(check_lines(out.ptr) + n_dropped, N_THREADS * N_LINES);
    buf_fini(&out);
}
END_TEST

/* Of all "log lines dropped" lines. */
static uint64_t sum_told(const char *text)
{
    static const char wanted[] = "msg=\"log lines dropped\" n=";
    uint64_t sum = 0;
    for (const char *at = strstr(text, wanted); at != NULL; at = strstr(at + 1, wanted)) {
        sum += strtoull(at + sizeof(wanted) - 1, NULL, 10);
    }
    return sum;
}

START_TEST(counts_and_tells_what_a_full_pipe_loses)
{
    struct buf out = {0};
    pthread_t reader;
    uint64_t n_dropped_before = log_n_dropped();
    unsigned thread = 0;
    unsigned n_rounds = 0;
    ck_assert_int_eq(log_start(), 0);
    /* Pipe and ring hold about 320 KiB, a round writes more than 100 KiB: nobody waits for the pipe. */
    while (log_n_dropped() == n_dropped_before) {
        (void)write_lines(&thread);
        n_rounds++;
        ck_assert_uint_lt(n_rounds, 10);
    }
    uint64_t n_dropped = log_n_dropped() - n_dropped_before;
    ck_assert_int_eq(pthread_create(&reader, NULL, read_all, &out), 0);
    log_stop();
    close_writing_end();
    ck_assert_int_eq(pthread_join(reader, NULL), 0);
    buf_append_char(&out, '\0');
    ck_assert_uint_eq(log_n_dropped() - n_dropped_before, n_dropped);
    ck_assert_uint_eq(sum_told(out.ptr), n_dropped);
    size_t n_lines = 0;
    for (const char *at = strstr(out.ptr, "msg=\"line\""); at != NULL; at = strstr(at + 1, "msg=\"line\"")) {
        n_lines++;
    }
    ck_assert_uint_eq(n_lines + n_dropped, n_rounds * N_LINES);
    buf_fini(&out);
}
END_TEST

/* A stalled stderr must not keep the process from ending. */
START_TEST(stops_though_nobody_reads)
{
    uint64_t n_dropped_before = log_n_dropped();
    unsigned thread = 0;
    ck_assert_int_eq(log_start(), 0);
    (void)write_lines(&thread);
    log_stop();
    ck_assert_uint_gt(log_n_dropped(), n_dropped_before);
    ck_assert_uint_lt(log_n_dropped() - n_dropped_before, N_LINES);
}
END_TEST

/* Nor from starting, before there is a thread. */
START_TEST(gives_up_a_line_that_nobody_takes)
{
    static const char filler[4096];
    uint64_t n_dropped_before = log_n_dropped();
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK), 0);
    while (write(STDERR_FILENO, filler, sizeof(filler)) > 0) {}
    ck_assert_int_eq(fcntl(STDERR_FILENO, F_SETFL, 0), 0);
    log_info("nobody takes this");
    ck_assert_uint_eq(log_n_dropped(), n_dropped_before + 1);
}
END_TEST

START_TEST(outlives_its_reader)
{
    (void)close(reading_end);
    reading_end = -1;
    ck_assert_int_eq(log_start(), 0);
    log_info("nobody hears this");
    log_stop();
}
END_TEST

/* Limits. */

static const struct {
    unsigned per_second;
    unsigned burst;
    uint64_t at_ms;
    bool pass;
    uint64_t n_suppressed;
} steps[] = {
    {2, 3, 5000, true, 0},  {2, 3, 5000, true, 0},  {2, 3, 5000, true, 0},
    {2, 3, 5000, false, 0}, {2, 3, 5499, false, 0}, {2, 3, 5500, true, 2},
    {2, 3, 5500, false, 0}, {2, 3, 6000, true, 1},  {2, 3, 5000, false, 0}, /* another thread's older time */
    {2, 3, 60000, true, 1},                                                 /* full again, and no fuller */
    {2, 3, 60000, true, 0}, {2, 3, 60000, true, 0}, {2, 3, 60000, false, 0},
};

START_TEST(limits_lines)
{
    struct log_limit limit = {.per_second = 2, .burst = 3};
    for (size_t i = 0; i < N_ELEMENTS(steps); i++) {
        uint64_t n_suppressed = 4711;
        ck_assert_int_eq(log_limit_pass_at(&limit, steps[i].at_ms, &n_suppressed), steps[i].pass);
        ck_assert_uint_eq(n_suppressed, steps[i].pass ? steps[i].n_suppressed : 4711);
    }
}
END_TEST

START_TEST(passes_nothing_at_no_rate)
{
    struct log_limit limit = {.per_second = 0, .burst = 3};
    uint64_t n_suppressed;
    ck_assert(!log_limit_pass_at(&limit, 1000, &n_suppressed));
    ck_assert(!log_limit_pass(&limit, &n_suppressed));
}
END_TEST

START_TEST(passes_by_the_clock)
{
    struct log_limit limit = {.per_second = 1, .burst = 1};
    uint64_t n_suppressed = 4711;
    ck_assert(log_limit_pass(&limit, &n_suppressed));
    ck_assert_uint_eq(n_suppressed, 0);
}
END_TEST

static struct log_limit shared_limit = {.per_second = 1, .burst = 100};

struct tally {
    uint64_t n_passed;
    uint64_t n_suppressed;
};

static void *pass_limit(void *cls)
{
    struct tally *tally = cls;
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t n_suppressed;
        if (log_limit_pass_at(&shared_limit, 1000, &n_suppressed)) {
            tally->n_passed++;
            tally->n_suppressed += n_suppressed;
        }
    }
    return NULL;
}

START_TEST(limits_threads_together)
{
    pthread_t threads[N_THREADS];
    struct tally tallies[N_THREADS] = {0};
    struct tally sum = {0};
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, pass_limit, &tallies[i]), 0);
    }
    for (unsigned i = 0; i < N_THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        sum.n_passed += tallies[i].n_passed;
        sum.n_suppressed += tallies[i].n_suppressed;
    }
    ck_assert_uint_eq(sum.n_passed, shared_limit.burst);
    ck_assert_uint_eq(sum.n_suppressed + atomic_load(&shared_limit.n_suppressed),
                      UINT64_C(1000) * N_THREADS - shared_limit.burst);
}
END_TEST

static TCase *line_tests(void)
{
    TCase *tcase = tcase_create("line");
    tcase_add_loop_test(tcase, escapes_values, 0, N_ELEMENTS(values));
    tcase_add_loop_test(tcase, names_levels, 0, N_ELEMENTS(levels));
    tcase_add_test(tcase, writes_every_kind_of_field);
    tcase_add_loop_test(tcase, hashes_users, 0, N_ELEMENTS(user_lines));
    tcase_add_test(tcase, keeps_any_bytes_to_one_line);
    return tcase;
}

static TCase *stderr_tests(void)
{
    TCase *tcase = tcase_create("stderr");
    tcase_add_checked_fixture(tcase, capture_stderr, release_stderr);
    tcase_add_test(tcase, writes_at_once_without_a_thread);
    tcase_add_test(tcase, writes_while_it_runs);
    tcase_add_test(tcase, leaves_errno_alone);
    tcase_add_loop_test(tcase, leaves_out_lines_above_its_level, 0, 5);
    tcase_add_loop_test(tcase, tells_which_levels_it_takes, 0, 5);
    tcase_add_test(tcase, turns_to_json);
    tcase_add_test(tcase, hashes_with_one_key);
    tcase_add_loop_test(tcase, writes_priorities_to_the_journal_only, 0, N_STREAMS);
    tcase_add_loop_test(tcase, writes_priorities_of_json_to_the_journal_only, 0, N_STREAMS);
    tcase_add_test(tcase, starts_once);
    tcase_add_test(tcase, takes_lines_from_many_threads);
    tcase_add_test(tcase, counts_and_tells_what_a_full_pipe_loses);
    tcase_add_test(tcase, stops_though_nobody_reads);
    tcase_add_test(tcase, gives_up_a_line_that_nobody_takes);
    tcase_add_test(tcase, outlives_its_reader);
    return tcase;
}

static TCase *limit_tests(void)
{
    TCase *tcase = tcase_create("limit");
    tcase_add_test(tcase, limits_lines);
    tcase_add_test(tcase, passes_nothing_at_no_rate);
    tcase_add_test(tcase, passes_by_the_clock);
    tcase_add_test(tcase, limits_threads_together);
    return tcase;
}

Suite *test_suite(void)
{
    Suite *suite = suite_create("log");
    suite_add_tcase(suite, line_tests());
    suite_add_tcase(suite, stderr_tests());
    suite_add_tcase(suite, limit_tests());
    return suite;
}
