/* SPDX-License-Identifier: MIT */
/* A wall clock that a test moves, laid under the daemon with LD_PRELOAD: CLOCK_REALTIME is ahead by the
 * seconds that the file MOVED_CLOCK begins with. All other clocks go on as they are. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock_gettime)(clockid_t id, struct timespec *ret_time);
static const volatile int64_t *ahead_s;

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("MOVED_CLOCK");
    *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
    if (path == NULL || real_clock_gettime == NULL) {
        abort();
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *bytes = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(*ahead_s), PROT_READ, MAP_SHARED, fd, 0);
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
        ret_time->tv_sec += *ahead_s;
    }
    return r;
}
