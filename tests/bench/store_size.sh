#!/bin/sh
# SPDX-License-Identifier: MIT
# The store: made-up users imported, then all of them again with later events, as weeks of traffic would; what
# lies on disk, how long a start takes and what the daemon holds in memory then.
# `sh tests/bench/store_size.sh [USERS]`, a million without.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/bench/common.sh
. tests/bench/common.sh
n_users=${1:-1000000}
build presenced
cat >"$own/presenced.conf" <<END
[callback]
listen = unix:$own/callback.sock
tls = off
[app 1400000000]
[status]
listen = unix:$own/status.sock
[store]
path = $own/store
END

# The same users each time, with random ids of 12 bytes and one row, from a week that begins LATER ms after a base.
users() {
    awk -v n="$n_users" -v later="$1" 'BEGIN {
        srand(1)
        print "{\"format\":\"presenced\",\"version\":3}"
        for (i = 0; i < n; i++) {
            time = sprintf("%.0f", 1700000000000 + later + rand() * 604800000)
            printf "{\"app\":1400000000,\"user\":\"%06x%06x\",\"rows\":[", rand() * 16777216, rand() * 16777216
            printf "{\"platform\":\"%s\",\"action\":\"%s\",", i % 2 ? "iOS" : "Web", i % 3 ? "Login" : "Disconnect"
            printf "\"reason\":\"%s\",\"event_time\":%s,\"received_time\":%s,\"client_ip\":\"192.0.2.%d\"}],",
                i % 3 ? "Register" : "LinkClose", time, time, rand() * 256
            print "\"custom_status\":null,\"custom_status_time\":null}"
        }
        printf "{\"apps\":0,\"users\":%d}\n", n
    }'
}

bytes_a_user() {
    echo "$(($(du -s --block-size=1 "$1" | cut -f 1) / n_users)) bytes a user"
}

# seconds COMMAND…
seconds() {
    begin=$(date +%s%N)
    "$@" >"$own/log" 2>&1 || { cat "$own/log" && exit 1; }
    awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.1f s", ns / 1e9 }'
}

with_store() {
    "$build"/presenced --config "$own/presenced.conf" "$@"
}

machine
for later in 0 604800000 1209600000; do
    users $later >"$own/users"
    echo "imported $n_users users: $(seconds with_store --import "$own/users"), $(bytes_a_user "$own/store")"
done
echo "exported: $(seconds with_store --export "$own/export"), $(bytes_a_user "$own/export")"
gzip "$own/export"
echo "with gzip: $(bytes_a_user "$own/export.gz")"

begin=$(date +%s%N)
"$build"/presenced --config "$own/presenced.conf" 2>"$own/daemon.log" &
pid=$!
pids=$pid
await "$own/daemon.log" grep -q 'msg="ready"' "$own/daemon.log"
ready=$(awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f", ns / 1e9 }')
resident=$(awk '/^VmRSS/ { print $2 }' /proc/$pid/status)
echo "ready after: $ready s, loaded: $(grep -oE 'ms=[0-9]+' "$own/daemon.log" | tail -n 1)"
echo "resident: $((resident * 1024 / n_users)) bytes a user"
figure start "$ready" "$resident"
