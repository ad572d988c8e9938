#!/bin/sh
# SPDX-License-Identifier: MIT
# What readers of GET /v1/events cost those who send: 1000 callbacks a second with 0, 100 and 1000 readers of all of
# it. `sh tests/bench/listeners.sh [SECONDS]`. A line each: the callbacks' p50 and p99, the server's CPU time, how
# many times a change was written as an event, and what the readers got. The server has all cores, as it does in
# life; so have load and readers, so read the first lines against each other on a machine with cores to spare.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
seconds=${1:-5}
rate=1000
on_server_core=
on_load_core=
build presenced open_loop readers

# of_stats KEY: a number of the streams.
of_stats() {
    curl -s "http://127.0.0.1:$(status_port_of memory)/v1/stats" | sed -n "s/.*\"streams\":{[^}]*\"$1\":\([0-9]*\).*/\1/p"
}

cpu() {
    awk -v tick="$(getconf CLK_TCK)" '{ print ($14 + $15) / tick }' "/proc/$(pid_of memory)/stat"
}

machine
run memory
for n in 0 100 1000; do
    readers=
    if [ $n -gt 0 ]; then
        : >"$own/readers.out"
        "$build"/tests/readers "$(status_port_of memory)" $n >"$own/readers.out" &
        readers=$!
        pids="$pids $readers"
        until grep -q ready "$own/readers.out"; do
            kill -0 $readers
            sleep 0.02
        done
    fi
    written=$(of_stats events_written)
    before=$(cpu)
    sign
    times=$("$build"/tests/open_loop "$(port_of memory)" $rate "$seconds" "$target")
    used=$(echo "$before $(cpu)" | awk -v s="$seconds" '{ printf "%.1f", ($2 - $1) * 100 / s }')
    written=$(($(of_stats events_written) - written))
    got='0 0'
    if [ -n "$readers" ]; then
        kill $readers
        wait $readers || :
        got=$(tail -n 1 "$own/readers.out")
    fi
    echo "$n $times $used $written $((rate * seconds)) $got" | awk '{
        printf "listeners %-4d  p50 %.3f ms  p99 %.3f ms  CPU %5.1f %%  written %.2f times a change  %.1f MB/s  cut off %d\n",
            $1, $2, $4, $7, $8 / $9, $10 / 1000000 / '"$seconds"', $11
    }'
    # shellcheck disable=SC2086 # words
    figure "listeners_$n" $times "$used" "$written" $got
done
if grep 'callback answered FAIL' "$own/memory.log"; then exit 1; fi
