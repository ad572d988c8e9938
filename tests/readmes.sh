#!/bin/sh
# SPDX-License-Identifier: MIT
# README.md and its translation have the same headings, by their levels, and the same code blocks, byte for byte;
# README.md is short; and no document names a file, or a test, that is not there: `sh tests/readmes.sh`.
set -eu

lines_max=200

cd "$(dirname "$0")/.." || exit
own=$(mktemp -d)
trap 'rm -rf "$own"' EXIT
status=0

fail() {
    echo "readmes.sh: $1"
    status=1
}

# compare WHAT PROGRAM: what this awk program prints of both.
compare() {
    awk "$2" README.md >"$own/README.md"
    awk "$2" README.zh-CN.md >"$own/README.zh-CN.md"
    [ -s "$own/README.md" ] || fail "README.md has no $1"
    diff -u "$own/README.md" "$own/README.zh-CN.md" || fail "README.md and README.zh-CN.md differ in their $1"
}

# "#" to "######" for each heading, in their order; then the code blocks, fenced or indented.
# shellcheck disable=SC2016 # the backquotes are Markdown's
compare headings '/^```/ { in_code = !in_code } !in_code && /^#+ / { print $1 }'
compare 'code blocks' '/^```/ { in_code = !in_code; print; next } in_code || /^(    |\t)/'

lines=$(wc -l <README.md)
[ "$lines" -le $lines_max ] || fail "README.md has $lines lines, more than $lines_max"

# "FILE TARGET" for each link that is neither of another host nor within its own page.
find . -name '*.md' -not -path './build*/*' -not -path './.git/*' | while IFS= read -r file; do
    grep -oE '\]\([^) ]+\)' "$file" | sed -E "s|^\]\((.*)\)\$|\1|; s|#.*||" | grep -vE '^([a-z]+:|$)' | sed "s|^|$file |" || :
done >"$own/links"
[ -s "$own/links" ]
while read -r file target; do
    [ -e "$(dirname "$file")/$target" ] || fail "$file links to $target, which is not there"
done <"$own/links"

# What CONTRIBUTING.md calls by its path, `src/…`.
grep -oE '`(src|include|tests|conf|systemd)/[a-z0-9_./-]+' .github/CONTRIBUTING.md | tr -d '`' | sort -u >"$own/paths"
[ -s "$own/paths" ]
while read -r path; do
    [ -e "$path" ] || fail ".github/CONTRIBUTING.md names $path, which is not there"
done <"$own/paths"

# "SUITE NAME" for each test of a drill, `suite: `name`` in the table of tests/system/README.md.
# shellcheck disable=SC2016
grep -oE '[a-z_]+: `[a-z_]+`' tests/system/README.md | tr -d ':`' >"$own/drills"
[ -s "$own/drills" ]
while read -r suite name; do
    grep -q "^START_TEST($name)" "tests/system/test_$suite.c" || fail "no drill $name in tests/system/test_$suite.c"
done <"$own/drills"
exit $status
