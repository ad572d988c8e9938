# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034 # who reads this uses them
# What the scripts that live a package's life share: read by them, in the project's folder. Their argument is a
# release of Debian, 12 or 13 (without one, this machine's): the package is built and lives there.

# shellcheck source=tests/releases.sh
. tests/releases.sh
suite=$(suite_of "${1-}") || { echo "${0##*/}: which release of Debian?" >&2 && exit 1; }
own=$(mktemp -d)
root=$own/root
passed=0
failed=0

# check WHAT COMMAND…: one expectation.
check() {
    what=$1
    shift
    if "$@" >"$own/said" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $what"
    else
        failed=$((failed + 1))
        echo "FAIL  $what"
        sed 's/^/      /' "$own/said" | tail -n 20
    fi
}

# Counts them; exit status 0 when none failed.
conclude() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
}

# build_package: leaves its path in `package`; made in PRESENCED_BUILT, a build with the prefix /usr, where that is set and
# the release is this machine's. Returns otherwise, with 77 where that release cannot be had, with the
# end of what was said in `reason`.
build_package() {
    built=.
    if [ "$suite" = "$(own_suite)" ]; then
        set -- sh tests/packaging/build.sh ${PRESENCED_BUILT:+"$PRESENCED_BUILT"}
    else
        set -- sh tests/debian.sh run "$suite" sh tests/packaging/build.sh
        built=build/debian-$suite/srv
    fi
    status=0
    "$@" >"$own/build.log" 2>&1 || status=$?
    reason="the package was not built: $(tail -n 20 "$own/build.log")"
    package=$built/$(tail -n 1 "$own/build.log")
    return $status
}

# bootstrap PACKAGES: Debian with these (each with a comma behind) and with what the package depends on, of
# alternatives the first. Returns otherwise with the end of what was said in `reason`.
bootstrap() {
    depends=$(dpkg-deb --field "$package" Depends | sed -E 's/ *\|[^,]*//g; s/ *\([^)]*\)//g; s/, */,/g')
    if ! debootstrap --variant=minbase --include="$1$depends" "$suite" "$root" ${MIRROR:+"$MIRROR"} \
        >"$own/debootstrap.log" 2>&1; then
        reason="debootstrap failed: $(tail -n 5 "$own/debootstrap.log")"
        return 1
    fi
}

extract_as() {
    rm -rf "$own/tree"
    dpkg-deb --raw-extract "$package" "$own/tree"
    sed -i "s/^Version: .*/Version: $1/" "$own/tree/DEBIAN/control"
}

pack() {
    dpkg-deb --root-owner-group --build "$own/tree" "$1" >/dev/null
}

# make_version VERSION FOLDER [SED]: the same package as another version in that folder, its configuration
# changed by SED.
make_version() {
    extract_as "$1"
    [ $# -lt 3 ] || sed -i "$3" "$own/tree/usr/share/presenced/presenced.conf"
    pack "$2/$1.deb"
}

# make_old VERSION FOLDER: the package as version 0.1 had it, with the reference in /etc, as a file that dpkg asks
# about.
make_old() {
    extract_as "$1"
    rm -r "$own/tree/usr/share/presenced" "$own/tree/etc/presenced/conf.d"
    cp conf/presenced.conf "$own/tree/etc/presenced/presenced.conf"
    chmod 644 "$own/tree/etc/presenced/presenced.conf"
    echo /etc/presenced/presenced.conf >"$own/tree/DEBIAN/conffiles"
    sed -i '\|usr/share/presenced/|d' "$own/tree/DEBIAN/md5sums"
    sed -i '/^    install_configuration /d; /protect .*conf\.d$/d' "$own/tree/DEBIAN/postinst"
    pack "$2/$1.deb"
}

# is_as MODE-AND-OWNER PATH
is_as() {
    found=$(inside stat --format '%A %U:%G' "$2")
    [ "$found" = "$1" ] || { echo "$2 is $found, not $1" && return 1; }
}
