#!/bin/sh
# SPDX-License-Identifier: MIT
# How long an answer takes at 25, 50 and 75 % of the most that a server answers, measured just before, from the
# moment at which a request was due: waiting is not hidden. `sh tests/bench/latency.sh [-r] [ROUNDS]`; needs nginx.
#
# -r gives the thread that serves and the load real-time priority, for a machine that does other things, too: its
# owner has to want that, for the others then wait. The store's own threads wait as well, as if they had a core of
# their own. Not while the most is measured, for the kernel makes who never sleeps.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
before_all=
if [ "${1-}" = -r ]; then
    before_all='chrt -f 1'
    shift
fi
rounds=${1:-3}
seconds=4
build presenced open_loop

# open_loop NAME RATE SECONDS [COMMAND…]: what it prints.
open_loop() {
    name=$1 rate=$2 for=$3
    shift 3
    sign
    $on_load_core "$@" "$build"/tests/open_loop "$(port_of "$name")" "$rate" "$for" "$target"
}

put_before_all() {
    for task in /proc/"$(pid_of "$1")"/task/*; do
        case $(cat "$task/comm") in
        nginx | callback-*) chrt -f -p 1 "${task##*/}" ;;
        esac
    done
}

# medians FILE: of each column.
medians() {
    for column in 1 2 3 4 5; do
        cut -d' ' -f$column "$1" | median
    done | tr '\n' ' ' | sed 's/ $//'
}

machine
for peer in nginx memory commit; do
    run $peer
    for _ in 1 2 3; do
        open_loop $peer 0 2 >>"$own/$peer.tops"
    done
    median <"$own/$peer.tops" >"$own/$peer.top"
    [ -z "$before_all" ] || put_before_all $peer
done
for percent in 25 50 75; do
    for _ in $(seq "$rounds"); do
        for peer in nginx memory commit; do
            # shellcheck disable=SC2086 # words, or none
            open_loop $peer $(($(cat "$own/$peer.top") * percent / 100)) $seconds $before_all >>"$own/$peer.$percent"
        done
    done
done
echo 'ms: medians of the rounds, and p99.9 of each'
for peer in nginx memory commit; do
    top=$(cat "$own/$peer.top")
    for percent in 25 50 75; do
        times=$(medians "$own/$peer.$percent")
        echo "$peer $percent $top $times ($(cut -d' ' -f4 "$own/$peer.$percent" | tr '\n' ' ' | sed 's/ $//'))" |
            awk '{
                printf "%-6s %d %% of %6d/s  p50 %.3f  p90 %.3f  p99 %.3f  p99.9 %.3f  max %.3f ",
                    $1, $2, $3, $4, $5, $6, $7, $8
                for (i = 9; i <= NF; i++) {
                    printf " %s", $i
                }
                print ""
            }'
        # shellcheck disable=SC2086 # words
        figure "latency_${peer}_$percent" "$top" $times
    done
done
if grep 'callback answered FAIL' "$own/memory.log" "$own/commit.log"; then exit 1; fi
