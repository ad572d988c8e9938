#!/bin/sh
# SPDX-License-Identifier: MIT
# What the build cannot see of who includes what: each library's headers have one home, no folder reads another's
# private headers by a path, and no two public headers have one name. (Whose public headers a folder sees is said in
# CMakeLists.txt; circles of files are check_circles.sh's.)
set -eu

# "FILE HEADER" for every #include under src and include.
includes() {
    (cd "$1" && find src include -name '*.[ch]' -exec grep -EH '^[[:space:]]*#[[:space:]]*include' {} +) |
        sed -nE 's/^([^:]+):[^<"]*[<"]([^>"]+)[>"].*/\1 \2/p'
}

check() {
    includes "$1" | awk '
    BEGIN {
        home["^microhttpd\\.h$"] = "^src/http/mhd_adapter\\.c$"
        home["^gnutls/"] = "^src/transport/tls(_[a-z]+)?\\.[ch]$"
        home["^openssl/"] = "^src/(transport/(certificate|tls_key)|vendor/(signature|usersig)|replica/link)\\.c$"
        home["^cjson/"] = "^src/(base/json_(read|strict)|portable/portable_user|callback/(state_change|json_tree)|transfer/line_parser|status/(users_query|control)|vendor/online_query)\\.c$|^src/ctl/member\\.h$"
        home["^zlib\\.h$"] = "^src/vendor/usersig\\.c$"
        home["^ini\\.h$"] = "^src/(config/|ctl/conf\\.c$)"
        home["^rocksdb/"] = "^src/store/"
        home["^hiredis/"] = "^src/replica/link\\.c$"
        home["^systemd/"] = "^src/daemon/sd_notify\\.c$"
        home["^curl/"] = "^src/(ctl/client|reconcile/calls)\\.c$"
        home["^check\\.h$"] = "^$"
    }
    $2 ~ /\.\./ { print $1 ": " $2 " is private to another folder" }
    {
        for (header in home)
            if ($2 ~ header && $1 !~ home[header])
                print $1 ": <" $2 "> has another home"
    }'
    (cd "$1" && find include -name '*.h') | sed 's|.*/||' | sort | uniq -d | sed 's/$/: two public headers of this name/'
}

# ---- it can fail: #include HEADER in FILE must be found, or not ----

found_with() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/include" "$scratch/tree/src"
    mkdir -p "$scratch/tree/$(dirname "$1")"
    printf '#include <%s>\n' "$2" >"$scratch/tree/$1"
    check "$scratch/tree"
}

must_find() {
    [ -n "$(found_with "$@")" ] || self_check_failed "does not find $*"
}

self_check_failed() {
    echo "check_includes.sh itself is wrong: $1"
    exit 1
}

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[ -z "$(found_with src/http/mhd_adapter.c microhttpd.h)" ] || self_check_failed "finds what is allowed"
must_find src/status/status.c microhttpd.h
must_find src/http/mhd_adapter.h microhttpd.h
must_find src/http/listener.c gnutls/gnutls.h
must_find src/daemon/daemon.c openssl/evp.h
must_find include/callback/presenced/callback.h cjson/cJSON.h
must_find src/status/status.c curl/curl.h
must_find src/presence/table.c ../http/connection.h
must_find src/replica/primary.c hiredis/hiredis.h
wrong=$(check "$root")
if [ -n "$wrong" ]; then
    printf '%s\n' "$wrong"
    exit 1
fi
