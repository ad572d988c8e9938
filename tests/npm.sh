#!/bin/sh
# SPDX-License-Identifier: MIT
# What the tests use of npm's registry, in build/npm/node_modules: the versions of tests/npm/package-lock.json, by
# their checksums. Nothing of it is run here. Where there is no npm it says so and ends with 77.
set -eu

cd "$(dirname "$0")/.." || exit
command -v npm >/dev/null || { echo 'skipped: there is no npm' && exit 77; }
place=build/npm
mkdir -p $place
if cmp -s tests/npm/package-lock.json $place/package-lock.json && [ -d $place/node_modules ]; then
    exit
fi
rm -rf $place/node_modules
cp tests/npm/package.json tests/npm/package-lock.json $place/
npm --prefix $place ci --ignore-scripts --no-audit --no-fund || { rm -rf $place/node_modules && exit 1; }
