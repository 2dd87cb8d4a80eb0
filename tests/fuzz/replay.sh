#!/usr/bin/env bash
# replay.sh RESULTS PROGRAM...   gives each replay_<name> the files of corpus/<name>/ and writes
# "passed failed" to the file RESULTS; one driver is one test.
set -u
corpus=$(dirname "$0")/corpus
results=$1
shift
mkdir -p "$(dirname "$results")"
passed=0
failed=0
for program in "$@"; do
    name=${program##*/replay_}
    mapfile -t files < <(find "$corpus/$name" -type f 2>/dev/null | sort)
    if said=$(timeout 300 "$program" "${files[@]}" 2>&1 </dev/null); then
        passed=$((passed + 1))
        echo "ok    replay $name ($said)"
    else
        failed=$((failed + 1))
        printf 'FAIL  replay %s\n%s\n' "$name" "$said"
    fi
done
echo "$passed $failed" >"$results"
echo "fuzz-replay: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
