/* SPDX-License-Identifier: MIT */
/* Input: the peer, then the values of X-Forwarded-For, a line each. Trusted: 192.0.2.0/24 and 2001:db8::/32.
 */
#include "../../src/callback/forwarded.h"

#include "fuzz.h"

#define N_VALUES_MAX 40

static struct network trusted[2];

static bool is_trusted(const struct address *address)
{
    return address->len == 0 || network_contains(&trusted[0], address) ||
           network_contains(&trusted[1], address);
}

static void check_prints(const struct address *address)
{
    char text[ADDRESS_TEXT_SIZE];
    struct address again;
    size_t len = address_format(address, text);
    FUZZ_CHECK(address->len == 0 ? len == 0 : address_parse((struct str){text, len}, &again));
    FUZZ_CHECK(address->len == 0 || address_equal(address, &again));
}

/* Several headers are one list, and nobody can say something before its left end about one who is not
 * trusted. */
static void check_joined(const struct address *peer, const struct str *values, size_t n,
                         const struct address *client)
{
    cleanup(buf_fini) struct buf list = {0};
    buf_append(&list, STR("198.51.100.1"));
    for (size_t i = 0; i < n; i++) {
        buf_append_char(&list, ',');
        buf_append(&list, values[i]);
    }
    FUZZ_CHECK(!list.failed);
    struct str joined = buf_str(&list);
    struct str without = {joined.ptr + strlen("198.51.100.1,"), joined.len - strlen("198.51.100.1,")};
    struct address of_joined = forwarded_client(peer, &without, 1, trusted, 2);
    FUZZ_CHECK(address_equal(&of_joined, client));
    struct address of_longer = forwarded_client(peer, &joined, 1, trusted, 2);
    FUZZ_CHECK(is_trusted(client) || address_equal(&of_longer, client));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str left = {(const char *)data, size};
    struct str line = {"", 0};
    struct str values[N_VALUES_MAX];
    struct address peer = {.len = 0};
    size_t n = 0;
    FUZZ_CHECK(network_parse(STR("192.0.2.0/24"), &trusted[0]));
    FUZZ_CHECK(network_parse(STR("2001:db8::/32"), &trusted[1]));
    (void)str_split(&left, '\n', &line);
    (void)address_parse(line, &peer);
    while (n < N_VALUES_MAX && str_split(&left, '\n', &line)) {
        values[n++] = line;
    }
    struct address client = forwarded_client(&peer, values, n, trusted, 2);
    FUZZ_CHECK(is_trusted(&peer) || address_equal(&client, &peer));
    check_prints(&client);
    if (n > 0) {
        check_joined(&peer, values, n, &client);
    }
    struct address alone = forwarded_client(&peer, values, n, NULL, 0);
    FUZZ_CHECK(address_equal(&alone, &peer));
    return 0;
}
