#!/bin/sh
# SPDX-License-Identifier: MIT
# What booted.sh runs in its machine: `inside.sh send USER` sends a Login as Tencent does, which must be answered OK;
# `inside.sh load NUMBER` sends one after another, each over a new connection, of users whom it writes down when they
# are answered, and says what was not.
set -eu

send() {
    now=$(date +%s)
    sign=$(printf %s "$(cat /etc/presenced/token)$now" | sha256sum | cut -c 1-64)
    answer=$(curl --silent --show-error --max-time 20 --cacert /etc/presenced/tls/fullchain.pem \
        --data "{\"CallbackCommand\":\"State.StateChange\",\"Info\":{\"Action\":\"Login\",\"To_Account\":\"$1\",\"Reason\":\"Register\"}}" \
        "https://localhost:8443/?SdkAppid=1400000000&CallbackCommand=State.StateChange&contenttype=json&ClientIP=192.0.2.4&OptPlatform=Web&RequestTime=$now&Sign=$sign" 2>&1) || {
        echo "$1: $answer"
        return 1
    }
    case $answer in
    *'"ActionStatus":"OK"'*) ;;
    *)
        echo "$1: $answer"
        return 1
        ;;
    esac
}

load() {
    n=0
    while [ ! -e /srv/load.stop ]; do
        n=$((n + 1))
        if send "user$1-$n"; then
            echo "user$1-$n" >>"/srv/load.$1"
        fi
    done
}

"$@"
