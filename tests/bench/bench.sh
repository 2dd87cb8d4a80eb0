#!/usr/bin/env bash
# bench.sh BUILD   what the proxy costs: see README.md. BENCH_SECONDS bounds the time of the first.
set -euo pipefail
cd "$(dirname "$0")/../.."
for part in bench tls digests sessions; do
    "${PYTHON:-/usr/bin/python3}" tests/bench/$part.py "${1:-build}"
done
