#!/usr/bin/env bash
# fuzz.sh BUILD PROGRAM...   runs each fuzz_<name> under libFuzzer for FUZZ_SECONDS (10). What it
# finds new goes to BUILD/corpus/<name>; the kept corpus is read and not changed. A crash leaves its
# input in BUILD/crashes: once understood, it belongs into the kept corpus.
set -eu
corpus=$(dirname "$0")/corpus
build=$1
shift
mkdir -p "$build/crashes"
for program in "$@"; do
    name=${program##*/fuzz_}
    mkdir -p "$build/corpus/$name" "$corpus/$name"
    echo "--- $name"
    "$program" -max_total_time="${FUZZ_SECONDS:-10}" -print_final_stats=1 -verbosity=0 -timeout=10 \
        -artifact_prefix="$build/crashes/$name-" "$build/corpus/$name" "$corpus/$name"
done
