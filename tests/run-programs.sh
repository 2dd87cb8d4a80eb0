#!/usr/bin/env bash
# run-programs.sh RESULTS PROGRAM...   runs test programs one after the other, shows one line for
# each and the whole output of those that fail, and writes "passed failed" to the file RESULTS.
#
# A program that dies before its last word (a sanitizer's report, a signal) counts as one failure
# more than its tests reported, so that it cannot pass by ending early.
set -u
results=$1
shift
mkdir -p "$(dirname "$results")"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0
failed=0
for program in "$@"; do
    status=0
    timeout "${TEST_TIMEOUT:-300}" "$program" >"$log" 2>&1 </dev/null || status=$?
    ok=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
    bad=$(grep -c '^\[  FAILED  \] .*[^0-9 ]$' "$log" || true)
    bad=$(sed -n 's/^ *\([0-9]*\) FAILED TEST(S).*/\1/p' "$log" | awk -v b="$bad" '{n += $1} END {print n ? n : (b ? 1 : 0)}')
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    if [ "$status" -eq 0 ] && [ "$ok" -eq 0 ]; then
        ok=1 # a program without cmocka's summary is one test
    fi
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ "$status" -ne 0 ]; then
        printf 'FAIL  %s (status %s)\n' "$program" "$status"
        cat "$log"
    else
        printf 'ok    %s (%s)\n' "$program" "$ok"
    fi
done
echo "$passed $failed" >"$results"
echo "$(basename "$results"): $passed passed, $failed failed"
[ "$failed" -eq 0 ]
