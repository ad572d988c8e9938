#!/bin/sh
# SPDX-License-Identifier: MIT
# Who may know whom: main → {daemon, transfer} → {http, status, callback, store, replica} → presence → base, and each
# third-party header in its one home. Fails on an #include that says otherwise, and on headers in a circle.
set -eu

# "FILE HEADER" for every #include under src and include.
includes() {
    (cd "$1" && find src include -name '*.[ch]' -exec grep -EH '^[[:space:]]*#[[:space:]]*include' {} +) |
        sed -nE 's/^([^:]+):[^<"]*[<"]([^>"]+)[>"].*/\1 \2/p'
}

sources() {
    (cd "$1" && find src -name '*.[ch]')
}

# Reads the sources first, then the includes; prints what is forbidden.
forbidden() {
    awk '
    BEGIN {
        # Folder: the folders it may include from, and single public headers of others.
        may["base"] = ""
        may["presence"] = "base"
        may["config"] = "base"
        may["http"] = "base"
        may["callback"] = "presence base request.h reply.h query.h"
        may["status"] = "presence base request.h reply.h query.h"
        may["store"] = "presence base"
        may["replica"] = "presence base"
        may["ctl"] = "base"
        may["transfer"] = "store config presence base"
        may["daemon"] = "http status callback store replica config presence base"
        may["main"] = "daemon transfer http config presence base"

        # Third-party header: the only files that may include it.
        home["^microhttpd\\.h$"] = "^src/http/mhd_adapter\\.c$"
        home["^gnutls/"] = "^src/transport/tls(_[a-z]+)?\\.[ch]$"
        home["^openssl/"] = "^src/(transport/(certificate|tls_key)|callback/signature)\\.c$"
        home["^cjson/"] = "^src/(callback/(state_change|json_tree)|transfer/line_parser|status/[a-z_]*query[a-z_]*)\\.c$"
        home["^ini\\.h$"] = "^src/config/"
        home["^rocksdb/"] = "^src/store/"
        home["^hiredis/"] = "^src/replica/"
        home["^systemd/"] = "^src/daemon/supervisor\\.c$"
        home["^(check\\.h$|curl/)"] = "^$"

        # Public headers without a source of their name.
        folder["cleanup"] = "base"
        folder["hex"] = "base"
        folder["wipe"] = "base"
        folder["transfer"] = "transfer"
    }

    function module_of(path) {
        sub(/.*\//, "", path)
        sub(/\.[ch]$/, "", path)
        return path
    }

    function folder_of(path,    parts, n) {
        if (path ~ /^include\//)
            return folder[module_of(path)]
        n = split(path, parts, "/")
        return n > 2 ? parts[2] : module_of(path)
    }

    function is_allowed(from, to, header) {
        return from == to || (" " may[from] " ") ~ (" (" to "|" header ") ")
    }

    function check_public(file, header,    from, to) {
        from = folder_of(file)
        to = folder_of("include/" header)
        sub(/^presenced\//, "", header)
        if (!(from in may))
            print file ": the folder \"" from "\" has no rule in check_includes.sh"
        else if (to == "")
            print file ": presenced/" header " belongs to no folder: no source has its name"
        else if (!is_allowed(from, to, header))
            print file ": " from " may not know presenced/" header " of " to
    }

    function sibling_of(file, header) {
        sub(/[^\/]*$/, "", file)
        return file header
    }

    NR == FNR {
        exists[$1] = 1
        name = module_of($1)
        if ($1 !~ /\.c$/)
            next
        if (name in folder && folder[name] != folder_of($1))
            print $1 ": " folder[name] " has a module of this name already"
        folder[name] = folder_of($1)
        next
    }
    $2 ~ /^presenced\// { check_public($1, $2); next }
    sibling_of($1, $2) in exists { next }
    $2 ~ /\.\./ { print $1 ": " $2 " is private to another folder"; next }
    {
        for (header in home)
            if ($2 ~ header && $1 !~ home[header])
                print $1 ": <" $2 "> has another home"
    }
    ' "$1" "$2"
}

# Headers that include each other, over any number of steps.
circles() {
    sed -nE 's|^include/(presenced/[^ ]+) (presenced/[^ ]+)$|\1 \2|p
             s|^src/([^ ]+/)([^ /]+\.h) ([^ /]+\.h)$|\1\2 \1\3|p' "$1" |
        tsort 2>&1 >/dev/null | sed 's/^tsort: /headers in a circle: /'
}

# Prints what is wrong with the tree.
check() {
    sources "$1" >"$scratch/sources"
    includes "$1" >"$scratch/includes"
    forbidden "$scratch/sources" "$scratch/includes"
    circles "$scratch/includes"
}

# ---- the check can fail: FILE with #include HEADER added to a small tree must be found ----

make_tree() {
    rm -rf "$scratch/tree"
    mkdir -p "$scratch/tree/include/presenced"
    for module in base/str presence/table http/request http/listener http/tls callback/callback status/status \
        config/config daemon main; do
        mkdir -p "$scratch/tree/src/$(dirname "$module")"
        : >"$scratch/tree/src/$module.c"
        : >"$scratch/tree/include/presenced/$(basename "$module").h"
    done
}

found_with() {
    make_tree
    while [ $# -gt 0 ]; do
        mkdir -p "$scratch/tree/$(dirname "$1")"
        printf '#include <%s>\n' "$2" >>"$scratch/tree/$1"
        shift 2
    done
    check "$scratch/tree"
}

must_find() {
    [ -n "$(found_with "$@")" ] || self_check_failed "does not find $*"
}

must_pass() {
    found=$(found_with "$@")
    [ -z "$found" ] || self_check_failed "$found"
}

self_check_failed() {
    echo "check_includes.sh itself is wrong: $1"
    exit 1
}

self_check() {
    must_pass src/daemon.c presenced/listener.h src/callback/callback.c presenced/request.h \
        src/presence/table.c presenced/str.h src/http/tls.c gnutls/gnutls.h src/http/mhd_adapter.c microhttpd.h
    must_find src/base/str.c presenced/table.h
    must_find src/presence/table.c presenced/request.h
    must_find include/presenced/table.h presenced/callback.h
    must_find src/callback/callback.c presenced/listener.h
    must_find src/callback/callback.c presenced/status.h
    must_find src/http/listener.c presenced/table.h
    must_find src/config/config.c presenced/daemon.h
    must_find src/status/status.c microhttpd.h
    must_find src/http/mhd_adapter.h microhttpd.h
    must_find src/http/listener.c gnutls/gnutls.h
    must_find src/daemon.c systemd/sd-daemon.h
    must_find src/daemon.c openssl/evp.h
    must_find include/presenced/callback.h cjson/cJSON.h
    must_find src/presence/table.c ../http/worker.h
    must_find src/new/thing.c presenced/str.h
    must_find src/base/str.c presenced/nobody.h
    must_pass src/config/config.c check.h src/config/check.h stddef.h
    must_find src/config/config.c check.h
    must_find src/presence/str.c string.h
    must_find include/presenced/request.h presenced/tls.h include/presenced/tls.h presenced/listener.h \
        include/presenced/listener.h presenced/request.h
    must_find src/http/a.h b.h src/http/b.h a.h
}

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
self_check
wrong=$(check "$root")
if [ -n "$wrong" ]; then
    printf '%s\n' "$wrong"
    exit 1
fi
