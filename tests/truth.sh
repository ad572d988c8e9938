#!/bin/sh
# SPDX-License-Identifier: MIT
# How much of the users' time the daemon shows wrongly when events are lost, cut off or ambiguous: a release build over
# days of a simulated vendor (tests/vendor), in fast motion. `sh tests/truth.sh [--seed N] [--only COLUMN] …`: some
# minutes. Status 77 without python3.
set -eu

cd "$(dirname "$0")/.." || exit
build=$(pwd)/build/release

command -v python3 >/dev/null || {
    echo "skipped: there is no python3"
    exit 77
}
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DBUILD_TESTING=ON >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target presenced fast_clock >/dev/null

exec python3 -B tests/vendor/truth.py "$build/presenced" "$build/tests/libfast_clock.so" "$@"
