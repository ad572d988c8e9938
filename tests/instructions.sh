#!/bin/sh
# SPDX-License-Identifier: MIT
# What a callback costs in instructions, from its head to its reply, counted by callgrind in what src/http and all
# it calls do for one: fails when that has grown by more than 5 % over the figure in instructions.txt, which is
# of Debian 12's compiler and libraries. `sh tests/instructions.sh PRESENCED [--record]`: --record writes what is
# measured into that file, for a growth that is meant.
set -eu

presenced=$1
record=${2-}
figure=$(dirname "$0")/instructions.txt
requests=1000
app=1400000001
own=$(mktemp -d)
pid=
trap 'if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || :; wait; fi; rm -rf "$own"' EXIT

cat >"$own/presenced.conf" <<EOF
[callback]
listen = unix:$own/callback.sock
tls = off
[app $app]
token = instructions
sign_tolerance = 1h
[presence]
[status]
listen = unix:$own/status.sock
EOF
valgrind --tool=callgrind --callgrind-out-file="$own/counts" --toggle-collect='on_request_line*' \
    --toggle-collect='on_request_part*' --toggle-collect='on_request_end*' \
    "$presenced" --config "$own/presenced.conf" 2>"$own/log" &
pid=$!
until grep -q 'msg="ready"' "$own/log"; do
    kill -0 "$pid" || { cat "$own/log" && exit 1; }
    sleep 0.1
done

# One kept connection; 100 users, each event newer than the one before.
time=$(date +%s)
sign=$(printf 'instructions%s' "$time" | openssl dgst -sha256 -r | cut -d' ' -f1)
awk -v n=$requests -v app=$app -v time="$time" -v sign="$sign" -v socket="$own/callback.sock" 'BEGIN {
    for (i = 0; i < n; i++) {
        if (i > 0) {
            print "next"
        }
        printf "url = \"http://localhost/?SdkAppid=%s&CallbackCommand=State.StateChange&contenttype=json" \
            "&ClientIP=192.0.2.4&OptPlatform=Web&RequestTime=%s&Sign=%s\"\n", app, time, sign
        printf "data = \"{\\\"CallbackCommand\\\":\\\"State.StateChange\\\",\\\"EventTime\\\":%s%03d," \
            "\\\"Info\\\":{\\\"Action\\\":\\\"Login\\\",\\\"To_Account\\\":\\\"user%04d\\\"," \
            "\\\"Reason\\\":\\\"Register\\\"},\\\"KickedDevice\\\":[{\\\"Platform\\\":\\\"Windows\\\"}," \
            "{\\\"Platform\\\":\\\"Android\\\"}]}\"\n", time, i % 1000, i % 100
        print "unix-socket = \"" socket "\"\nsilent"
    }
}' >"$own/requests"
curl -K "$own/requests" >"$own/answers"
n_ok=$(grep -o '"ActionStatus":"OK"' "$own/answers" | wc -l)
[ "$n_ok" -eq $requests ] || { echo "$n_ok of $requests were answered OK" && exit 1; }

kill "$pid"
wait "$pid"
pid=
counted=$(awk '/^(summary|totals):/ { sum = $2 } END { print sum }' "$own/counts")
now=$((counted / requests))
if [ "$record" = --record ]; then
    echo $now >"$figure"
fi
recorded=$(cat "$figure")
echo "$now instructions a callback; recorded: $recorded"
[ $((now * 100)) -le $((recorded * 105)) ]
[ $((now * 100)) -ge $((recorded * 75)) ] # else it is not what was meant that was counted, or a gain to be recorded
