#!/bin/sh
# SPDX-License-Identifier: MIT
# A release build whose disk stands still for ten seconds, or says EIO (system/failing_disk.c): events wait for
# it or fail, queries and health do not, nothing is lost. `sh tests/stall.sh`.
set -eu

cd "$(dirname "$0")/.." || exit
build=$(pwd)/build/release

cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target presenced system_disk failing_disk >/dev/null

PRESENCED_BINARY=$build/presenced PRESENCED_FAILING_DISK=$build/tests/libfailing_disk.so \
    PRESENCED_TEST_STALL_MS=10000 exec "$build/tests/system_disk"
