/* SPDX-License-Identifier: MIT */
#include "process.h"

#include "presenced/array.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

static uint64_t us_of(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static uint64_t read_cpu_us(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? us_of(usage.ru_utime) + us_of(usage.ru_stime)
                                               : METRIC_UNKNOWN;
}

/* The second number of /proc/self/statm, in pages (proc(5)). */
static uint64_t read_resident_bytes(void)
{
    char bytes[128];
    cleanup(cleanup_closep) int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));
    struct str text = {bytes, n < 0 ? 0 : (size_t)n};
    struct str field;
    uint64_t n_pages;
    for (unsigned i = 0; i < 2; i++) {
        if (!str_split(&text, ' ', &field)) {
            return METRIC_UNKNOWN;
        }
    }
    bool is_number = str_parse_u64(field, UINT64_MAX / 1048576, &n_pages);
    return is_number ? n_pages * (uint64_t)sysconf(_SC_PAGESIZE) : METRIC_UNKNOWN;
}

static uint64_t read_n_fds(void)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;
    uint64_t n = 0;
    if (folder == NULL) {
        return METRIC_UNKNOWN;
    }
    /* readdir() is safe, because the stream is used by this thread only. */
    while ((entry = readdir(folder)) != NULL) {
        n += entry->d_name[0] != '.';
    }
    (void)closedir(folder);
    return n - 1; /* without the descriptor of the folder itself */
}

static uint64_t read_n_fds_max(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return METRIC_UNKNOWN;
    }
    return limit.rlim_cur;
}

void process_numbers(uint64_t started_unix_ms, struct process_numbers *ret_numbers)
{
    *ret_numbers = (struct process_numbers){
        .cpu_us = read_cpu_us(),
        .resident_bytes = read_resident_bytes(),
        .n_fds = read_n_fds(),
        .n_fds_max = read_n_fds_max(),
        .started_unix_ms = started_unix_ms,
    };
}

static const struct metric metrics[] = {
    {.name = "process_cpu_seconds_total",
     .type = METRIC_COUNTER,
     .unit = METRIC_US,
     .help = "User and system CPU time.",
     .offset = offsetof(struct process_numbers, cpu_us)},
    {.name = "process_resident_memory_bytes",
     .type = METRIC_GAUGE,
     .help = "Resident memory.",
     .offset = offsetof(struct process_numbers, resident_bytes)},
    {.name = "process_open_fds",
     .type = METRIC_GAUGE,
     .help = "Open file descriptors.",
     .offset = offsetof(struct process_numbers, n_fds)},
    {.name = "process_max_fds",
     .type = METRIC_GAUGE,
     .help = "File descriptors that may be open.",
     .offset = offsetof(struct process_numbers, n_fds_max)},
    {.name = "process_start_time_seconds",
     .type = METRIC_GAUGE,
     .unit = METRIC_MS,
     .help = "When the process was started, in Unix time.",
     .offset = offsetof(struct process_numbers, started_unix_ms)},
};

void process_metrics(uint64_t started_unix_ms, const struct metric_visitor *visitor)
{
    struct process_numbers numbers;
    process_numbers(started_unix_ms, &numbers);
    metrics_visit(metrics, N_ELEMENTS(metrics), &numbers, STR(""), visitor);
}
