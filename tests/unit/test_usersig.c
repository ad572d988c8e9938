/* SPDX-License-Identifier: MIT */
#include "presenced/usersig.h"

#include "presenced/json_read.h"
#include "suite.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <openssl/evp.h>
#include <zlib.h>

/* Made with the vendor's form by other means. */
#define KEY STR("test-secret-key")
#define SIG "XWlzAVufCDf/xBqHPaqKD4IaA/yjced5hDMnZsloN7I="

static const struct usersig_claim vector = {
    .sdkappid = 1400000000,
    .identifier = {"administrator", 13},
    .time_s = 1700000000,
    .expire_s = 86400,
};

/* The other way round: the JSON that a UserSig holds. The compressed bytes depend on zlib's build. */
static cJSON *open_usersig(struct buf *usersig)
{
    unsigned char deflated[2048];
    char json[2048];
    uLongf size = sizeof(json);
    cJSON *tree = NULL;
    for (size_t i = 0; i < usersig->len; i++) {
        char *c = &usersig->ptr[i];
        ck_assert_msg(*c != '+' && *c != '/' && *c != '=', "a character that URLs have a use for");
        *c = *c == '*' ? '+' : *c == '-' ? '/' : *c == '_' ? '=' : *c;
    }
    ck_assert_uint_le(usersig->len, sizeof(deflated));
    int n = EVP_DecodeBlock(deflated, (const unsigned char *)usersig->ptr, (int)usersig->len);
    ck_assert_int_gt(n, 0);
    ck_assert_int_eq(uncompress((Bytef *)json, &size, deflated, (uLong)n), Z_OK);
    ck_assert_int_eq(json_read((struct str){json, size}, &tree), 0);
    return tree;
}

static const char *text_of(const cJSON *tree, const char *key)
{
    const char *text = cJSON_GetStringValue(json_read_member(tree, key));
    ck_assert_ptr_nonnull(text);
    return text;
}

static uint64_t number_of(const cJSON *tree, const char *key)
{
    uint64_t number = 0;
    ck_assert(json_read_u64(json_read_member(tree, key), UINT64_C(1) << 52, &number));
    return number;
}

START_TEST(the_vector_comes_out)
{
    cleanup(buf_fini) struct buf usersig = {0};
    ck_assert_int_eq(usersig_make(&vector, KEY, &usersig), 0);
    cJSON *tree = open_usersig(&usersig);
    ck_assert_str_eq(text_of(tree, "TLS.ver"), "2.0");
    ck_assert_str_eq(text_of(tree, "TLS.identifier"), "administrator");
    ck_assert_uint_eq(number_of(tree, "TLS.sdkappid"), 1400000000);
    ck_assert_uint_eq(number_of(tree, "TLS.time"), 1700000000);
    ck_assert_uint_eq(number_of(tree, "TLS.expire"), 86400);
    ck_assert_str_eq(text_of(tree, "TLS.sig"), SIG);
    cJSON_Delete(tree);
}
END_TEST

/* What the vendor's own package for Node.js makes of it, tls-sig-api-v2 1.0.2. */
START_TEST(the_vendors_own_package_says_the_same)
{
    static const char theirs[] =
        "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJEpycxNVbIyNEcV"
        "Ta0oyCxKVbKyMDOBCRVnpitZKUWE51Q5hpWmObuk6Vc4FXoEJBZ6u5h4JjrqV2Ylp6aYZrj45kUV5*T7mXvaKtUCAL4xNG0_";
    cleanup(buf_fini) struct buf usersig = {0};
    cleanup(buf_fini) struct buf expected = {0};
    ck_assert_int_eq(usersig_make(&vector, KEY, &usersig), 0);
    buf_append(&expected, str_from(theirs));
    cJSON *tree = open_usersig(&usersig);
    cJSON *their_tree = open_usersig(&expected);
    ck_assert(cJSON_Compare(tree, their_tree, true));
    cJSON_Delete(tree);
    cJSON_Delete(their_tree);
}
END_TEST

static struct usersig_claim with(const char *identifier, uint64_t sdkappid, uint64_t time_s,
                                 uint64_t expire_s)
{
    return (struct usersig_claim){sdkappid, str_from(identifier), time_s, expire_s};
}

START_TEST(each_part_of_the_claim_is_signed)
{
    const struct usersig_claim others[] = {
        with("administrators", 1400000000, 1700000000, 86400),
        with("administrator", 1400000001, 1700000000, 86400),
        with("administrator", 1400000000, 1700000001, 86400),
        with("administrator", 1400000000, 1700000000, 86401),
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cleanup(buf_fini) struct buf usersig = {0};
        ck_assert_int_eq(usersig_make(&others[i], KEY, &usersig), 0);
        cJSON *tree = open_usersig(&usersig);
        ck_assert_str_ne(text_of(tree, "TLS.sig"), SIG);
        cJSON_Delete(tree);
    }
    cleanup(buf_fini) struct buf usersig = {0};
    ck_assert_int_eq(usersig_make(&vector, STR("test-secret-kez"), &usersig), 0);
    cJSON *tree = open_usersig(&usersig);
    ck_assert_str_ne(text_of(tree, "TLS.sig"), SIG);
    cJSON_Delete(tree);
}
END_TEST

START_TEST(an_identifier_may_need_escapes)
{
    static const char identifier[] = "\xe7\xae\xa1 \"admin\" \\";
    struct usersig_claim claim = vector;
    cleanup(buf_fini) struct buf usersig = {0};
    claim.identifier = str_from(identifier);
    ck_assert_int_eq(usersig_make(&claim, KEY, &usersig), 0);
    cJSON *tree = open_usersig(&usersig);
    ck_assert_str_eq(text_of(tree, "TLS.identifier"), identifier);
    cJSON_Delete(tree);
}
END_TEST

static const struct str bad_identifiers[] = {
    {"", 0},     {"a\nTLS.sdkappid:1", 16},          {"a\0b", 3}, {"a\x7f", 2},
    {"\xff", 1}, {NULL, USERSIG_IDENTIFIER_MAX + 1},
};

START_TEST(an_identifier_is_one_line_of_text)
{
    char too_long[USERSIG_IDENTIFIER_MAX + 1];
    cleanup(buf_fini) struct buf usersig = {0};
    struct usersig_claim claim = vector;
    memset(too_long, 'a', sizeof(too_long));
    claim.identifier = bad_identifiers[_i];
    if (claim.identifier.ptr == NULL) {
        claim.identifier.ptr = too_long;
    }
    ck_assert_int_eq(usersig_make(&claim, KEY, &usersig), -EINVAL);
    ck_assert_uint_eq(usersig.len, 0);
}
END_TEST

#define N(cases) (int)(sizeof(cases) / sizeof((cases)[0]))

Suite *test_suite(void)
{
    Suite *suite = suite_create("usersig");
    TCase *tcase = tcase_create("usersig");
    tcase_add_test(tcase, the_vector_comes_out);
    tcase_add_test(tcase, the_vendors_own_package_says_the_same);
    tcase_add_test(tcase, each_part_of_the_claim_is_signed);
    tcase_add_test(tcase, an_identifier_may_need_escapes);
    tcase_add_loop_test(tcase, an_identifier_is_one_line_of_text, 0, N(bad_identifiers));
    suite_add_tcase(suite, tcase);
    return suite;
}
