/* SPDX-License-Identifier: MIT */
/* Input: a request target. It is taken apart and judged as the callback listener does, at a fixed time, with
 * an app that has a token; nothing may be believed that does not hold the one signature of that time. */
#include "../../src/callback/request_check.h"
#include "presenced/hex.h"
#include "../../src/http/target.h"

#include "fuzz.h"

#define NOW_MS UINT64_C(1669872112000)
#define SIGN "17773bc39a671d7b9aa835458704d2a6db81360a5940292b587d6d760d484061"

static bool lies_in(struct str part, struct str whole)
{
    return part.len == 0 || str_equal(part, STR("/")) ||
           (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* Written apart from query_decode(): escapes that are none stay as they are. */
static struct str decode(struct str text, struct buf *storage)
{
    for (size_t i = 0; i < text.len; i++) {
        int high = i + 2 < text.len && text.ptr[i] == '%' ? hex_value(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.ptr[i + 2]) : -1;
        buf_append_char(storage, (char)(low >= 0 ? high << 4 | low : text.ptr[i]));
        i += low >= 0 ? 2 : 0;
    }
    FUZZ_CHECK(!storage->failed);
    return buf_str(storage);
}

static bool holds_sign(struct str query)
{
    cleanup(buf_fini) struct buf storage = {0};
    struct str text = decode(query, &storage);
    for (size_t i = 0; i + sizeof(SIGN) - 1 <= text.len; i++) {
        if (str_equal_fold((struct str){text.ptr + i, sizeof(SIGN) - 1}, STR(SIGN))) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct callback_app apps[] = {
        {.sdkappid = {"1400000000", 10},
         .key = {.tokens = {{"xxxxyyyy", 8}}, .n_tokens = 1},
         .sign_tolerance_ms = 1},
    };
    static const struct rules rules = {.path = {"/", 1}, .apps = apps, .n_apps = 1};
    struct http_request request = {.method = STR("POST"), .target = {(const char *)bytes, size}};
    target_split(request.target, &request.path, &request.query);
    FUZZ_CHECK(lies_in(request.path, request.target) && lies_in(request.query, request.target));
    FUZZ_CHECK(memchr(request.path.ptr == NULL ? "" : request.path.ptr, '?', request.path.len) == NULL);
    struct decision decision = check_request(&rules, &request, NOW_MS);
    FUZZ_CHECK((unsigned)decision.outcome < CALLBACK_N_OUTCOMES);
    FUZZ_CHECK(decision.authentic || decision.outcome != CHECK_PASSED);
    FUZZ_CHECK(!decision.authentic || holds_sign(request.query));
    FUZZ_CHECK(!str_equal(request.path, STR("/")) == (decision.outcome == CALLBACK_OTHER_PATH));
    return 0;
}
