/* SPDX-License-Identifier: MIT */
#include "../../src/status/process.h"

#include "suite.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

/* Each number is held against what the system says of it elsewhere. */

#define N_FDS_LOOKED_AT 1024

static struct process_numbers read_numbers(void)
{
    struct process_numbers numbers;
    process_numbers(0, &numbers);
    return numbers;
}

/* One by one. */
static uint64_t count_fds(void)
{
    uint64_t n = 0;
    for (int fd = 0; fd < N_FDS_LOOKED_AT; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

START_TEST(descriptors_are_counted)
{
    uint64_t before = count_fds();
    ck_assert_uint_eq(read_numbers().n_fds, before);
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_lt(fd, N_FDS_LOOKED_AT);
    ck_assert_uint_eq(read_numbers().n_fds, before + 1);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_uint_eq(read_numbers().n_fds, before);
}
END_TEST

START_TEST(the_limit_is_the_soft_one)
{
    struct rlimit before;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_uint_gt(before.rlim_max, 123);
    struct rlimit limit = {.rlim_cur = 123, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(read_numbers().n_fds_max, 123);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

#define TOUCHED_BYTES ((size_t)32 << 20)

/* VmRSS of proc(5). */
static uint64_t resident_kib(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    ck_assert_ptr_nonnull(file);
    while (kib == 0 && fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "VmRSS: %" SCNu64, &kib);
    }
    (void)fclose(file);
    ck_assert_uint_gt(kib, 0);
    return kib;
}

/* The kernel counts by the processor and sums up now and then. */
#define RESIDENT_TOLERANCE_BYTES (UINT64_C(4) << 20)

START_TEST(resident_memory_is_what_was_touched)
{
    void *bytes = mmap(NULL, TOUCHED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    uint64_t before = read_numbers().resident_bytes;
    memset(bytes, 1, TOUCHED_BYTES);
    uint64_t after = read_numbers().resident_bytes;
    uint64_t said_elsewhere = resident_kib() * 1024;
    ck_assert_uint_ne(before, METRIC_UNKNOWN);
    ck_assert_uint_ge(after, before + TOUCHED_BYTES / 2);
    ck_assert_uint_ge(after + RESIDENT_TOLERANCE_BYTES, said_elsewhere);
    ck_assert_uint_le(after, said_elsewhere + RESIDENT_TOLERANCE_BYTES);
    ck_assert_int_eq(munmap(bytes, TOUCHED_BYTES), 0);
}
END_TEST

static uint64_t cpu_clock_us(void)
{
    struct timespec time;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), 0);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

#define WORK_US 50000
#define CPU_TOLERANCE_US 20000 /* where the kernel counts by ticks */

START_TEST(cpu_time_is_that_of_the_process)
{
    uint64_t end_us = cpu_clock_us() + WORK_US;
    while (cpu_clock_us() < end_us) {}
    uint64_t before = cpu_clock_us();
    uint64_t said = read_numbers().cpu_us;
    uint64_t after = cpu_clock_us();
    ck_assert_uint_ge(said + CPU_TOLERANCE_US, before);
    ck_assert_uint_le(said, after + CPU_TOLERANCE_US);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("process");
    TCase *tcase = tcase_create("process");
    tcase_add_test(tcase, descriptors_are_counted);
    tcase_add_test(tcase, resident_memory_is_what_was_touched);
    tcase_add_test(tcase, cpu_time_is_that_of_the_process);
    tcase_add_test(tcase, the_limit_is_the_soft_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
