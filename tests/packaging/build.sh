#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the Debian package as README says and has lintian look at it. The last line is the package's path.
# `sh tests/packaging/build.sh [BUILD]`: BUILD has been built already, with the prefix /usr.
set -eu

cd "$(dirname "$0")/../.." || exit
build=${1:-build/package}
# Modes in the package shall not depend on it.
umask 077

[ $# -gt 0 ] || cmake -S . -B "$build" -DCMAKE_INSTALL_PREFIX=/usr -DBUILD_TESTING=OFF
rm -f "$build"/*.deb "$build"/*.ddeb
cmake --build "$build" --parallel "$(nproc)" --target package
package=$(find "$build" -maxdepth 1 -name 'presenced_*.deb')

# What it is told to pass over has its reason in conf/debian/lintian-overrides.
lintian --allow-root --fail-on error,warning "$package"
for field in 'Package presenced' 'Section net' 'Priority optional'; do
    value=$(dpkg-deb --field "$package" "${field% *}")
    [ "$value" = "${field#* }" ] || { echo "${field% *} is $value, not ${field#* }" && exit 1; }
done
dpkg-deb --field "$package" Depends | grep -qE 'libmicrohttpd12(t64)? \(>= ' || { echo 'Depends names no libraries' && exit 1; }
echo "$package"
