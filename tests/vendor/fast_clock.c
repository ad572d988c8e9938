/* SPDX-License-Identifier: MIT */
/* The clock of a day that takes a minute, laid under the daemon with LD_PRELOAD: all clocks are what clock.py
 * says, and stand still in between.
 *
 * A thread that waits in poll() for a time has to wake when that time has passed by this clock. It says from
 * when on it sleeps and until when; clock.py moves the clock no further than the earliest such time while the
 * thread may still be doing something, and wakes it. So nothing depends on how fast the machine is. Waits of
 * other kinds last as long as they would; no rule of the table needs them.
 *
 * FAST_CLOCK names a file, little-endian:
 *
 *   i64     nanoseconds since the daemon was started
 *   i64     what CLOCK_REALTIME was then, in nanoseconds
 *   4 times: i64, until when a thread sleeps: INT64_MAX for ever, -1 it does not
 *
 * and two FIFOs beside it: NAME.asleep, where a thread writes its number when it goes to sleep, and
 * NAME.wake.N, where it reads a byte when its time has come. */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define N_SLEEPERS 4
#define N_FDS_MAX 64
#define SECOND_NS INT64_C(1000000000)
#define BOOT_S 100000 /* what the clocks since boot begin with */

struct page {
    _Atomic int64_t elapsed_ns;
    int64_t start_unix_ns;
    _Atomic int64_t asleep_until_ns[N_SLEEPERS];
};

static int (*real_clock_gettime)(clockid_t id, struct timespec *ret_time);
static int (*real_poll)(struct pollfd *fds, nfds_t n_fds, int timeout_ms);
static struct page *page;
static int asleep_fd;
static int wake_fds[N_SLEEPERS];
static _Atomic int n_sleepers;
static _Thread_local int sleeper = -1;

static int open_beside(const char *path, const char *suffix)
{
    char name[PATH_MAX];
    (void)snprintf(name, sizeof(name), "%s.%s", path, suffix);
    int fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        abort();
    }
    return fd;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("FAST_CLOCK");
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    *(void **)&real_poll = dlsym(RTLD_NEXT, "poll");
    if (page != NULL) {
        return;
    }
    if (path == NULL || real_clock_gettime == NULL || real_poll == NULL) {
        abort();
    }
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *bytes = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        abort();
    }
    (void)close(fd);
    asleep_fd = open_beside(path, "asleep");
    for (int i = 0; i < N_SLEEPERS; i++) {
        char suffix[16];
        (void)snprintf(suffix, sizeof(suffix), "wake.%d", i);
        wake_fds[i] = open_beside(path, suffix);
    }
    page = bytes;
}

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    if (page == NULL) {
        begin(); /* from the constructor of another library */
    }
    if (id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID) {
        return real_clock_gettime(id, ret_time);
    }
    int64_t ns = atomic_load(&page->elapsed_ns);
    ns += id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE ? page->start_unix_ns : BOOT_S * SECOND_NS;
    *ret_time = (struct timespec){.tv_sec = ns / SECOND_NS, .tv_nsec = ns % SECOND_NS};
    return 0;
}

/* libcurl asks this for its own time-outs where it was built so. */
time_t time(time_t *ret_time)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (ret_time != NULL) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}

static void number_sleeper(void)
{
    if (sleeper < 0) {
        sleeper = atomic_fetch_add(&n_sleepers, 1);
    }
    if (sleeper >= N_SLEEPERS) {
        abort();
    }
}

static int sleep_until(int64_t until_ns, struct pollfd *fds, nfds_t n_fds)
{
    struct pollfd all[N_FDS_MAX + 1];
    char byte = (char)('0' + sleeper);
    memcpy(all, fds, n_fds * sizeof(*fds));
    all[n_fds] = (struct pollfd){.fd = wake_fds[sleeper], .events = POLLIN};
    atomic_store(&page->asleep_until_ns[sleeper], until_ns);
    if (write(asleep_fd, &byte, 1) != 1) {
        abort();
    }
    int n;
    do {
        n = real_poll(all, n_fds + 1, -1);
        if (n > 0 && all[n_fds].revents != 0) {
            n -= read(wake_fds[sleeper], &byte, 1) == 1;
        }
    } while (n == 0 && atomic_load(&page->elapsed_ns) < until_ns);
    atomic_store(&page->asleep_until_ns[sleeper], -1);
    for (nfds_t i = 0; i < n_fds; i++) {
        fds[i].revents = all[i].revents;
    }
    return n;
}

int poll(struct pollfd *fds, nfds_t n_fds, int timeout_ms)
{
    if (page == NULL) {
        begin();
    }
    int n = real_poll(fds, n_fds, 0);
    if (n != 0 || timeout_ms == 0 || n_fds > N_FDS_MAX) {
        return n;
    }
    number_sleeper();
    return sleep_until(timeout_ms < 0 ? INT64_MAX
                                      : atomic_load(&page->elapsed_ns) + timeout_ms * INT64_C(1000000),
                       fds, n_fds);
}
