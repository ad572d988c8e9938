/* SPDX-License-Identifier: MIT */
/* Clocks that a test moves, laid under the daemon with LD_PRELOAD: CLOCK_REALTIME is ahead by the seconds
 * that the file MOVED_CLOCK begins with, CLOCK_MONOTONIC by those that follow. What the kernel waits for goes
 * on as it is. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock_gettime)(clockid_t id, struct timespec *ret_time);
static const volatile int64_t *ahead_s; /* two; of a file that is shorter the rest is 0 */

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MOVED_CLOCK");
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (path == NULL || real_clock_gettime == NULL) {
        abort();
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = fd < 0 ? MAP_FAILED : mmap(NULL, 2 * sizeof(*ahead_s), PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) {
        abort();
    }
    (void)close(fd);
    ahead_s = bytes;
}

int clock_gettime(clockid_t id, struct timespec *ret_time)
{
    if (real_clock_gettime == NULL) {
        begin(); /* from the constructor of another library */
    }
    int r = real_clock_gettime(id, ret_time);
    if (r == 0 && id == CLOCK_REALTIME) {
        ret_time->tv_sec += ahead_s[0];
    } else if (r == 0 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
        ret_time->tv_sec += ahead_s[1];
    }
    return r;
}
