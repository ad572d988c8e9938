#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual pages are sound mdoc and tell of every option that --help tells of, of every answer to a callback and
# of every metric: `sh tests/manuals.sh PROGRAM FOLDER`, where the folder has the pages as they are installed.
set -eu

program=$1
pages=$2
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT
status=0

# differ WHAT [SOURCE]: where --help, or another source, and the pages say different things.
differ() {
    if ! diff -u "$own/help" "$own/page"; then
        echo "$1 differ between ${2:---help} (-) and the manual page (+)"
        status=1
    fi
}

# The pages refer to each other, and are not installed; the system's own index is nothing of ours.
mandoc -T lint "$pages"/presence*.[1578] >"$own/lint" 2>&1 || true
if grep -vE 'referenced manual not found: Xr presence|outdated mandoc\.db' "$own/lint"; then
    status=1
fi

"$program" --help >"$own/text"

sed -nE 's/^  (--[a-z-]+).*/\1/p' "$own/text" | sort >"$own/help"
sed -nE 's/^\.It Fl (-[a-z-]+).*/-\1/p' "$pages/presenced.8" | sort >"$own/page"
differ 'command line options'

# "[section]" and "key = default" lines, in their order.
sed -nE -e '/^\[/p' -e 's/^  ([a-z_]+ = .*[^ ]|[a-z_]+ =) +;.*/\1/p' "$own/text" | sed 's/ *$//' >"$own/help"
sed -nE -e 's/^\.Ss (\[.*\])\\&$/\1/p' -e 's/^\.It Ic ([a-z_]+) No =( Ar (.*))?$/\1 = \3/p' "$pages/presenced.conf.5" |
    sed 's/ *$//' >"$own/page"
differ 'options of the configuration'
[ -s "$own/help" ]

# presencectl, which is beside the program: its commands, and the options of all of them.
client=${program%/*}/presencectl
"$client" --help | sed -nE 's/^  ([a-z-]+) .*/\1/p' | sort >"$own/help"
sed -nE 's/^\.It Cm ([a-z-]+).*/\1/p' "$pages/presencectl.1" | sort >"$own/page"
differ 'commands of presencectl'
[ -s "$own/help" ]
while read -r command; do
    "$client" "$command" --help
done <"$own/page" | sed -nE 's/^  (--[a-z-]+).*/\1/p' | sort -u >"$own/help"
sed -nE 's/^\.It Fl (-[a-z-]+).*/-\1/p' "$pages/presencectl.1" | sort >"$own/page"
differ 'options of presencectl'
[ -s "$own/help" ]

# What stands in the page comes from these files by conf/man/*.awk; here the names are found in another way.
root=$(dirname "$0")/..
{
    grep -oE ' X\([A-Z0-9_]+, "[a-z_0-9]+"' "$root/include/vendor/presenced/callback_outcomes.h" | cut -d'"' -f2
    grep -ohE ' X\([A-Z0-9_]+, +"[a-z_0-9]+"' "$root/include/base/presenced/json_check.h" \
        "$root/include/callback/presenced/state_change.h" | cut -d'"' -f2 | sed 's/^/bad_body_/'
    grep -rohE '\.name = "(presenced|process)_[a-z_]+"' "$root/src" | cut -d'"' -f2
} | sort >"$own/help"
sed -nE 's/^\.It Cm ([a-z_0-9]+) No ([0-9]{3} (OK|FAIL)|counter|gauge|histogram).*/\1/p' "$pages/presenced-api.7" |
    sort >"$own/page"
differ 'answers and metrics' 'the sources'
[ -s "$own/help" ]

# Who is woken by an alert finds what to do about it.
sed -n 's/^ *- alert: //p' "$root/conf/examples/alerts.yml" | sort >"$own/help"
sed -nE 's/^\.It Cm (Presenced[A-Za-z]+)$/\1/p' "$pages/presenced-operating.7" | sort >"$own/page"
differ 'alerts' 'conf/examples/alerts.yml'
[ -s "$own/help" ]

# What needs a person: its codes, in the list of the API and in that of what to do.
sed -nE 's/^ +X\([A-Z0-9_]+, "([a-z0-9_]+)"\).*/\1/p' "$root/include/status/presenced/warnings.h" | while read -r code; do
    for page in presenced-api.7 presenced-operating.7; do
        grep -qE "^\\.(It )?Cm (.* )?$code( |\$)" "$pages/$page" || echo "$page does not tell of the warning $code"
    done
done >"$own/missing"
if [ -s "$own/missing" ]; then
    cat "$own/missing"
    status=1
fi
exit $status
