# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# The releases of Debian that this is for, by number and by name; to be sourced.

# suite_of RELEASE: 12, 13, or a suite by its name; without one, this machine's.
suite_of() {
    case $1 in
    12) echo bookworm ;;
    13) echo trixie ;;
    '') own_suite ;;
    *) echo "$1" ;;
    esac
}

# This machine's; nothing where it is no Debian.
own_suite() {
    # shellcheck source=/dev/null
    (. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME")
}

# The release that this machine has not.
other_suite() {
    case $(own_suite) in
    bookworm) echo trixie ;;
    *) echo bookworm ;;
    esac
}
