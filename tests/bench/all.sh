#!/bin/sh
# SPDX-License-Identifier: MIT
# Measures callbacks, latency, queries, memory and start, prints one table and writes it as a picture:
# `sh tests/bench/all.sh [-r] [PICTURE]`, callbacks.svg beside this script without; -r is latency.sh's. Takes ten minutes. What has
# a row is in the file `rows`, by the name of its figure.
set -eu

cd "$(dirname "$0")/../.." || exit
realtime=
if [ "${1-}" = -r ]; then
    realtime=-r
    shift
fi
picture=${1:-tests/bench/callbacks.svg}
FIGURES=$(mktemp)
export FIGURES
trap 'rm -f "$FIGURES"' EXIT

sh conf/packages.sh build test bench
sh tests/bench/callbacks.sh
# shellcheck disable=SC2086 # an option, or none
sh tests/bench/latency.sh $realtime
sh tests/bench/queries.sh
sh tests/bench/store_size.sh

machine="Debian $(cat /etc/debian_version), $(uname -sr | cut -d. -f1,2), $(nproc) cores of \
$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nginx -v 2>&1 | sed 's/.*: //'), \
$(go version | cut -d' ' -f3)$(command -v node >/dev/null && echo ", Node.js $(node --version)"), $(date +%F)"
echo
echo "$machine"
awk -f tests/bench/table.awk "$FIGURES" tests/bench/rows
awk -v machine="$machine" -f tests/bench/picture.awk "$FIGURES" tests/bench/rows >"$picture"
