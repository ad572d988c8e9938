#!/bin/sh
# SPDX-License-Identifier: MIT
# Kills a release build under load at random moments, in each durability, and prints what was answered, lost
# and how long a start took. `sh tests/crash.sh [KILLS]`, 200 without; PRESENCED_SEED repeats a run's events.
set -eu

cd "$(dirname "$0")/.." || exit
build=build/release

cmake -S . -B $build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build $build --parallel "$(nproc)" --target presenced system_crash >/dev/null

echo "$(uname -srm), $(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(date +%F)"
PRESENCED_BINARY=$build/presenced PRESENCED_TEST_KILLS=${1:-200} exec $build/tests/system_crash
