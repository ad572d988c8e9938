#!/bin/sh
# SPDX-License-Identifier: MIT
# Three nodes of a release build under random events, an engine that is killed, emptied, trimmed and stopped for half a
# minute, and lines between them that are cut, again and again: at the end all show the same. What is quicker to test is
# in the suites system.replication, several_nodes and partition. `sh tests/replication.sh`; takes a few minutes and needs
# redis-server or valkey-server.
set -eu

cd "$(dirname "$0")/.." || exit
build=$(pwd)/build/release
engine=$(command -v valkey-server || command -v redis-server) || {
    echo 'skipped: there is no redis-server or valkey-server'
    exit 77
}

cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target presenced system_replication system_partition >/dev/null

export PRESENCED_BINARY="$build/presenced" PRESENCED_REDIS="$engine" CK_INCLUDE_TAGS=drill
"$build/tests/system_replication"
status=0
sh tests/namespaces.sh "$build/tests/system_partition" || status=$?
[ $status -eq 77 ] || exit $status
