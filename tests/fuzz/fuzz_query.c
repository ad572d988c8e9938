/* SPDX-License-Identifier: MIT */
/* Input: a query. */
#include "presenced/query.h"

#include "fuzz.h"

#define DECODED_MAX 24

static bool lies_in(struct str part, struct str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void check_encoded_again(struct str text)
{
    cleanup(buf_fini) struct buf encoded = {0};
    char storage[DECODED_MAX];
    struct str again;
    for (size_t i = 0; i < text.len; i++) {
        buf_appendf(&encoded, "%%%02X", (unsigned char)text.ptr[i]);
    }
    FUZZ_CHECK(!encoded.failed);
    FUZZ_CHECK(query_decode(buf_str(&encoded), sizeof(storage), storage, &again) == 0);
    FUZZ_CHECK(str_equal(again, text));
    FUZZ_CHECK(query_equal(buf_str(&encoded), text));
}

static void check_value(struct str encoded)
{
    char storage[DECODED_MAX];
    char small[1];
    struct str text = {NULL, 0};
    int r = query_decode(encoded, sizeof(storage), storage, &text);
    int r_small = query_decode(encoded, 0, small, &text);
    FUZZ_CHECK((r == QUERY_BAD_ESCAPE) == (r_small == QUERY_BAD_ESCAPE)); /* whatever room there is */
    r = query_decode(encoded, sizeof(storage), storage, &text);
    if (r != 0) {
        FUZZ_CHECK(r == QUERY_BAD_ESCAPE || (r == QUERY_TOO_LONG && encoded.len > DECODED_MAX));
        return;
    }
    FUZZ_CHECK(text.len <= DECODED_MAX && text.len <= encoded.len);
    FUZZ_CHECK(text.len == 0 || memchr(text.ptr, '\0', text.len) == NULL);
    FUZZ_CHECK(query_equal(encoded, text));
    check_encoded_again(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct str names[] = {{"a", 1}, {"Sign", 4}, {"app", 3}};
    struct query_value found[3];
    unsigned n[3] = {0};
    struct str query = {(const char *)data, size};
    struct str left = query;
    struct query_parameter parameter;
    while (query_next(&left, &parameter)) {
        FUZZ_CHECK(lies_in(parameter.name, query) && lies_in(parameter.value, query));
        FUZZ_CHECK(memchr(parameter.name.ptr, '=', parameter.name.len) == NULL);
        FUZZ_CHECK(memchr(parameter.value.ptr, '&', parameter.value.len) == NULL);
        check_value(parameter.name);
        check_value(parameter.value);
        for (size_t i = 0; i < 3; i++) {
            n[i] += query_equal(parameter.name, names[i]);
        }
    }
    query_find(query, names, 3, found);
    for (size_t i = 0; i < 3; i++) {
        FUZZ_CHECK(found[i].n == n[i] && (n[i] > 0) == (found[i].encoded.ptr != NULL));
    }
    return 0;
}
