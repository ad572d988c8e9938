#!/bin/sh
# SPDX-License-Identifier: MIT
# The units as systemd reads them: it knows every line of them, and finds the service hardened. The argument is a
# program that is there, for the one that the units start; presencectl is beside it. Exit status 77 where there is no systemd.
set -eu

# In tenths; the lower the better. What is left: a public service has sockets, and reads the host's files.
exposure_max=12

program=$1
command -v systemd-analyze >/dev/null || exit 77

# What systemd has to say of the units in a folder: nothing.
verify() {
    said=$(systemd-analyze verify --man=no "$1"/*.service "$1"/*.socket 2>&1) && [ -z "$said" ] && return
    echo "$said"
    return 1
}

is_hardened() {
    systemd-analyze security --offline=true --threshold=$exposure_max "$1/presenced.service"
}

copy_units() {
    rm -rf "$scratch/units"
    mkdir "$scratch/units"
    for unit in "$root"/systemd/*.service "$root"/systemd/*.socket; do
        sed "s|/usr/sbin/presenced|$program|; s|/usr/bin/presencectl|${program%/*}/presencectl|" "$unit" >"$scratch/units/${unit##*/}"
    done
}

# ---- the check can fail ----

must_find() {
    echo "check_units.sh itself is wrong: it does not find $1"
    exit 1
}

self_check() {
    copy_units
    echo 'WatchDog=30' >>"$scratch/units/presenced.service"
    ! verify "$scratch/units" >/dev/null || must_find 'an unknown key'
    copy_units
    sed -i '/^ExecStart=/s|=[^ ]*|=/nowhere/presenced|' "$scratch/units/presenced.service"
    ! verify "$scratch/units" >/dev/null || must_find 'a program that is not there'
    copy_units
    sed -i '/^PrivateUsers=/d; /^ProtectSystem=/d' "$scratch/units/presenced.service"
    ! is_hardened "$scratch/units" >/dev/null 2>&1 || must_find 'protection taken away'
}

root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
self_check
copy_units
verify "$scratch/units"
is_hardened "$scratch/units"
