#!/bin/sh
# SPDX-License-Identifier: MIT
# What a callback costs: server CPU a request, user and system, beside nginx answering a constant under the same
# load, in turn. `sh tests/bench/callbacks.sh [-n ROUNDS] [ROW…]`; needs nginx and wrk. Each server has one
# thread, held on the last core; the load comes from the first. A row is a load (load()) and who takes it; kept_lua
# is nginx doing the work itself, with Lua, cjson and a shared dictionary (libnginx-mod-http-lua, lua-cjson).
set -eu

cd "$(dirname "$0")/../.." || exit
rounds=5
seconds=3
if [ "${1-}" = -n ]; then
    rounds=$2
    shift 2
fi
[ $# -gt 0 ] || set -- kept kept_plain kept_lua full_13 full_12 resumed_13 resumed_12
build=${BUILD:-build/bench}
app=1400000001
token=bench
answer='{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}'
server_core=$(($(nproc) - 1))
own=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || :; done; wait; rm -rf "$own"' EXIT

if [ "$build" = build/bench ]; then
    cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DBUILD_TESTING=ON >/dev/null
    cmake --build "$build" --parallel "$(nproc)" --target presenced connections >/dev/null
fi

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -keyout "$own/key.pem" -out "$own/cert.pem" 2>"$own/openssl.log"

# Peers: start_NAME sets NAME_pid, NAME_tls and NAME_plain, the ports.

start_presenced() {
    cat >"$own/presenced.conf" <<EOF
[callback]
listen = 127.0.0.1:0
$2
[app $app]
token = $token
[presence]
[status]
listen = 127.0.0.1:0
EOF
    taskset -c "$server_core" "$build"/presenced --config "$own/presenced.conf" 2>"$own/$1.log" &
    pid=$!
    pids="$pids $pid"
    until grep -q 'msg="ready"' "$own/$1.log"; do
        kill -0 $pid
        sleep 0.1
    done
    port=$(sed -n 's/.*listener=callback address=127.0.0.1://p' "$own/$1.log")
}

start_nginx() {
    nginx_tls=$((20000 + $$ % 20000))
    nginx_plain=$((nginx_tls + 1))
    nginx_lua=$((nginx_tls + 2))
    lua=/usr/lib/nginx/modules/ngx_http_lua_module.so
    if [ -e $lua ]; then
        load_modules="load_module ${lua%/*}/ndk_http_module.so; load_module $lua;"
        lua_code="lua_shared_dict rows 256m; init_by_lua_block { presence = dofile('$PWD/tests/bench/presence.lua') }"
        lua_server="server { listen 127.0.0.1:$nginx_lua ssl; location / { content_by_lua_block { presence() } } }"
    fi
    cat >"$own/nginx.conf" <<EOF
${load_modules-}
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
    ssl_certificate $own/cert.pem;
    ssl_certificate_key $own/key.pem;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
    server {
        listen 127.0.0.1:$nginx_tls ssl;
        listen 127.0.0.1:$nginx_plain;
        return 200 '$answer';
    }
    ${lua_code-}
    ${lua_server-}
}
EOF
    taskset -c "$server_core" nginx -c "$own/nginx.conf" 2>"$own/nginx.log" &
    master=$!
    pids="$pids $master"
    until curl -s -o "$own/answer" "http://127.0.0.1:$nginx_plain/"; do
        kill -0 $master
        sleep 0.1
    done
    nginx_pid=$(pgrep -P $master)
}

# Loads: NAME PORT prints how many requests were answered.

sign() {
    time=$(date +%s)
    sign=$(printf '%s%s' $token "$time" | openssl dgst -sha256 -r | cut -d' ' -f1)
}

kept_of() {
    sign
    taskset -c 0 wrk -t1 -c32 -d$seconds -s tests/bench/callbacks.lua "$1" -- $app "$time" "$sign" >"$own/wrk"
    if grep Non-2xx "$own/wrk" >&2; then return 1; fi
    awk '/requests in/ { print $1 }' "$own/wrk"
}

connections() {
    sign
    target="/?SdkAppid=$app&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.4&OptPlatform=Web"
    body='{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"user","Reason":"Register"}}'
    taskset -c 0 "$build"/tests/connections "$1" "$2" "$3" $seconds "$target&RequestTime=$time&Sign=$sign" "$body"
}

load() {
    case $1 in
    kept | kept_lua) kept_of "https://127.0.0.1:$2" ;;
    kept_plain) kept_of "http://127.0.0.1:$2" ;;
    full_13) connections "$2" 1.3 full ;;
    full_12) connections "$2" 1.2 full ;;
    resumed_13) connections "$2" 1.3 resumed ;;
    resumed_12) connections "$2" 1.2 resumed ;;
    *) echo "callbacks.sh: no row $1" >&2 && return 1 ;;
    esac
}

# measure PEER PID ROW PORT: a line of the peer and its microseconds a request, user, system and both.
measure() {
    before=$(awk '{ print $14, $15 }' "/proc/$2/stat")
    n=$(load "$3" "$4")
    [ -n "$n" ] || exit 1
    after=$(awk '{ print $14, $15 }' "/proc/$2/stat")
    echo "$1 $before $after $n" | awk -v tick=$((1000000 / $(getconf CLK_TCK))) '{
        user = ($4 - $2) * tick / $6
        system_ = ($5 - $3) * tick / $6
        printf "%s %.2f %.2f %.2f\n", $1, user, system_, user + system_
    }'
}

start_nginx
start_presenced plain 'tls = off'
plain_pid=$pid plain_port=$port
start_presenced tls "certificate = $own/cert.pem
private_key = $own/key.pem"
tls_pid=$pid tls_port=$port

median() {
    sort -n | awk '{ v[NR] = $1 } END { printf "%.2f\n", NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# column PEER N: the median of the peer's N-th figure.
column() {
    awk -v peer="$1" -v n="$2" '$1 == peer { print $n }' "$own/rows" | median
}

echo "$(uname -srm), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date +%F)"
nginx -v 2>&1
echo
printf '%-12s  %21s  %21s  %s\n' 'µs a request' 'nginx: user + system' 'presenced' 'ratio (of each round)'
for row; do
    : >"$own/rows"
    : >"$own/ratios"
    case $row in
    kept_lua) presenced="$tls_pid $row $tls_port" nginx="$nginx_pid $row $nginx_lua" ;;
    kept_plain) presenced="$plain_pid $row $plain_port" nginx="$nginx_pid $row $nginx_plain" ;;
    *) presenced="$tls_pid $row $tls_port" nginx="$nginx_pid $row $nginx_tls" ;;
    esac
    for _ in $(seq "$rounds"); do
        # They are words.
        # shellcheck disable=SC2086
        { measure nginx $nginx && measure presenced $presenced; } | tee -a "$own/rows" |
            awk '{ v[$1] = $4 } END { printf "%.3f\n", v["presenced"] / v["nginx"] }' >>"$own/ratios"
    done
    printf '%-12s  %6s + %5s = %6s  %6s + %5s = %6s  %.2f (%s)\n' "$row" \
        "$(column nginx 2)" "$(column nginx 3)" "$(column nginx 4)" \
        "$(column presenced 2)" "$(column presenced 3)" "$(column presenced 4)" \
        "$(median <"$own/ratios")" "$(tr '\n' ' ' <"$own/ratios" | sed 's/ $//')"
done
! grep 'callback answered FAIL' "$own/plain.log" "$own/tls.log"
