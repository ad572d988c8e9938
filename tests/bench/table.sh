#!/bin/sh
# SPDX-License-Identifier: MIT
# The table by itself, with 1 and 10 million users, and Redis with the same content beside it: memory a user,
# events, pauses, lookups, pages of lists. `sh tests/bench/table.sh [USERS…]`; needs about 3 GiB.
set -eu

cd "$(dirname "$0")/../.." || exit
build=build/bench
[ $# -gt 0 ] || set -- 1000000 10000000

cmake -S . -B $build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build $build --parallel "$(nproc)" --target table_bench >/dev/null

echo "$(uname -srm), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date +%F)"
for n_users; do
    echo
    $build/tests/table_bench "$n_users"
done

command -v redis-server >/dev/null || { echo 'redis-server is not installed: nothing to compare with' && exit 0; }
own=$(mktemp -d)
redis-server --port 0 --unixsocket "$own/redis.sock" --save '' --appendonly no --daemonize no --dir "$own" \
    >"$own/redis.log" 2>&1 &
redis=$!
trap 'kill $redis 2>/dev/null; wait $redis 2>/dev/null || :; rm -rf "$own"' EXIT
until redis-cli -s "$own/redis.sock" ping >/dev/null 2>&1; do
    kill -0 $redis || { cat "$own/redis.log" && exit 1; }
    sleep 0.1
done

resident() {
    awk '/^VmRSS/ { print $2 * 1024 }' "/proc/$redis/status"
}

# What the table keeps of a row: platform, action, reason, both times, the client's address.
hashes() {
    awk -v n="$1" 'BEGIN {
        value = "Login Register 1700000000000 1700000000100 192.0.2.4"
        for (i = 0; i < n; i++) {
            printf "*4\r\n$4\r\nHSET\r\n$12\r\nuser%08d\r\n$3\r\nWeb\r\n$%d\r\n%s\r\n", i, length(value), value
        }
    }'
}

for n_users; do
    redis-cli -s "$own/redis.sock" flushall >/dev/null
    before=$(resident)
    hashes "$n_users" | redis-cli -s "$own/redis.sock" --pipe >/dev/null
    printf '\n%s, a hash a user with one field: %d users, %d bytes a user\n' \
        "$(redis-server --version | cut -d' ' -f1-3)" "$n_users" $((($(resident) - before) / n_users))
done
