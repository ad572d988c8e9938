#!/bin/sh
# SPDX-License-Identifier: MIT
# Three nodes with Redis or Valkey between them: how long a change takes from one to another, idle and at a rate; what
# the thread that replicates takes a callback; how long an engine takes to be filled and a new node to learn, and what
# a user takes in the engine. `sh tests/bench/replication.sh [USERS [RATE]]`, 100,000 and 5000 without.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
n_users=${1:-100000}
rate=${2:-5000}
seconds=10
build presenced open_loop replication_delay

engine=$(command -v valkey-server || command -v redis-server)
"$engine" --port 0 --unixsocket "$own/engine.sock" --save '' >"$own/engine.log" 2>&1 &
pid=$!
pids="$pids $pid"
await "$own/engine.log" test -S "$own/engine.sock"

# start NODE LINES: in memory, with lines of [callback], and of others behind them.
start() {
    cat >"$own/$1.conf" <<END
[callback]
listen = 127.0.0.1:0
$2
[app $app]
token = $token
sign_tolerance = 1h
[status]
listen = 127.0.0.1:0
[replication]
url = unix:$own/engine.sock
END
    "$build"/presenced --config "$own/$1.conf" 2>"$own/$1.log" &
    pid=$!
    pids="$pids $pid"
    await "$own/$1.log" grep -q 'replication: met' "$own/$1.log"
    echo "$pid $(sed -n 's/.*listener=callback address=127.0.0.1://p' "$own/$1.log")" \
        "$(sed -n 's/.*listener=status address=127.0.0.1://p' "$own/$1.log")" >"$own/$1.peer"
}

engine_bytes() {
    redis-cli -s "$own/engine.sock" info memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p'
}

# cpu_of NODE: microseconds that its thread which replicates has taken.
cpu_of() {
    for task in /proc/"$(pid_of "$1")"/task/*; do
        [ "$(cat "$task/comm")" != replica ] || awk -v tick=$((1000000 / $(getconf CLK_TCK))) '{ print ($14 + $15) * tick }' "$task/stat"
    done
}

seconds_since() {
    awk -v ns=$(($(date +%s%N) - $1)) 'BEGIN { printf "%.1f s", ns / 1e9 }'
}

machine
awk -v n="$n_users" -v app="$app" 'BEGIN {
    srand(1)
    print "{\"format\":\"presenced\",\"version\":2}"
    for (i = 0; i < n; i++) {
        printf "{\"app\":%s,\"user\":\"%06x%06x\",\"rows\":[", app, rand() * 16777216, rand() * 16777216
        printf "{\"platform\":\"Web\",\"action\":\"Login\",\"reason\":\"Register\",\"event_time\":1700000000000,"
        print "\"received_time\":1700000000000,\"client_ip\":\"192.0.2.1\"}],\"custom_status\":null,\"custom_status_time\":null}"
    }
    printf "{\"apps\":0,\"users\":%d}\n", n
}' >"$own/users"
printf '[app %s]\n[store]\npath = %s/store\n' "$app" "$own" >"$own/store.conf"
"$build"/presenced --config "$own/store.conf" --import "$own/users" 2>"$own/import.log"

empty=$(engine_bytes)
begin=$(date +%s%N)
start one "$(with_tls)
[store]
path = $own/store"
await "$own/one.log" sh -c "curl -s 'http://127.0.0.1:$(status_port_of one)/v1/stats' | grep -q '\"state\":\"following\"'"
echo "$n_users users sent by a node that has them: $(seconds_since "$begin")"
echo "bytes a user in the engine: $((($(engine_bytes) - empty) / n_users)), of which its content is 46"
begin=$(date +%s%N)
start two 'tls = off'
echo "the same learnt by a new node: $(seconds_since "$begin")"
start three 'tls = off'

sign
echo "ms from node to node, idle, p50 p90 p99 max: $("$build"/tests/replication_delay "$(port_of three)" "$(status_port_of two)" 500 "$target")"
before=$(cpu_of one)
"$build"/tests/open_loop "$(port_of one)" "$rate" $seconds "$target" >"$own/load" &
load=$!
sleep 1
echo "the same at $rate events a second: $("$build"/tests/replication_delay "$(port_of three)" "$(status_port_of two)" 500 "$target")"
wait $load
cpu_of one | awk -v before="$before" -v n=$((rate * seconds)) '{ printf "us of CPU an event, to send it: %.1f\n", ($1 - before) / n }'
