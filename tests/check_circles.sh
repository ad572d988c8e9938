#!/bin/sh
# SPDX-License-Identifier: MIT
# Whether the files of a folder of src stand in a circle: one that calls or reads something of another must not be
# called or read by it, over any number of steps. By the symbols of the objects in the build folder $1.
set -eu

build=$1

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# "FILE FILE" for each of the objects given that needs a symbol of another.
needs() {
    readelf -sW "$@" | awk '
        /^File: / { file = $2; sub(/.*\//, "", file); sub(/\.c\.o$/, "", file) }
        $5 != "GLOBAL" && $5 != "WEAK" { next }
        $7 == "UND" { from[++n] = file; what[n] = $8; next }
        { home[$8] = file }
        END {
            for (i = 1; i <= n; i++)
                if (what[i] in home && home[what[i]] != from[i])
                    print from[i], home[what[i]]
        }' | sort -u
}

circles() {
    needs "$@" | tsort 2>&1 >/dev/null | sed 's/^tsort: //'
}

# ---- it can fail ----

compile() {
    printf '%s\n' "$2" | ${CC:-cc} -x c -c -o "$scratch/small/$1.c.o" -
}

mkdir "$scratch/small"
compile a 'int b(void); int a(void); int a(void) { return b(); }'
compile b 'extern int c; int b(void); int b(void) { return c; }'
compile c 'extern int c; int c;'
[ -z "$(circles "$scratch"/small/*.o)" ] || { echo "check_circles.sh itself is wrong: finds a circle in a line" && exit 1; }
compile c 'int a(void); extern int (*const c)(void); int (*const c)(void) = a;'
[ -n "$(circles "$scratch"/small/*.o)" ] || { echo "check_circles.sh itself is wrong: finds no circle" && exit 1; }

root=$(cd "$(dirname "$0")/.." && pwd)
status=0
for folder in "$root"/src/*/; do
    name=$(basename "$folder")
    set --
    for source in "$folder"*.c; do # objects of sources that are gone may lie in the build folder still
        object=$build/CMakeFiles/presenced_$name.dir/src/$name/$(basename "$source").o
        [ -f "$object" ] || { echo "there is no $object" && exit 1; }
        set -- "$@" "$object"
    done
    found=$(circles "$@")
    if [ -n "$found" ]; then
        echo "src/$name, in a circle:" "$(echo "$found" | grep -v 'contains a loop' | tr '\n' ' ')"
        status=1
    fi
done
exit $status
