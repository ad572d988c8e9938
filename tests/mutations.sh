#!/bin/sh
# SPDX-License-Identifier: MIT
# Whether the tests notice: each of the one-line changes of tests/mutations/list takes out or turns round a guard, a
# work-around or a rule, and must make the test that it names fail. `sh tests/mutations.sh [PATTERN]`: all of them, or
# those whose names match; works in build/mutations. Takes about half an hour for all. Exit status 0 when every one was
# caught.
set -u

cd "$(dirname "$0")/.." || exit
pattern=${1:-.}
list=$(pwd)/build/mutations/tree/tests/mutations/list
apply=$(pwd)/build/mutations/tree/tests/mutations/apply.awk
place=$(pwd)/build/mutations
n_caught=0
n_missed=0

mkdir -p "$place/tree"
git ls-files -z --cached --others --exclude-standard | tar c --null -T - | tar x -C "$place/tree"
cd "$place/tree" || exit
echo >>"$list" # the last block ends too

case $(pkg-config --modversion libmicrohttpd) in
0.*) library=lenient ;;
*) library=strict ;;
esac

configure() {
    cmake -S . -B ../build -DCMAKE_BUILD_TYPE=Debug -DBUILD_TESTING=ON
}

# Without optimisation, so that a change costs a second or two.
build() {
    case $1 in
    unit.*) cmake --build ../build --parallel "$(nproc)" --target "test_${1#unit.}" ;;
    property.*) cmake --build ../build --parallel "$(nproc)" --target "test_${1#property.}" ;;
    system.*)
        suite=${1#system.} # or SUITE.TOOL
        cmake --build ../build --parallel "$(nproc)" --target presenced "system_${suite%%.*}"
        ;;
    esac
}

run() {
    ctest --test-dir ../build -R "^$1\$" --output-on-failure --timeout 300
}

missed() {
    n_missed=$((n_missed + 1))
    printf 'MISSED  %-28s %s\n' "$test" "$name: $1"
    [ ! -s ../said ] || tail -n 5 ../said | sed 's/^/        /'
}

try() {
    begin=$(date +%s)
    cp "$file" ../before
    from=$from to=$to awk -f "$apply" ../before >../after || {
        : >../said
        missed "what it changes is not there, or not once"
        return
    }
    cat ../after >"$file"
    if ! build "$test" >../said 2>&1; then
        missed "it does not build"
    elif run "$test" >../said 2>&1; then
        missed "the test passes"
    else
        n_caught=$((n_caught + 1))
        printf 'caught  %-28s %s (%s s)\n' "$test" "$name" $(($(date +%s) - begin))
    fi
    cat ../before >"$file"
}

configure >../said 2>&1 || { cat ../said && exit 1; }

# Blocks of `key: value`, ended by an empty line.
name='' file='' from='' to='' test='' only=''
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '#'*) ;;
    name:*) name=${line#name: } ;;
    file:*) file=${line#file: } ;;
    from:*) from=${line#from: } ;;
    to:*) to=${line#to:} to=${to# } ;;
    test:*) test=${line#test: } ;;
    only:*) only=${line#only: } ;;
    '')
        if [ -n "$name" ] && echo "$name" | grep -Eq -e "$pattern" && [ "${only:-$library}" = $library ]; then
            try </dev/null
        fi
        name='' file='' from='' to='' test='' only=''
        ;;
    *) echo "mutations.sh: not understood: $line" && exit 2 ;;
    esac
done <"$list"

echo "$n_caught caught, $n_missed missed"
[ $n_missed -eq 0 ]
