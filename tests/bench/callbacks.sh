#!/bin/sh
# SPDX-License-Identifier: MIT
# What a callback costs: server CPU a request, user and system, beside nginx answering a constant under the same
# load, in turn; or, for kept_lua, kept_go and kept_node, beside what does the same work in memory.
# `sh tests/bench/callbacks.sh [-n ROUNDS] [ROW…]`; needs the packages of `conf/packages.sh build test bench`.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
rounds=5
seconds=3
if [ "${1-}" = -n ]; then
    rounds=$2
    shift 2
fi
if [ $# -eq 0 ]; then
    set -- kept kept_commit kept_sync kept_plain full_13 full_12 resumed_13 resumed_12 stalled kept_lua kept_go
    if command -v node >/dev/null; then set -- "$@" kept_node; fi
fi
build presenced connections

# peers ROW: who is measured, beside whom.
peers() {
    case $1 in
    kept_plain) echo plain nginx_plain ;;
    kept_commit | kept_sync) echo "${1#kept_}" nginx ;;
    kept_lua | kept_go | kept_node) echo memory "${1#kept_}" ;;
    kept | full_13 | full_12 | resumed_13 | resumed_12) echo memory nginx ;;
    *) echo "callbacks.sh: no row $1" >&2 && return 1 ;;
    esac
}

connections() {
    sign
    body='{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"user","Reason":"Register"}}'
    $on_load_core "$build"/tests/connections "$1" "$2" "$3" $seconds "$target" "$body"
}

# load ROW PORT: how many requests were answered.
load() {
    case $1 in
    kept_plain) wrk_of $seconds "http://127.0.0.1:$2" tests/bench/callbacks.lua ;;
    kept*) wrk_of $seconds "https://127.0.0.1:$2" tests/bench/callbacks.lua ;;
    full_13) connections "$2" 1.3 full ;;
    full_12) connections "$2" 1.2 full ;;
    resumed_13) connections "$2" 1.3 resumed ;;
    resumed_12) connections "$2" 1.2 resumed ;;
    esac
}

# column FILE N: the median of its N-th figures.
column() {
    cut -d' ' -f"$2" "$1" | median
}

# shown FILE: its medians.
shown() {
    printf '%7.2f + %5.2f = %6.2f' "$(column "$1" 1)" "$(column "$1" 2)" "$(column "$1" 3)"
}

measure_row() {
    row=$1 measured=$2 beside=$3
    run "$measured"
    run "$beside"
    : >"$own/measured"
    : >"$own/beside"
    for _ in $(seq "$rounds"); do
        measure "$beside" load "$row" "$(port_of "$beside")" >>"$own/beside"
        measure "$measured" load "$row" "$(port_of "$measured")" >>"$own/measured"
    done
    paste -d' ' "$own/measured" "$own/beside" | awk '{ printf "%.3f\n", $3 / $6 }' >"$own/ratios"
    printf '%-12s %-24s %-24s %.2f (%s)\n' "$row" "$(shown "$own/measured")" "$(shown "$own/beside")" \
        "$(median <"$own/ratios")" "$(tr '\n' ' ' <"$own/ratios" | sed 's/ $//')"
    figure "$row" "$(median <"$own/ratios")" "$(column "$own/measured" 3)"
}

# What 500 callers cost a second, once they have stalled in the handshake.
measure_stalled() {
    run memory
    $on_load_core "$build"/tests/connections "$(port_of memory)" stalled 500 5 &
    stalled=$!
    sleep 2
    took=$(measure memory sh -c "sleep 2; echo 2" | cut -d' ' -f3)
    kill -0 $stalled
    wait $stalled
    printf '%-12s %.0f µs a second\n' stalled "$took"
    figure stalled "$took"
}

machine
printf '%-12s %-24s %-24s %s\n' 'µs a request' '   presenced: user + system' ' beside' 'ratio (of each round)'
for row; do
    if [ "$row" = stalled ]; then
        measure_stalled
        continue
    fi
    who=$(peers "$row")
    # They are words.
    # shellcheck disable=SC2086
    measure_row "$row" $who
done
! grep 'callback answered FAIL' "$own"/*.log
