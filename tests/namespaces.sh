#!/bin/sh
# SPDX-License-Identifier: MIT
# namespaces.sh COMMAND…: runs it where it may make network namespaces and join them; else skips it.
set -eu

unshare --net ip link add one type veth peer name other 2>/dev/null || {
    echo 'skipped: no network namespaces can be made here (that takes root, iproute2 and the kernel'\''s veth)'
    exit 77
}
exec "$@"
