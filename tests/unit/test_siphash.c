/* SPDX-License-Identifier: MIT */
#include "presenced/siphash.h"
#include "suite.h"

/* Key 00 01 … 0f, input 00 01 … of so many bytes. That of 15 stands in the paper, appendix A; the others are
 * of its authors' own list. */
static const struct {
    size_t n_bytes;
    uint64_t hash;
} vectors[] = {
    {0, UINT64_C(0x726fdb47dd0e0e31)}, {1, UINT64_C(0x74f839c593dc67fd)},  {2, UINT64_C(0x0d6c8009d9a94f5a)},
    {8, UINT64_C(0x93f5f5799a932462)}, {15, UINT64_C(0xa129ca6149be45e5)},
};

#define N_VECTORS ((int)(sizeof(vectors) / sizeof(vectors[0])))

START_TEST(gives_the_authors_vectors)
{
    const struct siphash_key key = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    static const uint8_t input[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};
    ck_assert_uint_eq(siphash(&key, input, vectors[_i].n_bytes), vectors[_i].hash);
}
END_TEST

START_TEST(depends_on_the_whole_key)
{
    static const uint8_t input[] = {'a'};
    const struct siphash_key keys[] = {
        {0, 0}, {1, 0}, {0, 1}, {UINT64_C(1) << 63, 0}, {0, UINT64_C(1) << 63}};
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned j = 0; j < i; j++) {
            ck_assert_uint_ne(siphash(&keys[i], input, 1), siphash(&keys[j], input, 1));
        }
    }
}
END_TEST

Suite *test_suite(void)
{
    Suite *suite = suite_create("siphash");
    TCase *tcase = tcase_create("siphash");
    tcase_add_loop_test(tcase, gives_the_authors_vectors, 0, N_VECTORS);
    tcase_add_test(tcase, depends_on_the_whole_key);
    suite_add_tcase(suite, tcase);
    return suite;
}
