#!/usr/bin/env python3
"""sessions.py BUILD: point selects while somebody reads the admin port's table `sessions`, which has
10000 rows. README.md says what is measured.
"""

import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pymysql  # noqa: E402

from bench import BASE, RawClient, start_tidemark, sysbench  # noqa: E402
from world import Cluster, free_ports  # noqa: E402

SESSIONS = int(os.environ.get("BENCH_SESSIONS", 10000))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", 5))
SECONDS = 4
CLIENTS = 4
READ_ONCE_MAY_COST = 1.5  # times the 99th percentile of a quiet round


class Reader:
    """Reads the whole table, each time `pause` seconds after the last time."""

    def __init__(self, port, pause):
        self.conn = pymysql.connect(host="127.0.0.1", port=port, user="admin", password="admin")
        self.pause = pause
        self.reads = 0
        self.took = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.stopping.set()
        self.thread.join()
        self.conn.close()

    def run(self):
        # The client that reads should cost little: one row comes back, all are made.
        while not self.stopping.is_set():
            began = time.monotonic()
            with self.conn.cursor() as cursor:
                cursor.execute("SELECT count(*), max(since_ms), max(client), max(pins) "
                               "FROM (SELECT * FROM sessions)")
                assert cursor.fetchone()[0] >= SESSIONS
            self.took.append(time.monotonic() - began)
            self.reads += 1
            self.stopping.wait(self.pause)


class BusyCore:
    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()


def measure(port, beside):
    with beside:
        rate, _, late = sysbench([port], "text", CLIENTS, SECONDS, percentile=99)
    return rate, late


def run(program, folder, stack):
    cluster = Cluster(folder / "c", "mariadb").start()
    stack.callback(cluster.destroy)
    port, admin = free_ports(2), None
    admin = port + 1
    sysbench([cluster.port(0)], "text", 1, 1, "prepare")
    cluster.wait_caught_up()
    proxy = start_tidemark(program, folder, cluster, port, settings={
        "proxy": {"admin": f"127.0.0.1:{admin}", "max_clients": SESSIONS + 200}})
    stack.callback(proxy.stop)
    idle = []
    for _ in range(SESSIONS):
        idle.append(RawClient(port, database=None, capabilities=BASE))
        idle[-1].query("SELECT 1")
    cells = {}
    took = []
    for _ in range(ROUNDS):
        kinds = {"quiet": contextlib.nullcontext(), "once a second": Reader(admin, 1),
                 "endless": Reader(admin, 0), "busy core": BusyCore()}
        for kind, beside in kinds.items():
            cells.setdefault(kind, []).append(measure(port, beside))
        took += kinds["endless"].took
    for client in idle:
        client.close()
    return cells, took


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemark-bench-")))
        cells, took = run(build / "tidemark", folder, stack)
    print(f"\n{CLIENTS} clients, text point selects, beside {SESSIONS} idle sessions;"
          f" medians of {ROUNDS} rounds of {SECONDS} s;"
          f" a read of all sessions takes {statistics.median(took) * 1000:.0f} ms\n")
    report = {}
    for kind, runs in cells.items():
        ratios = [late / quiet for (_, late), (_, quiet) in zip(runs, cells["quiet"])]
        report[kind] = {"rate": statistics.median(rate for rate, _ in runs),
                        "p99": statistics.median(late for _, late in runs),
                        "ratio": statistics.median(ratios)}
        print(f"{kind:14}{report[kind]['rate']:8.0f} q/s   p99 {report[kind]['p99']:6.2f} ms"
              f"   {report[kind]['ratio']:5.2f} times the quiet one")
    (build / "results").mkdir(exist_ok=True)
    (build / "results" / "sessions.json").write_text(json.dumps(report, indent=1))
    if report["once a second"]["ratio"] > READ_ONCE_MAY_COST:
        sys.exit("sessions.py: reading the sessions once a second disturbs the data path")


if __name__ == "__main__":
    main()
