/* SPDX-License-Identifier: MIT */
/* Input: the first bytes of a connection of a proxy. */
#include "../../src/transport/proxy_header.h"

#include "fuzz.h"

static void check_same(const struct proxy_header *a, int r_of_a, const struct proxy_header *b, int r_of_b)
{
    FUZZ_CHECK(r_of_a == r_of_b);
    if (r_of_a == PROXY_HEADER_REFUSED) {
        FUZZ_CHECK(a->refusal == b->refusal);
        return;
    }
    FUZZ_CHECK(a->n_bytes == b->n_bytes && a->names_peer == b->names_peer);
    FUZZ_CHECK(address_equal(&a->peer, &b->peer));
}

/* What is decided stays so, however many bytes come behind, and whoever reads as far as he is told to reads
 * nothing that is not the header's. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t max = size < PROXY_HEADER_EVALUATED ? size : PROXY_HEADER_EVALUATED;
    struct proxy_header whole = {0};
    struct str copy = fuzz_copy(data, size);
    int r_of_whole = proxy_header_parse(copy, &whole);
    fuzz_free(&copy);
    FUZZ_CHECK(r_of_whole == PROXY_HEADER_REFUSED || whole.n_bytes <= PROXY_HEADER_MAX);
    FUZZ_CHECK(r_of_whole != PROXY_HEADER_INCOMPLETE || size < PROXY_HEADER_EVALUATED);
    for (size_t len = 0; len <= max; len++) {
        struct proxy_header header = {0};
        copy = fuzz_copy(data, len);
        int r = proxy_header_parse(copy, &header);
        fuzz_free(&copy);
        if (r != PROXY_HEADER_INCOMPLETE) {
            check_same(&header, r, &whole, r_of_whole);
            return 0;
        }
        FUZZ_CHECK(header.n_bytes > len && header.n_bytes <= PROXY_HEADER_MAX);
        FUZZ_CHECK(r_of_whole != 0 || header.n_bytes <= whole.n_bytes);
    }
    return 0;
}
