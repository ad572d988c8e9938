#!/bin/sh
# SPDX-License-Identifier: MIT
# The package's life, booted and not, on every release of Debian that this is for. A heavy check; needs what
# package.sh and booted.sh need. A part that cannot run here fails it.
set -u

cd "$(dirname "$0")" || exit
status=0
for release in 12 13; do
    for script in package.sh booted.sh; do
        echo "$script on Debian $release"
        sh "$script" $release || status=1
    done
done
exit $status
