/* SPDX-License-Identifier: MIT */
#include "redis.h"

#include "presenced/clock.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#define N_ARGUMENTS_MAX 32
#define TIMEOUT_S 10

struct redis {
    pid_t pid;
    uint16_t port;
    redisContext *context;
};

static const char *program(void)
{
    const char *path = getenv("PRESENCED_REDIS");
    ck_assert_msg(path != NULL, "PRESENCED_REDIS does not say where it is");
    return path;
}

/* `path` NULL: by its port. */
static redisContext *connect_to(const struct redis *redis, const char *path)
{
    const struct timeval timeout = {.tv_sec = TIMEOUT_S};
    redisContext *context = path == NULL ? redisConnectWithTimeout("127.0.0.1", redis->port, timeout)
                                         : redisConnectUnixWithTimeout(path, timeout);
    ck_assert_ptr_nonnull(context);
    if (context->err != 0) {
        redisFree(context);
        return NULL;
    }
    ck_assert_int_eq(redisSetTimeout(context, timeout), REDIS_OK);
    return context;
}

struct start {
    const char *name;
    uint16_t port;
    const char *socket;           /* NULL: none */
    const char *const *arguments; /* the program's and what runs it, ended by NULL */
};

static struct redis *spawn(struct sandbox *sandbox, const struct start *start)
{
    struct redis *redis = calloc(1, sizeof(*redis));
    cleanup(cleanup_freep) char *path = start->socket == NULL ? NULL : sandbox_expand(sandbox, start->socket);
    char log_name[64];
    ck_assert_ptr_nonnull(redis);
    (void)snprintf(log_name, sizeof(log_name), "%s.log", start->name);
    redis->port = start->port;
    redis->pid = sandbox_spawn(sandbox, start->arguments[0], start->arguments + 1, log_name);
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while ((redis->context = connect_to(redis, path)) == NULL) {
        ck_assert_msg(clock_monotonic_ms() < deadline_ms, "%s does not answer, see %s", start->name,
                      sandbox_path(sandbox));
        (void)poll(NULL, 0, 5);
    }
    return redis;
}

/* Returns how many there are then. */
static size_t add_words(const char **arguments, size_t n, const char *const *words)
{
    for (; words != NULL && *words != NULL; words++) {
        ck_assert_uint_lt(n, N_ARGUMENTS_MAX - 1);
        arguments[n++] = *words;
    }
    return n;
}

struct redis *redis_start_through(struct sandbox *sandbox, const char *const *through, const char *name,
                                  const char *const *options)
{
    char port_text[8];
    char socket[64];
    uint16_t port = harness_free_port();
    (void)snprintf(port_text, sizeof(port_text), "%u", port);
    (void)snprintf(socket, sizeof(socket), "@DIR@/%s.sock", name);
    const char *const own[] = {program(), "--bind",  "127.0.0.1 127.0.0.2",
                               "--port",  port_text, "--unixsocket",
                               socket,    "--save",  "",
                               "--dir",   "@DIR@",   "--repl-diskless-sync-delay",
                               "0",       NULL};
    const char *arguments[N_ARGUMENTS_MAX] = {NULL};
    size_t n = add_words(arguments, 0, through);
    n = add_words(arguments, n, own);
    (void)add_words(arguments, n, options);
    return spawn(sandbox, &(struct start){name, port, socket, arguments});
}

struct redis *redis_start(struct sandbox *sandbox, const char *name, const char *const *options)
{
    return redis_start_through(sandbox, NULL, name, options);
}

struct redis *redis_start_sentinel(struct sandbox *sandbox, uint16_t primary_port)
{
    const char *const arguments[] = {program(), "@DIR@/sentinel.conf", "--sentinel", NULL};
    char config[512];
    uint16_t port = harness_free_port();
    (void)snprintf(config, sizeof(config),
                   "bind 127.0.0.1\nport %u\ndir @DIR@\nsentinel monitor presence 127.0.0.1 %u 1\n"
                   "sentinel down-after-milliseconds presence 1000\n"
                   "sentinel failover-timeout presence 10000\n",
                   port, primary_port);
    sandbox_write(sandbox, "sentinel.conf", config);
    return spawn(sandbox, &(struct start){"sentinel", port, NULL, arguments});
}

uint16_t redis_port(const struct redis *redis)
{
    return redis->port;
}

pid_t redis_pid(const struct redis *redis)
{
    return redis->pid;
}

static void append_reply(struct buf *out, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY) {
        for (size_t i = 0; i < reply->elements; i++) {
            append_reply(out, reply->element[i]);
            buf_append_char(out, '\n');
        }
    } else if (reply->type == REDIS_REPLY_INTEGER) {
        buf_append_i64(out, reply->integer);
    } else if (reply->type != REDIS_REPLY_NIL) {
        buf_append(out, (struct str){reply->str, reply->len});
    }
}

static struct buf ask(struct redis *redis, const char *text)
{
    const char *words[16];
    size_t lengths[16];
    int n = 0;
    struct str rest = str_from(text);
    struct str word;
    while (str_split(&rest, ' ', &word)) {
        ck_assert_int_lt(n, 16);
        words[n] = word.ptr;
        lengths[n++] = word.len;
    }
    redisReply *reply = redisCommandArgv(redis->context, n, words, lengths);
    ck_assert_msg(reply != NULL, "%s: %s", text, redis->context->errstr);
    struct buf out = {0};
    append_reply(&out, reply);
    freeReplyObject(reply);
    (void)buf_text(&out);
    return out;
}

struct buf redis_ask(struct redis *redis, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return ask(redis, text);
}

void redis_tell(struct redis *redis, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    cleanup(buf_fini) struct buf reply = ask(redis, text);
    ck_assert_msg(strcmp(buf_text(&reply), "OK") == 0, "%s: %s", text, buf_text(&reply));
}

void redis_kill(struct redis *redis)
{
    if (redis == NULL) {
        return;
    }
    int status;
    redisFree(redis->context);
    ck_assert_int_eq(kill(redis->pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(redis->pid, &status, 0), redis->pid);
    free(redis);
}
