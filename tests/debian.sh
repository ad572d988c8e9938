#!/bin/sh
# SPDX-License-Identifier: MIT
# Another release of Debian in a folder, to build and test there:
#
#   sh tests/debian.sh make RELEASE            makes build/debian-SUITE with the packages of conf/packages.sh, where it
#                                              is not there or is of another conf/packages.sh
#   sh tests/debian.sh run RELEASE COMMAND…    runs a command in it, at the top of these sources, which are read-only
#                                              there but for build/, a folder of its own: build/debian-SUITE/srv/build
#
# RELEASE is 12, 13, or a suite by its name. Needs root, debootstrap and a mirror (MIRROR names another than
# debootstrap's own); where it cannot be made it says so and ends with 77. All runs in namespaces of its own for
# processes and mounts, which the kernel ends with their first process, and that one with this script.
set -eu

cd "$(dirname "$0")/.." || exit
# shellcheck source=tests/releases.sh
. tests/releases.sh

skip() {
    echo "skipped: $1"
    exit 77
}

# apart COMMAND…: where nothing that it starts or mounts outlives this script.
apart() {
    setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$@"
}

# enter ROOT COMMAND…: to be run apart. Loopback is the machine's; every test takes a free port.
# shellcheck disable=SC2016 # the inner shell expands it
enter() {
    apart sh -euc '
        root=$1
        shift
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=755 dev "$root/dev"
        for device in null zero full random urandom tty; do
            : >"$root/dev/$device"
            mount --bind "/dev/$device" "$root/dev/$device"
        done
        ln -s /proc/self/fd "$root/dev/fd"
        ln -s fd/0 "$root/dev/stdin"
        ln -s fd/1 "$root/dev/stdout"
        ln -s fd/2 "$root/dev/stderr"
        mkdir "$root/dev/shm" "$root/dev/pts"
        mount -t devpts -o newinstance,ptmxmode=666 pts "$root/dev/pts"
        ln -s pts/ptmx "$root/dev/ptmx"
        mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
        mount -t tmpfs -o mode=1777 tmp "$root/tmp"
        mount -t tmpfs -o mode=755 run "$root/run"
        mkdir -p "$root/srv/presenced" "$root/srv/build"
        mount --bind . "$root/srv/presenced"
        mount -o remount,bind,ro "$root/srv/presenced"
        mount --bind "$root/srv/build" "$root/srv/presenced/build"
        exec chroot "$root" env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
            sh -c "cd /srv/presenced && exec \"\$@\"" sh "$@"
    ' sh "$@"
}

# Under another name until it is whole.
make_root() {
    sum=$(sha256sum conf/packages.sh)
    if [ "$(cat "$root/packages.sum" 2>/dev/null)" = "$sum" ]; then
        return
    fi
    rm -rf --one-file-system "$root.new" "$root.old"
    # What is half made is thrown away, so nothing of it need reach the disk at once.
    mkdir -p "$root.new/etc/dpkg/dpkg.cfg.d"
    echo force-unsafe-io >"$root.new/etc/dpkg/dpkg.cfg.d/unsafe-io"
    apart debootstrap --variant=minbase --include=ca-certificates "$suite" "$root.new" ${MIRROR:+"$MIRROR"} ||
        skip "debootstrap has not made Debian $suite"
    cp /etc/resolv.conf "$root.new/etc/"
    enter "$root.new" sh conf/packages.sh build test
    rm -f "$root.new"/var/cache/apt/archives/*.deb
    echo "$sum" >"$root.new/packages.sum"
    [ ! -e "$root" ] || mv "$root" "$root.old"
    mv "$root.new" "$root"
    rm -rf --one-file-system "$root.old"
}

action=${1-}
suite=$(suite_of "${2-}") || { echo 'debian.sh: which release?' >&2 && exit 1; }
shift 2
root=$(pwd)/build/debian-$suite
mkdir -p build

[ "$(id -u)" -eq 0 ] || skip 'another Debian needs root'
command -v debootstrap >/dev/null || skip 'another Debian needs debootstrap'
apart true || skip 'another Debian needs namespaces for processes and mounts'
exec 9>"$root.lock"
flock 9
case $action in
make) make_root ;;
run) make_root && enter "$root" "$@" ;;
*) echo 'debian.sh: make or run?' >&2 && exit 1 ;;
esac
