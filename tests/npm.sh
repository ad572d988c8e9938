#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests use of npm's registry, in build/npm/node_modules: the versions of tests/npm/package-lock.json, by
# their checksums. Nothing of it is run here. Where it can't be had it says so and ends with 77.
set -eu

cd "$(dirname "$0")/.." || exit
place=build/npm

skip() {
    rm -rf $place/node_modules
    echo "skipped: $1"
    exit 77
}

if cmp -s tests/npm/package-lock.json $place/package-lock.json && [ -d $place/node_modules ]; then
    exit
fi
mkdir -p $place
command -v npm >/dev/null || skip 'there is no npm'
cp tests/npm/package.json tests/npm/package-lock.json $place/
npm --prefix $place ci --ignore-scripts --no-audit --no-fund || skip 'npm has not fetched it'
