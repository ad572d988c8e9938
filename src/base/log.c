/* SPDX-License-Identifier: MIT */

/* Callers add whole lines at `head`, the writer thread takes bytes out at `tail`:
 *
 *     callers --lock--> [ ring: tail ... head ] --no lock--> poll, write --> stderr
 *
 * The bytes between the two belong to the writer thread, so it writes them directly from the ring and takes
 * the lock only to advance `tail`. `head` and `tail` count bytes since the start and are never reduced modulo
 * the size.
 *
 * Once a line does not fit, all lines are dropped until RESUME_ROOM_BYTES of the ring are free again. So
 * lines are lost in one contiguous gap, and a line in its place says how many. */

#include "presenced/log.h"

#include "log_line.h"
#include "presenced/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define RING_SIZE_BYTES (UINT64_C(256) * 1024)

/* A pipe that poll() reports as writable accepts this much without blocking (pipe(7): PIPE_BUF). */
#define WRITE_MAX_BYTES 4096

#define RESUME_ROOM_BYTES (RING_SIZE_BYTES / 4) /* free space at which dropping ends */
#define POLL_MS 100

/* How long a stalled stderr may delay log_stop(), or a caller that writes its line itself. */
#define STALL_TIMEOUT_MS 1000

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running;
    bool stopping;
    uint64_t give_up_ms; /* deadline for a stalled stderr; used once `stopping` is set */
    uint64_t head;
    uint64_t tail;
    uint64_t n_reported; /* part of n_dropped that was reported in the log */
    _Atomic uint64_t n_dropped;
    _Atomic unsigned level;
    _Atomic unsigned style;
    _Atomic bool hash_users; /* needs user_key, which is generated before this is first set */
    bool has_user_key;
    struct siphash_key user_key;
    char ring[RING_SIZE_BYTES];
} state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .level = LOG_LEVEL_INFO,
};

/* JOURNAL_STREAM holds device and inode of the stream (systemd.exec(5)). They are compared, because a child
 * process whose stderr was redirected still inherits the variable. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uint64_t device;
    uint64_t inode;
    struct str head;
    struct stat st;
    if (stream == NULL) {
        return false;
    }
    struct str rest = str_from(stream);
    return str_split(&rest, ':', &head) && str_parse_u64(head, UINT64_MAX, &device) &&
           str_parse_u64(rest, UINT64_MAX, &inode) && fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
           st.st_ino == inode;
}

void log_configure(const struct log_config *config)
{
    bool is_journal = stderr_is_journal();
    enum log_line_style text = is_journal ? LOG_LINE_JOURNAL : LOG_LINE_TEXT;
    enum log_line_style json = is_journal ? LOG_LINE_JOURNAL_JSON : LOG_LINE_JSON;
    if (config->hash_users && !state.has_user_key) {
        arc4random_buf(&state.user_key, sizeof(state.user_key));
        state.has_user_key = true;
    }
    atomic_store(&state.hash_users, config->hash_users);
    atomic_store(&state.style, config->json ? json : text);
    atomic_store(&state.level, config->level);
}

bool log_takes(enum log_level level)
{
    return level <= atomic_load_explicit(&state.level, memory_order_relaxed);
}

uint64_t log_n_dropped(void)
{
    return atomic_load(&state.n_dropped);
}

void log_metrics(const struct metric_visitor *visitor)
{
    static const struct metric dropped = {
        .name = "presenced_log_dropped_lines_total",
        .type = METRIC_COUNTER,
        .help = "Log lines that were lost, for nobody took them.",
        .key = "lines_dropped",
    };
    metric_visit(visitor, &dropped, log_n_dropped());
}

/* Writes as much as stderr accepts within POLL_MS. Returns the number of bytes, 0 if it accepted none. After
 * an error that retrying cannot fix, the bytes count as written. */
static size_t write_some(struct str bytes)
{
    struct pollfd pollfd = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&pollfd, 1, POLL_MS) == 0) {
        return 0;
    }
    ssize_t n = write(STDERR_FILENO, bytes.ptr, bytes.len < WRITE_MAX_BYTES ? bytes.len : WRITE_MAX_BYTES);
    if (n < 0) {
        return errno == EINTR || errno == EAGAIN ? 0 : bytes.len;
    }
    return (size_t)n;
}

static void write_at_once(struct str line)
{
    uint64_t give_up_ms = clock_monotonic_ms() + STALL_TIMEOUT_MS;
    while (line.len > 0 && clock_monotonic_ms() < give_up_ms) {
        size_t n = write_some(line);
        line.ptr += n;
        line.len -= n;
    }
    if (line.len > 0) {
        atomic_fetch_add(&state.n_dropped, 1);
    }
}

/* Copies a line into the ring; the lock is held. Returns whether there was room. */
static bool put(struct str line)
{
    uint64_t at = state.head % RING_SIZE_BYTES;
    uint64_t until_end = RING_SIZE_BYTES - at;
    if (line.len > RING_SIZE_BYTES - (state.head - state.tail)) {
        return false;
    }
    size_t first = line.len < until_end ? line.len : until_end;
    memcpy(state.ring + at, line.ptr, first);
    memcpy(state.ring, line.ptr + first, line.len - first);
    if (state.head == state.tail) {
        (void)pthread_cond_signal(&state.wake);
    }
    state.head += line.len;
    return true;
}

static void append_line(struct buf *out, enum log_level level, const char *message,
                        const struct log_field *fields, size_t n_fields)
{
    const struct log_line_format format = {
        .style = (enum log_line_style)atomic_load(&state.style),
        .user_key = atomic_load(&state.hash_users) ? &state.user_key : NULL,
    };
    log_line_append(out, &format, clock_unix_ms(), level, message, fields, n_fields);
}

/* Called with the lock held. Returns whether lines are accepted. After a gap it first logs the number of
 * dropped lines. */
static bool end_gap(void)
{
    cleanup(buf_fini) struct buf line = {0};
    uint64_t n_dropped = log_n_dropped();
    if (n_dropped == state.n_reported) {
        return true;
    }
    if (RING_SIZE_BYTES - (state.head - state.tail) < RESUME_ROOM_BYTES) {
        return false;
    }
    if (log_takes(LOG_LEVEL_WARNING)) {
        append_line(&line, LOG_LEVEL_WARNING, "log lines dropped",
                    (const struct log_field[]){log_u64("n", n_dropped - state.n_reported)}, 1);
        if (line.failed || !put(buf_str(&line))) {
            return false;
        }
    }
    state.n_reported = n_dropped;
    return true;
}

/* Copies the line into the ring. Returns false if no writer thread is running. */
static bool enqueue(struct str line)
{
    (void)pthread_mutex_lock(&state.lock);
    bool running = state.running;
    if (running && !(end_gap() && put(line))) {
        atomic_fetch_add(&state.n_dropped, 1);
    }
    (void)pthread_mutex_unlock(&state.lock);
    return running;
}

void log_write(enum log_level level, const char *message, const struct log_field *fields, size_t n_fields)
{
    cleanup(buf_fini) struct buf line = {0};
    if (!log_takes(level)) {
        return;
    }
    int saved_errno = errno;
    append_line(&line, level, message, fields, n_fields);
    if (line.failed) {
        atomic_fetch_add(&state.n_dropped, 1);
    } else if (!enqueue(buf_str(&line))) {
        write_at_once(buf_str(&line));
    }
    errno = saved_errno;
}

/* Returns the contiguous bytes at the tail. */
static struct str pending(void)
{
    uint64_t at = state.tail % RING_SIZE_BYTES;
    uint64_t len = state.head - state.tail;
    return (struct str){state.ring + at, len < RING_SIZE_BYTES - at ? len : RING_SIZE_BYTES - at};
}

/* Discards what is left in the ring and counts its lines as dropped; this can no longer be logged. The lock
 * is held. */
static void discard(void)
{
    for (; state.tail != state.head; state.tail++) {
        if (state.ring[state.tail % RING_SIZE_BYTES] == '\n') {
            atomic_fetch_add(&state.n_dropped, 1);
        }
    }
    state.n_reported = log_n_dropped();
}

/* Writes bytes from the tail. Called with the lock held, which is released during the write. */
static void write_pending(void)
{
    struct str bytes = pending();
    (void)pthread_mutex_unlock(&state.lock);
    size_t n = write_some(bytes);
    uint64_t now_ms = clock_monotonic_ms();
    (void)pthread_mutex_lock(&state.lock);
    state.tail += n;
    if (n > 0) {
        state.give_up_ms = now_ms + STALL_TIMEOUT_MS;
    } else if (state.stopping && now_ms > state.give_up_ms) {
        discard();
    }
}

static void *writer_main(void *unused)
{
    (void)unused;
    (void)pthread_mutex_lock(&state.lock);
    for (;;) {
        if (state.head == state.tail && !state.stopping) {
            (void)pthread_cond_wait(&state.wake, &state.lock);
        }
        (void)end_gap();
        if (state.head != state.tail) {
            write_pending();
        } else if (state.stopping) {
            break;
        }
    }
    state.running = false;
    (void)pthread_mutex_unlock(&state.lock);
    return NULL;
}

/* Blocks all signals in the thread: a SIGPIPE here becomes EPIPE, and all others are for the daemon's
 * threads. */
static int start_thread(void)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&state.thread, NULL, writer_main, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r == 0) {
        (void)pthread_setname_np(state.thread, "log");
    }
    return -r;
}

int log_start(void)
{
    (void)pthread_mutex_lock(&state.lock);
    int r = state.running ? -EALREADY : start_thread();
    if (r == 0) {
        state.running = true;
        state.stopping = false;
    }
    (void)pthread_mutex_unlock(&state.lock);
    return r;
}

void log_stop(void)
{
    (void)pthread_mutex_lock(&state.lock);
    bool running = state.running;
    state.stopping = true;
    state.give_up_ms = clock_monotonic_ms() + STALL_TIMEOUT_MS;
    (void)pthread_cond_signal(&state.wake);
    (void)pthread_mutex_unlock(&state.lock);
    if (running) {
        (void)pthread_join(state.thread, NULL);
    }
}

/* A token bucket in a single number: the time in microseconds at which the bucket is full again. Each line
 * adds the time that one token takes to refill. A line may pass while the bucket is fewer than `burst` tokens
 * short of full. */
bool log_limit_pass_at(struct log_limit *limit, uint64_t now_ms, uint64_t *ret_n_suppressed)
{
    uint64_t now_us = now_ms * 1000;
    uint64_t token_us = limit->per_second == 0 ? 0 : 1000000 / limit->per_second;
    uint64_t full_us = atomic_load(&limit->state);
    uint64_t next_us;
    do {
        uint64_t from_us = full_us > now_us ? full_us : now_us;
        next_us = from_us + token_us;
        if (limit->per_second == 0 || next_us - now_us > token_us * limit->burst) {
            atomic_fetch_add(&limit->n_suppressed, 1);
            return false;
        }
    } while (!atomic_compare_exchange_weak(&limit->state, &full_us, next_us));
    *ret_n_suppressed = atomic_exchange(&limit->n_suppressed, 0);
    return true;
}

bool log_limit_pass(struct log_limit *limit, uint64_t *ret_n_suppressed)
{
    return log_limit_pass_at(limit, clock_monotonic_ms(), ret_n_suppressed);
}
