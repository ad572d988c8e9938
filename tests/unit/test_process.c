/* SPDX-License-Identifier: MIT */
#include "presenced/process.h"

#include "presenced/metrics.h"
#include "suite.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

START_TEST(descriptors_are_counted)
{
    uint64_t before = process_n_fds();
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(process_n_fds(), before + 1);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_uint_eq(process_n_fds(), before);
}
END_TEST

START_TEST(the_limit_is_the_soft_one)
{
    struct rlimit limit = {.rlim_cur = 123, .rlim_max = 456};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(process_n_fds_max(), 123);
}
END_TEST

#define TOUCHED_BYTES ((size_t)32 << 20)

START_TEST(resident_memory_is_what_was_touched)
{
    void *bytes = mmap(NULL, TOUCHED_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(bytes, MAP_FAILED);
    uint64_t before = process_resident_bytes();
    memset(bytes, 1, TOUCHED_BYTES);
    uint64_t after = process_resident_bytes();
    ck_assert_uint_ne(before, METRIC_UNKNOWN);
    ck_assert_uint_ge(after, before + TOUCHED_BYTES / 2);
    ck_assert_int_eq(munmap(bytes, TOUCHED_BYTES), 0);
}
END_TEST

START_TEST(cpu_time_goes_on_with_work)
{
    uint64_t before = process_cpu_us();
    while (process_cpu_us() == before) {}
    ck_assert_uint_ge(process_cpu_us(), before);
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("process");
    TCase *tcase = tcase_create("process");
    tcase_add_test(tcase, descriptors_are_counted);
    tcase_add_test(tcase, resident_memory_is_what_was_touched);
    tcase_add_test(tcase, cpu_time_goes_on_with_work);
    tcase_add_test(tcase, the_limit_is_the_soft_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
