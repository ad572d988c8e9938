#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds the Debian package and takes it through its life in a minimal Debian that is made for it and not booted:
# installed, configured, upgraded, removed, installed again, purged. `sh tests/packaging/package.sh [RELEASE]`, 12 or
# 13; without one, this machine's. Needs root, debootstrap and a mirror (MIRROR names another than debootstrap's own);
# takes about two minutes.
#
# systemctl is a stand-in there, but for links in /etc: it writes down what the package's scripts ask of it.
# What a booted system makes of that is another test's.
set -eu

cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/packaging/common.sh
. tests/packaging/common.sh
trap 'rm -rf "$own"' EXIT

fail() {
    echo "package.sh: $1" >&2
    exit 1
}

inside() {
    chroot "$root" env -i PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C \
        DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# What the package's scripts said is in $own/log, what they asked of systemctl in /asked of the root.
package_tool() {
    rm -f "$root/asked"
    touch "$root/asked"
    inside dpkg "$@" >"$own/log" 2>&1
}

make_root() {
    bootstrap '' || fail "$reason"
    mkdir -p "$root/run/systemd/system" "$root/packages"
    cat >"$root/usr/local/sbin/systemctl" <<'END'
#!/bin/sh
case "$*" in
*--root=*) exec /usr/bin/systemctl "$@" ;;
*is-enabled*) echo enabled ;;
*is-active*) exit 3 ;;
*) echo "$*" >>/asked ;;
esac
END
    chmod 755 "$root/usr/local/sbin/systemctl"
}

# Every file with its type, mode, owner and target, but what dpkg and the user database keep for themselves.
list_files() {
    (cd "$root" && find . -xdev \( -path ./var/lib/dpkg -o -path ./var/log -o -path ./var/cache -o -path ./packages -o -path ./asked \) \
        -prune -o ! -path './etc/passwd*' ! -path './etc/group*' ! -path './etc/*shadow*' ! -path './etc/.pwd.lock' \
        -printf '%M %U:%G %p %l\n' | sort -k 3)
}

says() {
    cat "$own/log"
    grep -qF -e "$1" "$own/log"
}

is_silent() {
    cat "$own/log"
    ! grep -q 'presenced is not' "$own/log"
}

# asked LINE…: what systemctl was asked but reading units again, these lines and no others.
asked() {
    cat "$root/asked"
    printf '%s\n' "$@" | sed '/^$/d' >"$own/wanted"
    grep -v daemon-reload "$root/asked" | sed 's/--quiet //; s/--system //; s/--no-.* //' | diff "$own/wanted" -
}

absent() {
    for path in "$@"; do
        if [ -e "$root$path" ] || [ -L "$root$path" ]; then
            echo "$path is there" && return 1
        fi
    done
}

present() {
    for path in "$@"; do
        [ -e "$root$path" ] || [ -L "$root$path" ] || { echo "$path is not there" && return 1; }
    done
}

is_small_and_findable() {
    readelf --notes "$root/usr/sbin/presenced" | grep -q 'Build ID'
    ! readelf --sections "$root/usr/sbin/presenced" | grep -qE '\.(debug_info|symtab)'
}

# What dpkg has of /etc/presenced/presenced.conf: nothing, so that it never asks.
is_no_file_of_dpkg() {
    # shellcheck disable=SC2016 # dpkg-query expands it
    inside dpkg-query --show --showformat='${Conffiles}' presenced >"$own/conffiles"
    cat "$own/conffiles"
    [ ! -s "$own/conffiles" ]
}

asked_nothing() {
    cat "$own/log"
    ! grep -qiE 'conffile|what would you like' "$own/log"
}

# What an administrator adds to a fresh installation.
configure() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 -subj /CN=localhost \
        -keyout "$root/etc/presenced/tls/privkey.pem" -out "$root/etc/presenced/tls/fullchain.pem" 2>/dev/null
    echo made-up >"$root/etc/presenced/token"
    printf '[app 1400000000]\ntoken_file = /etc/presenced/token\n' >"$root/etc/presenced/conf.d/own.conf"
    inside chgrp presenced /etc/presenced/token /etc/presenced/tls/privkey.pem
    chmod 640 "$root/etc/presenced/token" "$root/etc/presenced/tls/privkey.pem"
    inside install -d -o presenced -g presenced -m 700 /var/lib/presenced
    echo data >"$root/var/lib/presenced/data"
}

try_fresh() {
    check 'installs' package_tool --install /packages/first.deb
    check 'does not start what cannot run' asked ''
    check '… and says so' says 'presenced is not started, for its configuration is not usable:'
    check '… and why' says '[app ID]: missing: '
    check 'its files are as they were packed' inside dpkg --verify presenced
    check 'has a stripped program with a build id' is_small_and_findable
    check 'the program runs' inside presenced --version
    check 'has a user' inside id presenced
    check 'has a configuration' cmp "$root/usr/share/presenced/presenced.conf" "$root/etc/presenced/presenced.conf"
    check '… that dpkg does not know' is_no_file_of_dpkg
    check '… for root and the daemon' is_as '-rw-r----- root:presenced' /etc/presenced/presenced.conf
    check '… and so are own settings' is_as 'drwxr-x--- root:presenced' /etc/presenced/conf.d
    check '… and keys' is_as 'drwxr-x--- root:presenced' /etc/presenced/tls
    check 'enables the service' present /etc/systemd/system/multi-user.target.wants/presenced.service
    check 'has its documents' present /usr/share/man/man8/presenced.8.gz /usr/share/man/man5/presenced.conf.5.gz \
        /usr/share/man/man7/presenced-api.7.gz /usr/share/man/man7/presenced-operating.7.gz \
        /usr/share/doc/presenced/copyright /usr/share/doc/presenced/changelog.Debian.gz /usr/share/doc/presenced/README.md \
        /usr/share/doc/presenced/README.zh-CN.md /usr/share/doc/presenced/presenced.conf \
        /usr/share/doc/presenced/examples/haproxy.cfg /usr/share/doc/presenced/examples/several-nodes/nginx.conf
}

try_configured() {
    chmod 600 "$root/etc/presenced/tls/privkey.pem"
    inside chown root:root /etc/presenced/tls/privkey.pem
    check 'configures again' package_tool --install /packages/first.deb
    check 'finds a key that only root can read' says 'privkey.pem: cannot be read: Permission denied'
    inside chown root:presenced /etc/presenced/tls/privkey.pem
    chmod 640 "$root/etc/presenced/tls/privkey.pem"
}

try_upgrades() {
    echo '# mine' >>"$root/etc/presenced/presenced.conf"
    cp "$root/etc/presenced/presenced.conf" "$own/conf"
    check 'upgrades' package_tool --install /packages/0.1.0-2.deb
    check '… with no complaint' is_silent
    check '… restarting what runs' asked 'try-restart presenced.service'
    check '… keeping the configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check '… and its mode' is_as '-rw-r----- root:presenced' /etc/presenced/presenced.conf
    check 'upgrades with a new configuration in the package' package_tool --install /packages/0.1.0-3.deb
    check '… asking nothing' asked_nothing
    check '… keeping the old one' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check '… and leaving nothing beside it' absent /etc/presenced/presenced.conf.dpkg-dist /etc/presenced/presenced.conf.new
    rm "$root/etc/presenced/presenced.conf"
    check 'upgrades without a configuration' package_tool --install /packages/0.1.0-2.deb
    check '… which stays away' absent /etc/presenced/presenced.conf
    cp "$own/conf" "$root/etc/presenced/presenced.conf"
    check 'upgrades again' package_tool --install /packages/0.1.0-3.deb
    inside dpkg-statoverride --update --add root root 0600 /etc/presenced/presenced.conf
    check 'upgrades with a mode of the administrator' package_tool --install /packages/0.1.0-2.deb
    check '… which stays' is_as '-rw------- root:root' /etc/presenced/presenced.conf
    check '… and leaves alone what runs' asked ''
    check '… and says why' says 'presenced is not restarted, for its configuration is not usable; one that runs goes on running:'
    inside dpkg-statoverride --remove /etc/presenced/presenced.conf
    inside systemctl --root=/ disable presenced.service 2>/dev/null
    check 'upgrades a service that was disabled' package_tool --install /packages/0.1.0-3.deb
    check '… which stays so' absent /etc/systemd/system/multi-user.target.wants/presenced.service
}

try_end() {
    check 'is removed' package_tool --remove presenced
    check '… stopping it, the sockets first' asked 'stop presenced.socket presenced-status.socket' 'stop presenced.service'
    check '… keeping data and configuration' present /var/lib/presenced/data /etc/presenced/presenced.conf /etc/presenced/token
    check '… but no program' absent /usr/sbin/presenced /usr/lib/systemd/system/presenced.service
    check 'comes back' package_tool --install /packages/0.1.0-3.deb
    check '… with its configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check 'is purged' package_tool --purge presenced
    list_files >"$own/after"
    check '… leaving nothing' diff "$own/before" "$own/after"
}

# From version 0.1 on, whose presenced.conf was a file of dpkg's with every option.
try_from_0_1() {
    check 'version 0.1 installs' package_tool --install /packages/0.1.0-0.deb
    check '… with its reference' cmp conf/presenced.conf "$root/etc/presenced/presenced.conf"
    check 'is upgraded as it came' package_tool --install /packages/first.deb
    check '… asking nothing' asked_nothing
    check '… to the short configuration' cmp "$root/usr/share/presenced/presenced.conf" "$root/etc/presenced/presenced.conf"
    check '… of which others read nothing' is_as '-rw-r----- root:presenced' /etc/presenced/presenced.conf
    check 'is purged' package_tool --purge presenced

    check 'version 0.1 installs again' package_tool --install /packages/0.1.0-0.deb
    printf '[app 1400000000]\nunsigned = yes\n' >>"$root/etc/presenced/presenced.conf"
    sed -i 's/^;tls = on/tls = off/' "$root/etc/presenced/presenced.conf"
    cp "$root/etc/presenced/presenced.conf" "$own/conf"
    check 'is upgraded with a configuration that was edited' package_tool --install /packages/first.deb
    check '… asking nothing' asked_nothing
    check '… with no complaint' is_silent
    check '… restarting what runs' asked 'try-restart presenced.service'
    check '… keeping the configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check '… and leaving nothing beside it' absent /etc/presenced/presenced.conf.dpkg-dist \
        /etc/presenced/presenced.conf.dpkg-old /etc/presenced/presenced.conf.dpkg-new
    check 'is upgraded on' package_tool --install /packages/0.1.0-3.deb
    check '… asking nothing' asked_nothing
    check '… keeping the configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check 'goes back to version 0.1' package_tool --force-confold --install /packages/0.1.0-0.deb
    check '… keeping the configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check 'is upgraded once more' package_tool --install /packages/first.deb
    check '… keeping the configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check 'is removed' package_tool --remove presenced
    check '… keeping the configuration' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check 'is purged' package_tool --purge presenced
    list_files >"$own/after"
    check '… leaving nothing' diff "$own/before" "$own/after"
}

# A configuration that was there before, as configuration management does.
try_prepared() {
    mkdir -p "$root/etc/presenced"
    printf '[callback]\ntls = off\nlisten = 127.0.0.1:0\n[app 1400000000]\n' >"$root/etc/presenced/presenced.conf"
    cp "$root/etc/presenced/presenced.conf" "$own/conf"
    check 'installs over a configuration' package_tool --install /packages/first.deb
    check '… keeping it' cmp "$own/conf" "$root/etc/presenced/presenced.conf"
    check '… and starts' asked 'start presenced.service'
    check '… with no complaint' is_silent
}

[ "$(id -u)" -eq 0 ] || fail 'this needs root, to make a system in a folder'
command -v debootstrap >/dev/null || fail 'this needs debootstrap'
build_package || fail "$reason"
make_root
cp "$package" "$root/packages/first.deb"
make_version 0.1.0-2 "$root/packages"
make_version 0.1.0-3 "$root/packages" 's/begins here/starts here/'
make_old 0.1.0-0 "$root/packages"
list_files >"$own/before"

try_fresh
configure
try_configured
try_upgrades
try_end
try_from_0_1
try_prepared
conclude
