#!/bin/sh
# SPDX-License-Identifier: MIT
# From a fresh Debian 12 or 13 to every test run: installs what is missing, builds three times under build/ (as for
# use, and with the sanitizers) and once in the other of these releases (debian.sh), runs all tests in each, and looks
# at the sources. The last line counts what passed and what failed; exit status 0 when nothing failed. What a step
# said is in build/logs/. `sh tests/run.sh main`: the build as for use and its tests alone.
set -u

jobs=$(nproc)
passed=0
failed=0

cd "$(dirname "$0")/.." || exit
# shellcheck source=tests/releases.sh
. tests/releases.sh
logs=$(pwd)/build/logs
mkdir -p "$logs"

finish() {
    [ "$failed" -eq 0 ] || printf '\n%s\n' "what failed said more in $logs"
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

# step NAME COMMAND…: one check. On failure the end of what it said is shown; with status 77 it cannot be made here.
step() {
    name=$1
    shift
    begin=$(date +%s)
    status=0
    "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
    if [ $status -eq 0 ]; then
        count 1 0
        echo "ok    $name ($(($(date +%s) - begin)) s)"
    elif [ $status -eq 77 ]; then
        echo "skip  $name: $(tail -n 1 "$logs/$name.log")"
        return 77
    else
        count 0 1
        echo "FAIL  $name ($(($(date +%s) - begin)) s)"
        tail -n 40 "$logs/$name.log" | sed 's/^/      /'
        return 1
    fi
}

# ThreadSanitizer of Debian 12 does not know where newer kernels put things when they randomise this much.
fixed_addresses() {
    if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 0)" -gt 28 ] && setarch -R true 2>/dev/null; then
        setarch -R "$@"
    else
        "$@"
    fi
}

# count_failed LOG: prints how many tests failed and how many there were, as ctest says.
count_failed() {
    sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$1"
}

# list_failed LOG
list_failed() {
    sed -n '/^The following tests FAILED/,/^Errors while/p' "$1" | sed '$d'
    grep -E '^[^ ]+:[0-9]+:[FE]:' "$1" | head -n 20 | sed 's/^/      /'
}

# run_tests NAME DIRECTORY N: each test counts. They wait as long as they compute, and less with a sanitizer: so N at
# once, which is more than there are cores. One or two that fail are run again alone: a machine that others load too
# makes one late now and then. What failed first is shown all the same.
run_tests() {
    begin=$(date +%s)
    log=$logs/$1-tests.log
    fixed_addresses ctest --test-dir "$2" --parallel "$3" --output-on-failure >"$log" 2>&1 </dev/null
    summary=$(count_failed "$log")
    if [ -z "$summary" ]; then
        count 0 1
        echo "FAIL  $1: the tests did not run"
        tail -n 40 "$log" | sed 's/^/      /'
        return
    fi
    n_failed=${summary% *}
    # ctest calls them passed.
    n_skipped=$(grep -c '^[[:space:]]*[0-9]* - .* (Skipped)$' "$log")
    n_tests=$((${summary#* } - n_skipped))
    if [ "$n_failed" -gt 0 ] && [ "$n_failed" -le 2 ]; then
        fixed_addresses ctest --test-dir "$2" --rerun-failed --output-on-failure >"$logs/$1-alone.log" 2>&1 </dev/null
        again=$(count_failed "$logs/$1-alone.log")
        n_failed=${again%% *}
        n_failed=${n_failed:-${summary% *}}
    fi
    count $((n_tests - n_failed)) "$n_failed"
    result=ok
    [ "$n_failed" -eq 0 ] || result=FAIL
    printf '%-5s %s\n' $result "$1: $((n_tests - n_failed)) of $n_tests tests ($(($(date +%s) - begin)) s)"
    sed -nE 's/^[[:space:]]*[0-9]+ - (.*) \(Skipped\)$/      skipped: \1/p' "$log"
    [ "$n_failed" -eq "${summary% *}" ] || echo "      $((${summary% *} - n_failed)) of these passed when run alone:"
    list_failed "$log"
}

# build NAME DIRECTORY OPTION…
build() {
    build=$1
    directory=$2
    shift 2
    step "$build-configure" cmake -S . -B "$directory" -DBUILD_TESTING=ON -DPRESENCED_WERROR=ON "$@" &&
        step "$build-build" cmake --build "$directory" --parallel "$jobs"
}

# begin NAME COMMAND…: in the background. It ends with this script, however that ends.
begin() {
    begun=$1
    shift
    setpriv --pdeathsig KILL "$@" >"$logs/$begun-begun.log" 2>&1 </dev/null &
    echo $! >"$logs/$begun.pid"
}

# await NAME: to its end. On failure, says how it ended.
# shellcheck disable=SC2317 # step calls it
await() {
    wait "$(cat "$logs/$1.pid")" && return
    status=$?
    tail -n 40 "$logs/$1-begun.log"
    return "$status"
}

# This script's main part in the other release: its steps and tests count as the ones here do.
try_other() {
    begin=$(date +%s)
    mkdir -p "build/debian-$other/srv/build"
    [ ! -d build/npm ] || cp -r build/npm "build/debian-$other/srv/build/"
    setpriv --pdeathsig KILL sh tests/debian.sh run "$other" sh tests/run.sh main >"$logs/other.log" 2>&1 </dev/null
    rm -rf "$logs/other"
    cp -r "build/debian-$other/srv/build/logs" "$logs/other"
    counts=$(sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$logs/other.log")
    if [ -z "$counts" ]; then
        count 0 1
        echo "FAIL  Debian $other: it did not come to an end"
        tail -n 40 "$logs/other.log" | sed 's/^/      /'
        return
    fi
    count "${counts% *}" "${counts#* }"
    echo "in Debian $other ($(($(date +%s) - begin)) s):"
    sed '$d; s/^/  /' "$logs/other.log"
}

# shellcheck disable=SC2317 # step calls it
check_format() {
    # Every version of it has rules of its own.
    clang-format --version | grep -q 'version 14\.' || { echo 'clang-format is not of version 14' && return 77; }
    find src include tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
}

# shellcheck disable=SC2317
check_tidy() {
    # So has every version of it: that of Debian 13 dislikes what 14 asks for.
    clang-tidy --version | grep -q 'version 14\.' || { echo 'clang-tidy is not of version 14' && return 77; }
    find src -name '*.c' -print0 |
        xargs -0 -P "$jobs" -n 4 clang-tidy -quiet -p build --extra-arg=-Wno-ignored-optimization-argument \
            >"$logs/tidy-all.log" 2>&1 || {
        # What stands in a header is said for each file that includes it.
        grep -E '(error|warning): ' "$logs/tidy-all.log" | sort -u
        return 1
    }
}

# shellcheck disable=SC2317
check_shell() {
    find . -name '*.sh' -not -path './build/*' -exec shellcheck {} + &&
        shellcheck .ci/run conf/debian/postinst conf/debian/prerm conf/debian/postrm
}

step packages sh conf/packages.sh build test || finish
step npm sh tests/npm.sh
if [ "${1-}" = main ]; then
    build plain build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRESENCED_SANITIZE= && run_tests plain build $((jobs * 2))
    finish
fi
# What takes long and is often idle runs beside builds and checks, never beside tests: they measure time.
other=$(other_suite)
begin other sh tests/debian.sh make "$other"
step format check_format
step shell check_shell
plain=built
build plain build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRESENCED_SANITIZE= -DCMAKE_INSTALL_PREFIX=/usr || plain=
step tidy check_tidy
export PRESENCED_BUILT=build
step package sh tests/packaging/build.sh build
step other-make await other || other=
[ -z "$plain" ] || run_tests plain build $((jobs * 2))
[ -z "$other" ] || try_other
begin booted sh tests/packaging/booted.sh
address=built
thread=built
build address build/asan -DCMAKE_BUILD_TYPE=Debug -DPRESENCED_SANITIZE=address || address=
build thread build/tsan -DCMAKE_BUILD_TYPE=Debug -DPRESENCED_SANITIZE=thread || thread=
step booted await booted
[ -z "$address" ] || run_tests address build/asan $((jobs + 1))
[ -z "$thread" ] || run_tests thread build/tsan $((jobs + 1))
finish
