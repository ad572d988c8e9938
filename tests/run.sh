#!/bin/sh
# SPDX-License-Identifier: MIT
# From a fresh Debian 12 to every test run: installs what is missing, builds three times under build/ (as for
# use, and with the sanitizers), runs all tests in each, and looks at the sources. The last line counts what
# passed and what failed; exit status 0 when nothing failed. What a step said is in build/logs/.
set -u

jobs=$(nproc)
passed=0
failed=0

cd "$(dirname "$0")/.." || exit
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

# run_tests NAME DIRECTORY: each test counts.
run_tests() {
    begin=$(date +%s)
    # Some tests kill, stall and race on purpose: one that fails gets a second try, and is named all the same.
    fixed_addresses ctest --test-dir "$2" --parallel "$jobs" --output-on-failure --repeat until-pass:2 >"$logs/$1-tests.log" 2>&1 </dev/null
    summary=$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+)$/\1 \2/p' "$logs/$1-tests.log")
    if [ -z "$summary" ]; then
        count 0 1
        echo "FAIL  $1: the tests did not run"
        tail -n 40 "$logs/$1-tests.log" | sed 's/^/      /'
        return
    fi
    n_failed=${summary% *}
    n_tests=${summary#* }
    count $((n_tests - n_failed)) "$n_failed"
    result=ok
    [ "$n_failed" -eq 0 ] || result=FAIL
    printf '%-5s %s\n' $result "$1: $((n_tests - n_failed)) of $n_tests tests ($(($(date +%s) - begin)) s)"
    sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) .*\*\*\*(Failed|Timeout).*/      failed once: \1/p' "$logs/$1-tests.log"
    sed -n '/^The following tests FAILED/,/^Errors while/p' "$logs/$1-tests.log" | sed '$d'
    grep -E '^[^ ]+:[0-9]+:[FE]:' "$logs/$1-tests.log" | head -n 20 | sed 's/^/      /'
}

# build_and_test NAME DIRECTORY OPTION…
build_and_test() {
    build=$1
    directory=$2
    shift 2
    step "$build-configure" cmake -S . -B "$directory" -DBUILD_TESTING=ON -DPRESENCED_WERROR=ON "$@" &&
        step "$build-build" cmake --build "$directory" --parallel "$jobs" &&
        run_tests "$build" "$directory"
}

# shellcheck disable=SC2317 # step calls it
check_format() {
    find src include tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
}

# shellcheck disable=SC2317
check_tidy() {
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
step format check_format
step shell check_shell
build_and_test plain build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRESENCED_SANITIZE=
step tidy check_tidy
step package sh tests/packaging/build.sh
step booted sh tests/packaging/booted.sh
build_and_test address build/asan -DCMAKE_BUILD_TYPE=Debug -DPRESENCED_SANITIZE=address
build_and_test thread build/tsan -DCMAKE_BUILD_TYPE=Debug -DPRESENCED_SANITIZE=thread
finish
