#!/bin/sh
# SPDX-License-Identifier: MIT
# As crash.sh, but each time the daemon is killed, what it has not synced is taken from its store, as by a power
# cut (system/failing_disk.c): sync must lose nothing that was answered, commit a second of it at most.
# `sh tests/powerloss.sh [CUTS]`, 50 without.
set -eu

cd "$(dirname "$0")/.." || exit
build=$(pwd)/build/release

cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target presenced system_crash failing_disk >/dev/null

echo "$(uname -srm), $(nproc) cores, $(date +%F)"
PRESENCED_BINARY=$build/presenced PRESENCED_TEST_KILLS=${1:-50} \
    PRESENCED_FAILING_DISK=$build/tests/libfailing_disk.so exec "$build/tests/system_crash"
