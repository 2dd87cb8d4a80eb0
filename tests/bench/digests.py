#!/usr/bin/env python3
"""digests.py BUILD: what the digest table costs, in user-space instructions per query.

The same program with `digests = 0` and `digests = 5000`, under callgrind, serves sysbench's text
point selects for 16 clients. Each setting runs twice, with few and with many queries; the
difference of the two is that of the queries, without start, logins and end. Only the worker's
thread counts: the monitors' work goes by time, and time is slow under callgrind.
"""

import contextlib
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import start_tidemark, sysbench
from world import Cluster, free_ports

CLIENTS = 16
QUERIES = (2000, 12000)
LIMIT_PERCENT = 5


def worker_profile(profile):
    """(the instructions of the worker's thread, the file they are in). callgrind writes a file for
    each thread. The first makes an RSA key, which may take any time; of the others the worker is the
    busiest by far."""
    counts = []
    for part in profile.parent.glob(profile.name + "-*"):
        if part.name != profile.name + "-01":
            found = re.search(r"^(?:totals|summary): (\d+)", part.read_text(), re.MULTILINE)
            counts.append((int(found.group(1)), part))
    return max(counts)


def instructions_in(part, function):
    """Instructions of a function and of what it called."""
    text = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--auto=no", "--threshold=100", str(part)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    found = re.search(rf"^ *([\d,]+) .*{function}\.c:{function}_take\b", text, re.MULTILINE)
    return int(found.group(1).replace(",", "")) if found else 0


def run(program, folder, cluster, digests, queries):
    """Instructions of the worker's thread for so many queries: all, and in the digest table."""
    folder.mkdir()
    port = free_ports()
    profile = folder / "profile"
    process = start_tidemark(
        program, folder, cluster, port,
        prefix=["valgrind", "-q", "--tool=callgrind", "--separate-threads=yes",
                f"--callgrind-out-file={profile}"],
        settings={"pool": {"digests": digests}}, timeout=60)
    try:
        sysbench([port], "text", CLIENTS, events=queries)
    finally:
        process.stop()
    all_of_them, part = worker_profile(profile)
    return all_of_them, instructions_in(part, "digests")


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    program = build / "tidemark"
    if not program.exists():
        sys.exit(f"digests.py: {program} is missing: run make")
    started = time.monotonic()
    per_query = {}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemark-bench-")))
        cluster = Cluster(folder / "c", "mariadb").start()
        stack.callback(cluster.destroy)
        sysbench([cluster.port(0)], "text", 1, command="prepare")
        cluster.wait_caught_up()
        for digests in (0, 5000):
            few, many = (run(program, folder / f"{digests}-{queries}", cluster, digests, queries)
                         for queries in QUERIES)
            per_query[digests] = [(m - f) / (QUERIES[1] - QUERIES[0]) for m, f in zip(many, few)]
    (without, _), (with_them, table) = per_query[0], per_query[5000]
    percent = table / without * 100
    print(f"\nDigests, instructions per text point select at {CLIENTS} clients, user space:"
          f" {without:.0f} without, {with_them:.0f} with ({(with_them / without - 1) * 100:+.1f} %);"
          f" in the table itself {table:.0f}, that is {percent:.1f} % (at most {LIMIT_PERCENT}).  "
          f"{time.monotonic() - started:.0f} s")
    (build / "results").mkdir(exist_ok=True)
    (build / "results" / "bench-digests.json").write_text(
        json.dumps({"without": without, "with": with_them, "in the table": table,
                    "percent": percent}, indent=1))
    if table == 0:
        return "digests.py: the profile does not show the digest table"
    return 0 if percent <= LIMIT_PERCENT else f"digests.py: more than {LIMIT_PERCENT} %"


if __name__ == "__main__":
    sys.exit(main())
