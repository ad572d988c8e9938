/* SPDX-License-Identifier: MIT */
/* Replies that go on: a real listener, a handler whose streams all show the same text as it grows, and plain
 * sockets. */
#include "presenced/clock.h"
#include "presenced/listener.h"
#include "presenced/protocol.h"
#include "presenced/reply.h"
#include "presenced/socket.h"
#include "suite.h"

#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#define DEADLINE_MS 20000
#define SHORT_MS 100 /* the time-outs of the tests in which they shall pass */
#define LONG_MS 600000

#define GET(version) "GET / HTTP/" version "\r\nHost: localhost\r\n\r\n"

/* What the streams show; under the lock. */
static struct {
    pthread_mutex_t lock;
    struct buf text;
    bool has_ended;
    bool is_endless; /* there is always more */
    bool is_too_slow;
} source = {.lock = PTHREAD_MUTEX_INITIALIZER};

static _Atomic unsigned n_open;
static _Atomic unsigned n_finished;
static _Atomic unsigned n_reads;
static _Atomic bool answers_later; /* the path /later waits for this to be false */

struct reader {
    size_t position;
    bool is_finishing;
    bool is_finished;
};

static bool is_ready(void *cls)
{
    const struct reader *reader = cls;
    (void)pthread_mutex_lock(&source.lock);
    bool ready = reader->position < source.text.len || reader->is_finishing || source.has_ended ||
                 source.is_endless || source.is_too_slow;
    (void)pthread_mutex_unlock(&source.lock);
    return ready;
}

static ssize_t read_source(struct reader *reader, char *to, size_t size)
{
    size_t n = source.text.len - reader->position;
    if (source.is_too_slow) {
        return HTTP_STREAM_TOO_SLOW;
    }
    if (source.is_endless) {
        memset(to, 'x', size);
        return (ssize_t)size;
    }
    if (n == 0 && reader->is_finishing && !reader->is_finished) {
        reader->is_finished = true;
        memcpy(to, "goodbye", 7);
        return 7;
    }
    if (n == 0 && (reader->is_finished || source.has_ended)) {
        return HTTP_STREAM_END;
    }
    n = n < size ? n : size;
    if (n > 0) {
        memcpy(to, source.text.ptr + reader->position, n);
        reader->position += n;
    }
    return (ssize_t)n;
}

static ssize_t read_some(void *cls, char *to, size_t size)
{
    atomic_fetch_add(&n_reads, 1);
    (void)pthread_mutex_lock(&source.lock);
    ssize_t n = read_source(cls, to, size);
    (void)pthread_mutex_unlock(&source.lock);
    return n;
}

static void finish(void *cls)
{
    struct reader *reader = cls;
    reader->is_finishing = true;
    atomic_fetch_add(&n_finished, 1);
}

static void free_reader(void *cls)
{
    free(cls);
    atomic_fetch_sub(&n_open, 1);
}

static struct http_reply *answer_text(const char *text)
{
    static const struct http_header headers[] = {{NULL, NULL}};
    struct buf body = {0};
    buf_append(&body, str_from(text));
    return http_reply_once(200, headers, &body);
}

static struct http_reply *on_headers(void *cls, struct http_request *request)
{
    (void)cls;
    (void)request;
    return NULL;
}

static struct http_reply *on_request(void *cls, struct http_request *request)
{
    static const struct http_header headers[] = {{"Content-Type", "text/plain"}, {NULL, NULL}};
    static const struct http_stream stream = {is_ready, read_some, finish, free_reader};
    (void)cls;
    if (str_equal(request->path, STR("/short"))) {
        return answer_text("short");
    }
    if (str_equal(request->path, STR("/later"))) {
        return http_reply_later();
    }
    struct reader *reader = calloc(1, sizeof(*reader));
    ck_assert_ptr_nonnull(reader);
    atomic_fetch_add(&n_open, 1);
    return http_reply_stream(200, headers, &stream, reader);
}

static struct http_reply *on_resume(void *cls, struct http_request *request)
{
    (void)cls;
    (void)request;
    return atomic_load(&answers_later) ? http_reply_later() : answer_text("at last");
}

static struct http_reply *on_refusal(void *cls, struct http_request *request, enum http_refusal why,
                                     const char *error)
{
    (void)cls;
    (void)request;
    (void)why;
    return answer_text(error);
}

static struct http_listener *listener;
static uint16_t port;

static void start(struct transport_config config)
{
    static const struct http_handler handler = {on_headers, on_request, on_resume, on_refusal};
    struct socket_file file;
    struct endpoint endpoint;
    int fd = -1;
    config.name = "test";
    config.n_threads = 1;
    config.max_connections = 100;
    const struct http_config http = {
        .handler = &handler,
        .max_body_bytes = 1024,
        .connection_memory_bytes = 16384,
    };
    ck_assert(endpoint_parse(STR("127.0.0.1:0"), &endpoint));
    ck_assert_int_eq(socket_listen(&endpoint, SOCKET_MODE_GROUP, &file, &fd), 0);
    ck_assert_int_eq(socket_endpoint(fd, &endpoint), 0);
    port = ntohs(((struct sockaddr_in *)(void *)&endpoint.sockaddr)->sin_port);
    ck_assert_int_eq(http_listener_new(&config, &http, &listener), 0);
    ck_assert_int_eq(transport_listener_add_socket(http_listener_transport(listener), fd, false), 0);
    ck_assert_int_eq(transport_listener_start(http_listener_transport(listener)), 0);
}

static void start_patient(void)
{
    start((struct transport_config){
        .idle_timeout_ms = LONG_MS, .request_timeout_ms = LONG_MS, .stream_timeout_ms = LONG_MS});
}

static void stop(void)
{
    http_listener_free(take_pointer(listener));
    ck_assert_uint_eq(atomic_load(&n_open), 0);
    buf_fini(&source.text);
    source.has_ended = source.is_endless = source.is_too_slow = false;
    atomic_store(&n_finished, 0);
    atomic_store(&n_reads, 0);
}

/* Appends to what the streams show, and wakes them. */
static void show(const char *text)
{
    (void)pthread_mutex_lock(&source.lock);
    buf_append(&source.text, str_from(text));
    (void)pthread_mutex_unlock(&source.lock);
    http_listener_wake_streams(listener);
}

static void set(bool *what)
{
    (void)pthread_mutex_lock(&source.lock);
    *what = true;
    (void)pthread_mutex_unlock(&source.lock);
    http_listener_wake_streams(listener);
}

static int open_connection(const char *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    return fd;
}

/* Some bytes, NUL-terminated behind. False at the end, in order or not. */
static bool receive(int fd, struct buf *out)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, DEADLINE_MS), 1);
    char *to = buf_reserve(out, 65537);
    ssize_t n = recv(fd, to, 65536, 0);
    if (n <= 0) {
        return false;
    }
    out->len += (size_t)n;
    out->ptr[out->len] = '\0';
    return true;
}

static void expect(int fd, const char *text, struct buf *out)
{
    while (out->len == 0 || strstr(out->ptr, text) == NULL) {
        ck_assert_msg(receive(fd, out), "closed before \"%s\"", text);
    }
}

static void expect_end(int fd, struct buf *out)
{
    while (receive(fd, out)) {}
}

/* Forgets all that comes until that character. */
static void receive_past(int fd, char last)
{
    cleanup(buf_fini) struct buf out = {0};
    do {
        buf_clear(&out);
        ck_assert(receive(fd, &out));
    } while (strchr(out.ptr, last) == NULL);
}

static void await(const _Atomic unsigned *what, unsigned value)
{
    uint64_t deadline_ms = clock_monotonic_ms() + DEADLINE_MS;
    while (atomic_load(what) != value) {
        ck_assert_uint_lt(clock_monotonic_ms(), deadline_ms);
        (void)poll(NULL, 0, 1);
    }
}

static struct transport_counters counters(void)
{
    struct transport_counters now;
    transport_listener_counters(http_listener_transport(listener), &now);
    return now;
}

START_TEST(the_head_comes_before_the_first_byte_and_each_byte_when_it_is_there)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    ck_assert_ptr_nonnull(strstr(out.ptr, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "Transfer-Encoding: chunked\r\n"));
    ck_assert_ptr_nonnull(strstr(out.ptr, "Connection: close\r\n"));
    ck_assert_ptr_null(strstr(out.ptr, "Content-Length"));
    show("one");
    expect(fd, "\r\n\r\n3\r\none\r\n", &out);
    show("more");
    expect(fd, "4\r\nmore\r\n", &out);
    set(&source.has_ended);
    expect_end(fd, &out);
    ck_assert_ptr_nonnull(strstr(out.ptr, "more\r\n0\r\n\r\n"));
    await(&n_open, 0);
    stop();
}
END_TEST

START_TEST(http_1_0_gets_the_bytes_as_they_are_until_the_end)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int fd = open_connection("GET / HTTP/1.0\r\n\r\n");
    expect(fd, "\r\n\r\n", &out);
    ck_assert_ptr_null(strstr(out.ptr, "chunked"));
    show("one");
    expect(fd, "\r\n\r\none", &out);
    show("more");
    expect(fd, "\r\n\r\nonemore", &out);
    set(&source.has_ended);
    expect_end(fd, &out);
    ck_assert_str_eq(strstr(out.ptr, "\r\n\r\n"), "\r\n\r\nonemore");
    stop();
}
END_TEST

START_TEST(head_gets_the_head_alone)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    show("a body");
    cleanup(cleanup_closep) int fd = open_connection("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect_end(fd, &out);
    ck_assert_ptr_nonnull(strstr(out.ptr, "HTTP/1.1 200 OK\r\n"));
    ck_assert_ptr_null(strstr(out.ptr, "a body"));
    await(&n_open, 0);
    stop();
}
END_TEST

START_TEST(a_stream_may_follow_other_requests_of_its_connection)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int fd = open_connection(
        "GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n" GET("1.1"));
    expect(fd, "short", &out);
    expect(fd, "chunked\r\n", &out);
    show("one");
    expect(fd, "3\r\none\r\n", &out);
    stop();
}
END_TEST

#define N_STREAMS 50

START_TEST(one_wake_up_serves_all_streams_of_a_thread)
{
    int fds[N_STREAMS];
    struct buf outs[N_STREAMS] = {{0}};
    start_patient();
    for (int i = 0; i < N_STREAMS; i++) {
        fds[i] = open_connection(GET("1.1"));
        expect(fds[i], "\r\n\r\n", &outs[i]);
    }
    show("one");
    for (int i = 0; i < N_STREAMS; i++) {
        expect(fds[i], "\r\n\r\n3\r\none\r\n", &outs[i]);
        (void)close(fds[i]);
        buf_fini(&outs[i]);
    }
    stop();
}
END_TEST

START_TEST(who_has_nothing_new_is_not_resumed)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    transport_listener_wait_round(http_listener_transport(listener));
    transport_listener_wait_round(http_listener_transport(listener));
    unsigned n_before = atomic_load(&n_reads); /* there was nothing, so it is parked */
    ck_assert_uint_gt(n_before, 0);
    for (int i = 0; i < 100; i++) {
        http_listener_wake_streams(listener);
        transport_listener_wait_round(http_listener_transport(listener));
    }
    ck_assert_uint_eq(atomic_load(&n_reads), n_before);
    stop();
}
END_TEST

START_TEST(a_waiting_request_is_not_disturbed)
{
    cleanup(buf_fini) struct buf out = {0};
    cleanup(buf_fini) struct buf later_out = {0};
    start_patient();
    atomic_store(&answers_later, true);
    cleanup(cleanup_closep) int later = open_connection("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n");
    cleanup(cleanup_closep) int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    show("one");
    expect(fd, "one", &out);
    struct pollfd poll_fd = {.fd = later, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, 0), 0);
    atomic_store(&answers_later, false);
    http_listener_wake(listener);
    expect(later, "at last", &later_out);
    show("more");
    expect(fd, "more", &out);
    stop();
}
END_TEST

/* Waits until the listener has closed a connection for its time-out, which is shorter for nobody. */
static void let_time_pass(const char *request)
{
    cleanup(buf_fini) struct buf out = {0};
    cleanup(cleanup_closep) int fd = open_connection(request);
    expect_end(fd, &out);
}

START_TEST(no_time_out_runs_while_there_is_nothing_to_send)
{
    cleanup(buf_fini) struct buf out = {0};
    start((struct transport_config){
        .idle_timeout_ms = SHORT_MS, .request_timeout_ms = SHORT_MS, .stream_timeout_ms = SHORT_MS});
    cleanup(cleanup_closep) int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    for (int i = 0; i < 3; i++) {
        let_time_pass("GET /short HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* idle_timeout */
        let_time_pass("GET /sho");                                       /* request_timeout */
    }
    show("one");
    expect(fd, "\r\n\r\n3\r\none\r\n", &out);
    ck_assert_uint_eq(counters().n_streams_cut, 0);
    stop();
}
END_TEST

START_TEST(who_takes_nothing_is_cut_off_and_counted_and_others_are_not)
{
    cleanup(buf_fini) struct buf out = {0};
    start((struct transport_config){
        .idle_timeout_ms = LONG_MS, .request_timeout_ms = LONG_MS, .stream_timeout_ms = SHORT_MS});
    cleanup(cleanup_closep) int slow = open_connection(GET("1.1"));
    cleanup(cleanup_closep) int fast = open_connection(GET("1.1"));
    expect(fast, "\r\n\r\n", &out);
    set(&source.is_endless);
    while (counters().n_streams_cut == 0) {
        buf_clear(&out);
        ck_assert(receive(fast, &out));
    }
    await(&n_open, 1);
    for (int i = 0; i < 100; i++) {
        buf_clear(&out);
        ck_assert(receive(fast, &out));
    }
    ck_assert_uint_eq(counters().n_streams_cut, 1);
    ck_assert_uint_eq(counters().n_timed_out, 0);
    stop();
}
END_TEST

START_TEST(who_is_too_far_behind_is_cut_off_and_counted)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    set(&source.is_too_slow);
    expect_end(fd, &out);
    ck_assert_ptr_null(strstr(out.ptr, "0\r\n\r\n")); /* no end in order */
    await(&n_open, 0);
    ck_assert_uint_eq(counters().n_streams_cut, 1);
    stop();
}
END_TEST

START_TEST(a_reader_that_leaves_ends_its_stream)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    (void)close(fd);
    await(&n_open, 0);
    ck_assert_uint_eq(counters().n_streams_cut, 0);
    stop();
}
END_TEST

START_TEST(a_drain_ends_streams_in_order_and_does_not_wait_for_slow_readers)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int fd = open_connection(GET("1.1"));
    expect(fd, "\r\n\r\n", &out);
    cleanup(cleanup_closep) int slow = open_connection(GET("1.1"));
    await(&n_open, 2);
    struct transport_listener *transport = http_listener_transport(listener);
    transport_listener_drain(transport);
    show("still served");
    expect(fd, "still served", &out);
    (void)pthread_mutex_lock(&source.lock);
    for (int i = 0; i < 1000000; i++) {
        buf_append(&source.text, STR("more than a socket holds"));
    }
    (void)pthread_mutex_unlock(&source.lock);
    show("!");
    receive_past(fd, '!'); /* so that only the end is left to this one */
    transport_listener_pause(transport);
    buf_clear(&out);
    expect_end(fd, &out);
    ck_assert_ptr_nonnull(strstr(out.ptr, "7\r\ngoodbye\r\n0\r\n\r\n"));
    ck_assert(transport_listener_wait_idle(transport, DEADLINE_MS));
    ck_assert_uint_eq(atomic_load(&n_finished), 2);
    ck_assert_uint_eq(atomic_load(&n_open), 1);
    stop();
}
END_TEST

START_TEST(a_listener_is_freed_with_its_streams)
{
    cleanup(buf_fini) struct buf out = {0};
    start_patient();
    cleanup(cleanup_closep) int parked = open_connection(GET("1.1"));
    expect(parked, "\r\n\r\n", &out);
    cleanup(cleanup_closep) int full = open_connection(GET("1.1"));
    await(&n_open, 2);
    set(&source.is_endless);
    await(&n_open, 2);
    stop();
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("streams");
    TCase *tcase = tcase_create("streams");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, the_head_comes_before_the_first_byte_and_each_byte_when_it_is_there);
    tcase_add_test(tcase, http_1_0_gets_the_bytes_as_they_are_until_the_end);
    tcase_add_test(tcase, head_gets_the_head_alone);
    tcase_add_test(tcase, a_stream_may_follow_other_requests_of_its_connection);
    tcase_add_test(tcase, one_wake_up_serves_all_streams_of_a_thread);
    tcase_add_test(tcase, who_has_nothing_new_is_not_resumed);
    tcase_add_test(tcase, a_waiting_request_is_not_disturbed);
    tcase_add_test(tcase, no_time_out_runs_while_there_is_nothing_to_send);
    tcase_add_test(tcase, who_takes_nothing_is_cut_off_and_counted_and_others_are_not);
    tcase_add_test(tcase, who_is_too_far_behind_is_cut_off_and_counted);
    tcase_add_test(tcase, a_reader_that_leaves_ends_its_stream);
    tcase_add_test(tcase, a_drain_ends_streams_in_order_and_does_not_wait_for_slow_readers);
    tcase_add_test(tcase, a_listener_is_freed_with_its_streams);
    suite_add_tcase(suite, tcase);
    return suite;
}
