#!/bin/sh
# SPDX-License-Identifier: MIT
# An installation puts everything where its parts look for each other, and leaves a configuration alone that is
# there: `sh tests/install.sh BUILD`.
set -eu

own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

install_to() {
    DESTDIR=$own/$1 cmake --install "$2" >"$own/log" 2>&1 || { cat "$own/log" && fail 'cmake --install failed'; }
}

install_to root "$1"
unit=$(find "$own/root" -name presenced.service)
[ -n "$unit" ] || fail 'there is no unit'
sed -nE 's/^ExecStart=([^ ]+) --config ([^ ]+)$/\1 \2/p' "$unit" >"$own/paths"
read -r program configuration <"$own/paths" || fail 'the unit names no program'
[ -x "$own/root$program" ] || fail "the unit starts $program, which is not there"
client=$(sed -nE 's/^ExecReload=([^ ]+) reload .*/\1/p' "$unit")
[ -x "$own/root$client" ] || fail "the unit reloads with $client, which is not there"
[ -n "$(find "$own/root" -path '*/bash-completion/completions/presencectl')" ] || fail "there is no completion"
[ -f "$own/root$configuration" ] || fail "the unit names $configuration, which is not there"
"$own/root$program" --help | grep -qF "instead of $configuration" || fail "the program looks for another configuration"
for page in man1/presencectl.1 man8/presenced.8 man5/presenced.conf.5; do
    file=$(find "$own/root" -path "*/$page")
    [ -n "$file" ] || fail "there is no $page"
    grep -qF "$configuration" "$file" || fail "$page does not name $configuration"
done
for page in man7/presenced-api.7 man7/presenced-operating.7; do
    [ -n "$(find "$own/root" -path "*/$page")" ] || fail "there is no $page"
done

echo '# mine' >"$own/root$configuration"
install_to root "$1"
[ "$(cat "$own/root$configuration")" = '# mine' ] || fail 'a second installation wrote over the configuration'
