#!/bin/sh
# SPDX-License-Identifier: MIT
# Three nodes of a release build and an engine that is killed, emptied, trimmed and stopped for half a minute, again and
# again, under random events: at the end all show the same. What is quicker to test is system.replication.
# `sh tests/replication.sh`; takes a few minutes and needs redis-server or valkey-server.
set -eu

cd "$(dirname "$0")/.." || exit
build=$(pwd)/build/release
engine=$(command -v valkey-server || command -v redis-server) || {
    echo 'skipped: there is no redis-server or valkey-server'
    exit 77
}

cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target presenced system_replication >/dev/null

PRESENCED_BINARY=$build/presenced PRESENCED_REDIS=$engine CK_INCLUDE_TAGS=drill exec "$build/tests/system_replication"
