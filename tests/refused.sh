#!/bin/sh
# SPDX-License-Identifier: MIT
# What refusing costs in memory: a million requests that are refused, in every way that a caller has, over
# kept and over new connections, HTTP and HTTPS. Fails when the resident memory has grown by more than 1 MiB
# since the warm-up. `sh tests/refused.sh [REQUESTS]`; needs wrk.
set -eu

cd "$(dirname "$0")/.." || exit
n_requests=${1:-1000000}
build=build/bench
growth_max_kib=1024
own=$(mktemp -d)
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || :; done; wait; rm -rf "$own"' EXIT

cmake -S . -B $build -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build $build --parallel "$(nproc)" --target presenced >/dev/null

# For wrk. Argument: kept, or new for a connection each, which bad framing costs anyway.
cat >"$own/refused.lua" <<'END'
local command = "&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.4&OptPlatform="
local signed, unsigned, unknown = "/?SdkAppid=1400000000", "/?SdkAppid=1400000001", "/?SdkAppid=1400000002"
local login = '{"CallbackCommand":"State.StateChange","Info":{"Action":"Login","To_Account":"user%d"}}'
local n = 0

function init(args)
    is_new = args[1] == "new"
    sign = string.format("&RequestTime=%d&Sign=%s", os.time(), string.rep("0", 64))
end

local function post(target, body)
    return wrk.format("POST", target, is_new and {Connection = "close"} or {}, body)
end

local function framed(headers)
    return "POST " .. unsigned .. command .. "Web HTTP/1.1\r\n" .. headers .. "\r\n\r\n"
end

local kinds = {
    function() return post(signed .. command .. "Web" .. sign, login:format(n)) end,
    function() return post(signed .. command .. "Web", login:format(n)) end,
    function() return post(signed .. command .. "Web&RequestTime=" .. n .. sign, login:format(n)) end,
    function() return post(unknown .. n .. command .. "Web", login:format(n)) end,
    function() return post("/?n=" .. n .. command .. "Web", login:format(n)) end,
    function() return post("/elsewhere/" .. n .. "?" .. command, login:format(n)) end,
    function() return post(unsigned .. command .. "New" .. n, '{"user":' .. n) end,
    function() return post(unsigned .. command .. "New" .. n, '{"CallbackCommand":"Other' .. n .. '"}') end,
    function() return post(unsigned .. command .. "New" .. n, '{"a":' .. n .. ',"a":{"b":[1,2,3]}}') end,
    function() return post(unsigned .. command .. "New" .. n, string.rep("[", n % 2000)) end,
    function() return post(unsigned .. command .. "Web", string.rep(" ", 5000)) end,
    function() return wrk.format("PUT", unsigned, is_new and {Connection = "close"} or {}, login:format(n)) end,
}
local framings = {
    function() return framed("Host: a\r\nContent-Length: 0\r\nContent-Length: 0") end,
    function() return framed("Host: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked") end,
    function() return framed("Host: a\r\nTransfer-Encoding: gzip, chunked") end,
    function() return framed("Host: a\r\nX-Note: " .. n) end,
    function() return framed("Content-Length: 0") end,
    function() return framed("Host: a\r\nHost: b\r\nContent-Length: 0") end,
}

function request()
    n = n + 1
    if is_new and n % 3 == 0 then
        return framings[n / 3 % #framings + 1]()
    end
    return kinds[n % #kinds + 1]()
end
END

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -keyout "$own/key.pem" -out "$own/cert.pem" 2>"$own/openssl.log"

# start NAME LINES_OF_CALLBACK
start() {
    cat >"$own/$1.conf" <<END
[callback]
listen = 127.0.0.1:0
max_body = 4K
$2
[app 1400000000]
token = xxxxyyyy
[app 1400000001]
unsigned = yes
[status]
listen = 127.0.0.1:0
END
    $build/presenced --config "$own/$1.conf" 2>"$own/$1.log" &
    pid=$!
    pids="$pids $pid"
    until grep -q 'msg="ready"' "$own/$1.log"; do
        kill -0 $pid
        sleep 0.1
    done
    callback=$(sed -n 's/.*listener=callback address=//p' "$own/$1.log")
    status=$(sed -n 's/.*listener=status address=//p' "$own/$1.log")
}

resident_kib() {
    awk '/^VmRSS/ { print $2 }' "/proc/$pid/status"
}

# A number of the callback listener, or of the events.
counter() {
    curl -s "http://$status/v1/stats" | tr ',{}' '\n' | sed -n "/^\"$1\":/ { s/.*://p; q }"
}

# A second of load; what wrk counts as an error is what we want.
load() {
    wrk -t1 -c32 -d1 -s "$own/refused.lua" "$1://$callback" -- "$2" >>"$own/wrk.log"
}

# refuse SCHEME kept|new REQUESTS
refuse() {
    until=$(($(counter requests) + $3))
    while [ "$(counter requests)" -lt $until ]; do
        load "$1" "$2"
    done
}

# measure SCHEME LINES_OF_CALLBACK KEPT NEW: how many requests of each.
failed=0
measure() {
    start "$1" "$2"
    for _ in 1 2 3; do
        load "$1" kept
        load "$1" new
    done
    requests=$(counter requests)
    before=$(resident_kib)
    refuse "$1" kept "$3"
    refuse "$1" new "$4"
    after=$(resident_kib)
    echo "$1: $(($(counter requests) - requests)) requests, RSS $before KiB before, $after KiB after:" \
        "$((after - before)) KiB"
    [ $((after - before)) -le $growth_max_kib ] || failed=1
    if [ "$(counter applied)" -ne 0 ]; then
        echo "$1: not all were refused"
        failed=1
    fi
    kill "$pid"
    wait "$pid" || failed=1
}

measure http 'tls = off' $((n_requests * 6 / 10)) $((n_requests / 10))
measure https "certificate = $own/cert.pem
private_key = $own/key.pem" $((n_requests * 27 / 100)) $((n_requests * 3 / 100))
[ $failed -eq 0 ] || echo "more than $growth_max_kib KiB, or something else is wrong"
exit $failed
