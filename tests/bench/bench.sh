#!/usr/bin/env bash
# bench.sh BUILD   what the proxy costs: see bench.py and README.md. BENCH_SECONDS bounds the time.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec "${PYTHON:-/usr/bin/python3}" tests/bench/bench.py "${1:-build}"
