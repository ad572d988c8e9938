# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# What the benches share; to be sourced at the top of the tree. Servers have one thread, held on the last core; the
# load comes from the first.
build=${BUILD:-build/bench}
app=1400000001
token=bench
answer='{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":""}'
own=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || :; done; wait; rm -rf "$own"' EXIT
on_server_core="taskset -c $(($(nproc) - 1))"
on_load_core='taskset -c 0'

# build TARGET…: a release, unless BUILD names one.
build() {
    if [ "$build" = build/bench ]; then
        cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
        cmake --build "$build" --parallel "$(nproc)" --target "$@" >/dev/null
    fi
}

machine() {
    echo "$(uname -srm), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date +%F)"
}

median() {
    sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# figure NAME VALUE…: for all.sh, which sets FIGURES.
figure() {
    [ -z "${FIGURES-}" ] || echo "$@" >>"$FIGURES"
}

# Peers: start_NAME starts one and leaves its process and port in NAME.peer, and what else is to be known of it.

make_certificate() {
    [ -e "$own/cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
        -subj /CN=localhost -keyout "$own/key.pem" -out "$own/cert.pem" 2>"$own/openssl.log"
}

# await LOG COMMAND…: until it succeeds, as long as the server runs that was started last.
await() {
    log=$1
    shift
    : >>"$log"
    until "$@"; do
        kill -0 "$pid" || { cat "$log" >&2 && exit 1; }
        sleep 0.02
    done
}

# presenced NAME CALLBACK [STORE]: lines of these sections.
presenced() {
    cat >"$own/$1.conf" <<END
[callback]
listen = 127.0.0.1:0
$2
[app $app]
token = $token
[presence]
[status]
listen = 127.0.0.1:0
[store]
${3-}
END
    $on_server_core "$build"/presenced --config "$own/$1.conf" 2>"$own/$1.log" &
    pid=$!
    pids="$pids $pid"
    await "$own/$1.log" grep -q 'msg="ready"' "$own/$1.log"
    echo "$pid $(sed -n 's/.*listener=callback address=127.0.0.1://p' "$own/$1.log")" \
        "$(sed -n 's/.*listener=status address=127.0.0.1://p' "$own/$1.log")" >"$own/$1.peer"
}

with_tls() {
    make_certificate
    echo "certificate = $own/cert.pem"
    echo "private_key = $own/key.pem"
}

start_plain() { presenced plain 'tls = off'; }
start_memory() { presenced memory "$(with_tls)"; }
start_commit() { presenced commit "$(with_tls)" "path = $own/commit"; }
start_sync() {
    presenced sync "$(with_tls)" "path = $own/sync
durability = sync"
}

# nginx answering a constant, plain too, and with Lua, cjson and a shared dictionary doing the work itself.
start_nginx() {
    make_certificate
    tls=$((20000 + $$ % 20000))
    lua=/usr/lib/nginx/modules/ngx_http_lua_module.so
    if [ -e $lua ]; then
        load_modules="load_module ${lua%/*}/ndk_http_module.so; load_module $lua;"
        lua_code="lua_shared_dict rows 256m; init_by_lua_block { presence = dofile('$PWD/tests/bench/presence.lua') }"
        lua_server="server { listen 127.0.0.1:$((tls + 2)) ssl; location / { content_by_lua_block { presence() } } }"
    fi
    cat >"$own/nginx.conf" <<END
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
        listen 127.0.0.1:$tls ssl;
        listen 127.0.0.1:$((tls + 1));
        return 200 '$answer';
    }
    ${lua_code-}
    ${lua_server-}
}
END
    $on_server_core nginx -c "$own/nginx.conf" 2>"$own/nginx.log" &
    pid=$!
    pids="$pids $pid"
    await "$own/nginx.log" curl -s -o "$own/answer" "http://127.0.0.1:$((tls + 1))/"
    worker=$(pgrep -P $pid)
    echo "$worker $tls" >"$own/nginx.peer"
    echo "$worker $((tls + 1))" >"$own/nginx_plain.peer"
    echo "$worker $((tls + 2))" >"$own/lua.peer"
}
start_nginx_plain() { start_nginx; }
start_lua() { start_nginx; }

# What prints its port, once it listens.
listening() {
    name=$1
    shift
    $on_server_core "$@" "$own/cert.pem" "$own/key.pem" >"$own/$name.port" 2>"$own/$name.log" &
    pid=$!
    pids="$pids $pid"
    await "$own/$name.log" test -s "$own/$name.port"
    echo "$pid $(cat "$own/$name.port")" >"$own/$name.peer"
}

start_go() {
    make_certificate
    GOCACHE="$own/go-cache" go build -o "$own/presence" tests/bench/presence.go
    GOMAXPROCS=1 listening go "$own/presence"
}

start_node() {
    make_certificate
    listening node node tests/bench/presence.js
}

# pid_of NAME, port_of NAME, status_port_of NAME: of one that runs.
pid_of() { cut -d' ' -f1 "$own/$1.peer"; }
port_of() { cut -d' ' -f2 "$own/$1.peer"; }
status_port_of() { cut -d' ' -f3 "$own/$1.peer"; }

# run NAME: starts it unless it runs.
run() {
    [ -e "$own/$1.peer" ] || "start_$1"
}

# sign: sets what a signed request says of time, and the target of one.
sign() {
    time=$(date +%s)
    sign=$(printf '%s%s' $token "$time" | openssl dgst -sha256 -r | cut -d' ' -f1)
    target="/?SdkAppid=$app&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.4&OptPlatform=Web"
    target="$target&RequestTime=$time&Sign=$sign"
}

# wrk_of SECONDS URL SCRIPT: how many requests were answered, none of them but with 200.
wrk_of() {
    sign
    $on_load_core wrk -t1 -c32 -d"$1" -s "$3" "$2" -- $app "$time" "$sign" >"$own/wrk"
    if grep Non-2xx "$own/wrk" >&2; then return 1; fi
    awk '/requests in/ { print $1 }' "$own/wrk"
}

# measure NAME COMMAND…: microseconds of the server's CPU, user, system and both, for each of the requests that the
# command prints the number of.
measure() {
    stat=/proc/$(pid_of "$1")/stat
    shift
    before=$(awk '{ print $14, $15 }' "$stat")
    n=$("$@")
    [ -n "$n" ] || exit 1
    after=$(awk '{ print $14, $15 }' "$stat")
    echo "$before $after $n" | awk -v tick=$((1000000 / $(getconf CLK_TCK))) '{
        user = ($3 - $1) * tick / $5
        system_ = ($4 - $2) * tick / $5
        printf "%.2f %.2f %.2f\n", user, system_, user + system_
    }'
}
