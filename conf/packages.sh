#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that are missing: `sh conf/packages.sh build` for a build,
# `sh conf/packages.sh build test` for the tests too, and with `bench` for the benches. Needs root or sudo only if
# one is missing.
set -eu

build='gcc libc6-dev make cmake pkg-config libmicrohttpd-dev libgnutls28-dev libcjson-dev libinih-dev libssl-dev librocksdb-dev libsystemd-dev
    zlib1g-dev libcurl4-openssl-dev libhiredis-dev openssl curl ca-certificates'
test='check clang-format clang-tidy shellcheck nginx-light haproxy sslscan prometheus redis-server
    iproute2 mandoc dpkg-dev lintian python3-jsonschema systemd systemd-container debootstrap valgrind chromium'
bench='wrk libnginx-mod-http-lua lua-cjson golang-go procps util-linux'

# shellcheck source=/dev/null
case $(. /etc/os-release && echo "${VERSION_ID-}") in
13) test="$test valkey-server" ;; # 12 has none
esac
# Node.js of another source brings its own, which Debian's package would put out.
command -v npm >/dev/null || test="$test npm"

fail() {
    echo "packages.sh: $1" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "this needs root or sudo: $*"
    fi
}

is_installed() {
    dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed
}

missing_of() {
    for package in $1; do
        is_installed "$package" || printf ' %s' "$package"
    done
}

command -v dpkg-query >/dev/null ||
    fail "this machine has no dpkg. Install what README.md names as dependencies by its own means"
missing=
for group in "$@"; do
    case $group in
    build) missing="$missing$(missing_of "$build")" ;;
    test) missing="$missing$(missing_of "$test")" ;;
    bench) missing="$missing$(missing_of "$bench")" ;;
    *) fail "unknown group '$group'; allowed: build, test, bench" ;;
    esac
done
[ -n "$missing" ] || exit 0

echo "installing:$missing"
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null || fail 'apt-get update failed'
# The web servers are for tests, which start them themselves: they shall not come up as services.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    trap 'as_root rm -f $policy' EXIT
fi
# Package names are words.
# shellcheck disable=SC2086
as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends $missing </dev/null ||
    fail "apt-get install failed:$missing"
