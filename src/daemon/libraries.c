/* SPDX-License-Identifier: MIT */
#include "libraries.h"

#include "presenced/array.h"
#include "presenced/listener.h"
#include "presenced/log.h"
#include "presenced/replica.h"
#include "presenced/store.h"
#include "presenced/version.h"

#include <stddef.h>
#include <stdio.h>

/* From Debian 12 to Debian 13. All tests pass with both ends of each range. */
static const struct {
    const char *name;
    const char *(*version)(void);
    struct library_range tested;
} libraries[] = {
    {"libmicrohttpd", http_library_version, {"0.9.75", "1.0.1"}},
    {"GnuTLS", tls_library_version, {"3.7.9", "3.8.9"}},
    {"RocksDB", store_library_version, {"7.8.3", "9.10.0"}},
    {"hiredis", replica_library_version, {"0.14.1", "1.2.0"}},
};

/* Compares two versions by their numbers and returns as strcmp() does. */
static int compare(const char *a, const char *b)
{
    unsigned x[VERSION_N_PARTS];
    unsigned y[VERSION_N_PARTS];
    version_parse(a, x);
    version_parse(b, y);
    for (size_t i = 0; i < VERSION_N_PARTS; i++) {
        if (x[i] != y[i]) {
            return x[i] < y[i] ? -1 : 1;
        }
    }
    return 0;
}

bool library_is_tested(const char *version, struct library_range range)
{
    return compare(version, range.lowest) >= 0 && compare(version, range.highest) <= 0;
}

void log_untested_libraries(void)
{
    for (size_t i = 0; i < N_ELEMENTS(libraries); i++) {
        const char *version = libraries[i].version();
        if (!library_is_tested(version, libraries[i].tested)) {
            char tested[48];
            (void)snprintf(tested, sizeof(tested), "%s to %s", libraries[i].tested.lowest,
                           libraries[i].tested.highest);
            log_warning("this version of a library was not tested", log_text("library", libraries[i].name),
                        log_text("version", version), log_text("tested", tested));
        }
    }
}
