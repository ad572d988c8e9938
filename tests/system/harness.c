/* SPDX-License-Identifier: MIT */
#include "harness.h"

#include "pki.h"

#include "presenced/clock.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A pipe of this size takes what a daemon logs in a test, so nobody needs to read while it runs. */
#define LOG_PIPE_BYTES (1 << 20)

#define N_ARGUMENTS_MAX 32

/* libcheck gives up on a message of more than 4 KiB. */
#define EXCERPT "%.3500s"

struct sandbox {
    char path[128];
    unsigned n_configs;
};

struct instance {
    pid_t pid;
    int log_fd;
    struct buf log;
    uint16_t callback_port;
    uint16_t status_port;
};

unsigned harness_slowness(void)
{
    const char *text = getenv("PRESENCED_TEST_SLOWNESS");
    uint64_t value = 1;
    if (text != NULL && *text != '\0') {
        ck_assert(str_parse_u64(str_from(text), 1000, &value));
    }
    return value == 0 ? 1 : (unsigned)value;
}

const char *buf_text(struct buf *buf)
{
    char *end = buf_reserve(buf, 1);
    ck_assert_ptr_nonnull(end);
    *end = '\0';
    return buf->ptr;
}

const char *harness_daemon(void)
{
    const char *path = getenv("PRESENCED_BINARY");
    ck_assert_msg(path != NULL, "PRESENCED_BINARY does not say which daemon to test");
    return path;
}

const char *harness_client(void)
{
    static char path[512];
    const char *daemon = harness_daemon();
    const char *slash = strrchr(daemon, '/');
    ck_assert_ptr_nonnull(slash);
    int n = snprintf(path, sizeof(path), "%.*s/presencectl", (int)(slash - daemon), daemon);
    ck_assert_int_lt(n, (int)sizeof(path));
    return path;
}

/* Sandbox. */

struct sandbox *sandbox_new(void)
{
    struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
    ck_assert_ptr_nonnull(sandbox);
    const char *parent = getenv("TMPDIR");
    int n = snprintf(sandbox->path, sizeof(sandbox->path), "%s/presenced-test-XXXXXX",
                     parent == NULL ? "/tmp" : parent);
    /* Room for a Unix socket's name in it, which is 108 bytes at most. */
    ck_assert_int_lt(n, 90);
    ck_assert_msg(mkdtemp(sandbox->path) != NULL, "cannot make %s", sandbox->path);
    pki_write(sandbox->path);
    return sandbox;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void sandbox_free(struct sandbox *sandbox)
{
    if (sandbox == NULL) {
        return;
    }
    (void)nftw(sandbox->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    free(sandbox);
}

const char *sandbox_path(const struct sandbox *sandbox)
{
    return sandbox->path;
}

char *sandbox_expand(const struct sandbox *sandbox, const char *text)
{
    static const char mark[] = "@DIR@";
    cleanup(buf_fini) struct buf out = {0};
    const char *found;
    while ((found = strstr(text, mark)) != NULL) {
        buf_append(&out, (struct str){text, (size_t)(found - text)});
        buf_append(&out, str_from(sandbox->path));
        text = found + sizeof(mark) - 1;
    }
    buf_append(&out, str_from(text));
    char *copy = strdup(buf_text(&out));
    ck_assert_ptr_nonnull(copy);
    return copy;
}

static void sandbox_file(const struct sandbox *sandbox, const char *name, char ret_path[static 512])
{
    (void)snprintf(ret_path, 512, "%s/%s", sandbox->path, name);
}

void sandbox_write(const struct sandbox *sandbox, const char *name, const char *text)
{
    char path[512];
    sandbox_file(sandbox, name, path);
    cleanup(cleanup_freep) char *expanded = sandbox_expand(sandbox, text);
    FILE *file = fopen(path, "we");
    ck_assert_msg(file != NULL, "cannot write %s", path);
    ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
    ck_assert_int_ge(fputs(expanded, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* Takes what is there; returns false at the end of the file. */
static bool read_some(int fd, struct buf *out)
{
    char *end = buf_reserve(out, 65536);
    ck_assert_ptr_nonnull(end);
    ssize_t n = read(fd, end, 65536);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
        return true;
    }
    ck_assert_int_ge(n, 0);
    out->len += (size_t)n;
    return n > 0;
}

static void read_to_end(int fd, struct buf *out)
{
    while (read_some(fd, out)) {}
}

struct buf sandbox_read(const struct sandbox *sandbox, const char *name)
{
    char path[512];
    sandbox_file(sandbox, name, path);
    cleanup(cleanup_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0, "cannot read %s", path);
    struct buf content = {0};
    read_to_end(fd, &content);
    return content;
}

/* Processes. */

struct command {
    char *arguments[N_ARGUMENTS_MAX]; /* the program first, NULL last */
};

static void command_init(struct command *command, const struct sandbox *sandbox, const char *program,
                         const char *const *arguments)
{
    size_t n = 0;
    command->arguments[n++] = sandbox_expand(sandbox, program);
    for (; *arguments != NULL; arguments++) {
        ck_assert_uint_lt(n, N_ARGUMENTS_MAX - 1);
        command->arguments[n++] = sandbox_expand(sandbox, *arguments);
    }
    command->arguments[n] = NULL;
}

static void command_fini(struct command *command)
{
    for (size_t i = 0; command->arguments[i] != NULL; i++) {
        free(command->arguments[i]);
    }
}

/* -1 leaves an output as it is. The child dies with the test, however that ends: setpriv sees to it. Not with
 * fork(): a child of a process whose other threads run may hang in ThreadSanitizer before it gets to exec. */
static pid_t command_start(const struct command *command, int stdout_fd, int stderr_fd)
{
    char *arguments[N_ARGUMENTS_MAX + 4] = {"setpriv", "--pdeathsig", "KILL", "--"};
    (void)memcpy(&arguments[4], command->arguments, sizeof(command->arguments));
    posix_spawn_file_actions_t actions;
    ck_assert_int_eq(posix_spawn_file_actions_init(&actions), 0);
    if (stdout_fd >= 0) {
        ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO), 0);
    }
    if (stderr_fd >= 0) {
        ck_assert_int_eq(posix_spawn_file_actions_adddup2(&actions, stderr_fd, STDERR_FILENO), 0);
    }
    posix_spawnattr_t attributes;
    sigset_t signals; /* that the test may ignore */
    ck_assert_int_eq(posix_spawnattr_init(&attributes), 0);
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGPIPE);
    ck_assert_int_eq(posix_spawnattr_setsigdefault(&attributes, &signals), 0);
    ck_assert_int_eq(posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF), 0);
    pid_t pid;
    ck_assert_int_eq(posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments, environ), 0);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int wait_for_exit(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        ck_assert_int_eq(errno, EINTR);
    }
    return status;
}

int sandbox_run(const struct sandbox *sandbox, const char *program, const char *const *arguments,
                struct buf *ret_output)
{
    struct command command;
    command_init(&command, sandbox, program, arguments);
    int output[2];
    ck_assert_int_eq(pipe2(output, O_CLOEXEC), 0);
    pid_t pid = command_start(&command, output[1], output[1]);
    (void)close(output[1]);
    read_to_end(output[0], ret_output);
    (void)close(output[0]);
    command_fini(&command);
    int status = wait_for_exit(pid);
    ck_assert_msg(WIFEXITED(status), "%s was ended by signal %d", program, WTERMSIG(status));
    return WEXITSTATUS(status);
}

pid_t sandbox_spawn(const struct sandbox *sandbox, const char *program, const char *const *arguments,
                    const char *log_name)
{
    char path[512];
    sandbox_file(sandbox, log_name, path);
    cleanup(cleanup_closep) int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    struct command command;
    command_init(&command, sandbox, program, arguments);
    pid_t pid = command_start(&command, fd, fd);
    command_fini(&command);
    return pid;
}

void process_stop(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGTERM), 0);
    (void)wait_for_exit(pid);
}

uint16_t harness_free_port(void)
{
    cleanup(cleanup_closep) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, size), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

/* Instance. */

/* The text of a log line's field, without its quotes; ptr NULL when the line has no such field. */
static struct str line_field(struct str line, const char *name)
{
    char mark[64];
    size_t mark_len = (size_t)snprintf(mark, sizeof(mark), " %s=", name);
    const char *found = memmem(line.ptr, line.len, mark, mark_len);
    if (found == NULL) {
        return (struct str){0};
    }
    const char *begin = found + mark_len;
    const char *end = line.ptr + line.len;
    char stop = ' ';
    if (begin < end && *begin == '"') {
        begin++;
        stop = '"';
    }
    const char *close = memchr(begin, stop, (size_t)(end - begin));
    return (struct str){begin, (size_t)((close == NULL ? end : close) - begin)};
}

static uint16_t address_port(struct str address)
{
    const char *colon = memrchr(address.ptr, ':', address.len);
    uint64_t port = 0;
    if (colon != NULL) {
        struct str digits = {colon + 1, address.len - (size_t)(colon + 1 - address.ptr)};
        (void)str_parse_u64(digits, UINT16_MAX, &port);
    }
    return (uint16_t)port;
}

static void note_listener(struct instance *instance, struct str line)
{
    uint16_t *port = str_equal(line_field(line, "listener"), STR("status")) ? &instance->status_port
                                                                            : &instance->callback_port;
    if (*port == 0) {
        *port = address_port(line_field(line, "address"));
    }
}

/* Whether the daemon has said that it is ready, which comes after all it says of its listeners. */
static bool read_start(struct instance *instance)
{
    struct str rest = buf_str(&instance->log);
    struct str line;
    while (str_split(&rest, '\n', &line) && rest.ptr != NULL) {
        struct str message = line_field(line, "msg");
        if (str_equal(message, STR("listening"))) {
            note_listener(instance, line);
        } else if (str_equal(message, STR("ready"))) {
            return true;
        }
    }
    return false;
}

/* Waits for more of the log. False when there is none: the daemon has gone, or the deadline has passed. */
static bool read_log(struct instance *instance, uint64_t deadline_ms)
{
    uint64_t now_ms = clock_monotonic_ms();
    struct pollfd poll_fd = {.fd = instance->log_fd, .events = POLLIN};
    if (now_ms >= deadline_ms || poll(&poll_fd, 1, (int)(deadline_ms - now_ms)) <= 0) {
        return false;
    }
    return read_some(instance->log_fd, &instance->log);
}

static void await_start(struct instance *instance)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!read_start(instance)) {
        ck_assert_msg(read_log(instance, deadline_ms), "the daemon does not start; it says:\n" EXCERPT,
                      buf_text(&instance->log));
    }
}

static pid_t start_daemon(struct sandbox *sandbox, const char *config_name, int log_fd)
{
    char path[512];
    sandbox_file(sandbox, config_name, path);
    const char *const arguments[] = {"--config", path, NULL};
    struct command command;
    command_init(&command, sandbox, harness_daemon(), arguments);
    pid_t pid = command_start(&command, -1, log_fd);
    command_fini(&command);
    return pid;
}

struct instance *instance_start(struct sandbox *sandbox, const char *config)
{
    struct instance *instance = calloc(1, sizeof(*instance));
    ck_assert_ptr_nonnull(instance);
    char config_name[32];
    (void)snprintf(config_name, sizeof(config_name), "presenced-%u.conf", sandbox->n_configs++);
    sandbox_write(sandbox, config_name, config);
    int pipe_fds[2];
    ck_assert_int_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    /* Not allowed to a user with many pipes; the usual 64 KiB do for most tests. */
    (void)fcntl(pipe_fds[0], F_SETPIPE_SZ, LOG_PIPE_BYTES);
    instance->log_fd = pipe_fds[0];
    instance->pid = start_daemon(sandbox, config_name, pipe_fds[1]);
    (void)close(pipe_fds[1]);
    await_start(instance);
    return instance;
}

uint16_t instance_callback_port(const struct instance *instance)
{
    return instance->callback_port;
}

uint16_t instance_status_port(const struct instance *instance)
{
    return instance->status_port;
}

pid_t instance_pid(const struct instance *instance)
{
    return instance->pid;
}

static bool log_holds(struct instance *instance, const char *text, unsigned n)
{
    const char *at = buf_text(&instance->log);
    while (n > 0 && (at = strstr(at, text)) != NULL) {
        at += strlen(text);
        n--;
    }
    return n == 0;
}

void instance_await_log_times(struct instance *instance, const char *text, unsigned n)
{
    uint64_t deadline_ms = clock_monotonic_ms() + HARNESS_DEADLINE_MS;
    while (!log_holds(instance, text, n)) {
        ck_assert_msg(read_log(instance, deadline_ms),
                      "the daemon does not say \"%s\" %u times; it says:\n" EXCERPT, text, n,
                      buf_text(&instance->log));
    }
}

void instance_await_log(struct instance *instance, const char *text)
{
    instance_await_log_times(instance, text, 1);
}

struct buf instance_log(struct instance *instance)
{
    while (read_log(instance, clock_monotonic_ms() + 1)) {}
    struct buf copy = {0};
    buf_append(&copy, buf_str(&instance->log));
    return copy;
}

/* The line a sanitizer's report begins with, or NULL. */
static const char *find_report(const char *log)
{
    static const char *const marks[] = {"ThreadSanitizer", "AddressSanitizer", "LeakSanitizer",
                                        "runtime error:"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        const char *found = strstr(log, marks[i]);
        if (found != NULL) {
            const char *line = memrchr(log, '\n', (size_t)(found - log));
            return line == NULL ? log : line + 1;
        }
    }
    return NULL;
}

uint64_t resident_bytes(pid_t pid)
{
    char path[64];
    uint64_t n_pages = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*u %" SCNu64, &n_pages), 1);
    (void)fclose(file);
    return n_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void instance_stop(struct instance *instance)
{
    ck_assert_int_eq(kill(instance->pid, SIGTERM), 0);
    read_to_end(instance->log_fd, &instance->log);
    int status = wait_for_exit(instance->pid);
    const char *log = buf_text(&instance->log);
    const char *report = find_report(log);
    ck_assert_msg(report == NULL, EXCERPT, report);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "wait status %#x, log:\n" EXCERPT,
                  (unsigned)status, log);
    (void)close(instance->log_fd);
    buf_fini(&instance->log);
    free(instance);
}

bool harness_library_is_strict(void)
{
    return MHD_get_version()[0] != '0';
}
