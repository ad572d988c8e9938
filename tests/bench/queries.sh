#!/bin/sh
# SPDX-License-Identifier: MIT
# What a query costs: server CPU a request, of one user beside nginx answering a constant of the same length, in
# turn, and of 1000 at once. `sh tests/bench/queries.sh [ROUNDS]`; needs nginx and wrk.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
rounds=${1:-5}
build presenced

run plain
wrk_of 2 "http://127.0.0.1:$(port_of plain)" tests/bench/callbacks.lua >/dev/null
status="http://127.0.0.1:$(status_port_of plain)"
one="$status/v1/users/user000002?app=$app"
answer=$(curl -s "$one")
run nginx_plain

# query URL: how often it was answered.
query() {
    $on_load_core wrk -t1 -c32 -d3 "$1" | awk '/requests in/ { print $1 }'
}

echo "server CPU a request, in µs; a user's answer has ${#answer} bytes"
echo 'nginx  presenced  ratio  1000-ids'
for _ in $(seq "$rounds"); do
    floor=$(measure nginx_plain query "http://127.0.0.1:$(port_of nginx_plain)/" | cut -d' ' -f3)
    user=$(measure plain query "$one" | cut -d' ' -f3)
    batch=$(measure plain wrk_of 3 "$status/" tests/bench/queries.lua | cut -d' ' -f3)
    ratio=$(awk -v a="$user" -v b="$floor" 'BEGIN { printf "%.3f", a / b }')
    echo "$floor  $user  $ratio  $batch" | tee -a "$own/rows"
done
ratio=$(awk '{ print $3 }' "$own/rows" | median)
batch=$(awk '{ print $4 }' "$own/rows" | median)
echo "median ratio $ratio, median of 1000 ids $batch µs"
figure query "$ratio" "$(awk '{ print $2 }' "$own/rows" | median)"
figure query_1000 "$batch"
