#!/bin/sh
# SPDX-License-Identifier: MIT
# What a query costs: server CPU a request, of one user and of 1000 at once, beside nginx answering a constant
# of the same length, in turn. `sh tests/bench/queries.sh [ROUNDS]`; needs nginx and wrk.
set -eu

cd "$(dirname "$0")/../.." || exit
rounds=${1:-5}
build=build/bench
app=1400000001
own=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || :; done; wait; rm -rf "$own"' EXIT

cmake -S . -B $build -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build $build --parallel "$(nproc)" --target presenced >/dev/null

cat >"$own/presenced.conf" <<END
[callback]
listen = 127.0.0.1:0
tls = off
[app $app]
unsigned = yes
[status]
listen = 127.0.0.1:0
END
$build/presenced --config "$own/presenced.conf" 2>"$own/log" &
presenced=$!
pids=$presenced
until grep -q 'msg="ready"' "$own/log"; do
    kill -0 $presenced
    sleep 0.1
done
address() {
    sed -n "s/.*listener=$1 address=//p" "$own/log"
}
wrk -t1 -c4 -d1 -s tests/bench/events.lua "http://$(address callback)" -- $app >/dev/null
one="http://$(address status)/v1/users/user00000002?app=$app"
constant=$(curl -s "$one")

port=$((20000 + $$ % 20000))
cat >"$own/nginx.conf" <<END
worker_processes 1;
daemon off;
pid $own/nginx.pid;
error_log $own/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    default_type application/json;
    client_body_temp_path $own/body; proxy_temp_path $own/proxy; fastcgi_temp_path $own/fastcgi;
    uwsgi_temp_path $own/uwsgi; scgi_temp_path $own/scgi;
    server { listen 127.0.0.1:$port; return 200 '$constant'; }
}
END
nginx -c "$own/nginx.conf" 2>"$own/nginx.log" &
pids="$pids $!"
until curl -s -o /dev/null "http://127.0.0.1:$port/"; do sleep 0.1; done
nginx=$(pgrep -P $!)

# measure PID URL [wrk's options…]: microseconds of CPU a request, user and system.
measure() {
    pid=$1
    url=$2
    shift 2
    before=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    n=$(wrk -t1 -c32 -d3 "$@" "$url" -- $app | awk '/requests in/ { print $1 }')
    after=$(awk '{ print $14 + $15 }' "/proc/$pid/stat")
    awk -v ticks=$((after - before)) -v n="$n" -v hz="$(getconf CLK_TCK)" 'BEGIN { printf "%.2f", ticks / hz * 1e6 / n }'
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

echo "server CPU a request, in µs; a user's answer has ${#constant} bytes"
echo 'nginx  presenced  ratio  1000-ids'
for _ in $(seq "$rounds"); do
    floor=$(measure "$nginx" "http://127.0.0.1:$port/")
    user=$(measure $presenced "$one")
    batch=$(measure $presenced "http://$(address status)/" -s tests/bench/queries.lua)
    ratio=$(awk -v a="$user" -v b="$floor" 'BEGIN { printf "%.2f", a / b }')
    echo "$floor  $user  $ratio  $batch" | tee -a "$own/rows"
done
echo "median ratio $(awk '{ print $3 }' "$own/rows" | median), median of 1000 ids $(awk '{ print $4 }' "$own/rows" | median) µs"
