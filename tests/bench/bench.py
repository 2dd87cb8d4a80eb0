#!/usr/bin/env python3
"""bench.py BUILD: Tidemark beside direct connections and HAProxy. README.md says what is measured.
"""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))

from rawclient import BASE, RawClient  # noqa: E402
from world import Cluster, free_ports, ini_text, until  # noqa: E402

SECONDS = float(os.environ.get("BENCH_SECONDS", 180))
CLIENTS = [1, 16, 64]
MODES = {"text": "disable", "prepared": "auto"}
TARGETS = ["direct", "haproxy", "tidemark"]
ROUNDS = 3
IDLE = int(os.environ.get("BENCH_IDLE", 5000))
# Starting, loading the table and holding idle clients take about this long.
OVERHEAD_SECONDS = 45


class Process:
    """A proxy process: what it used, and its end."""

    def __init__(self, command, log):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def cpu_seconds(self):
        """(user, system)"""
        text = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        tick = os.sysconf("SC_CLK_TCK")
        return int(text[11]) / tick, int(text[12]) / tick

    def resident_kib(self):
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", text).group(1))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def accepts(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True


def start_haproxy(folder, cluster, port, idle_port, sink_port):
    servers = "\n".join(f"    server r{i} {cluster.address(i)}" for i in cluster.replicas)
    config = folder / "haproxy.cfg"
    config.write_text(f"""
global
    nbthread 1
    maxconn 7000
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen reads
    bind 127.0.0.1:{port}
    balance leastconn
{servers}
listen idle
    bind 127.0.0.1:{idle_port}
    server sink 127.0.0.1:{sink_port}
""")
    process = Process(["haproxy", "-db", "-f", str(config)], open(folder / "haproxy.log", "w"))
    until(lambda: accepts(port), what="HAProxy")
    return process


def start_tidemark(program, folder, cluster, port, prefix=(), settings=None, timeout=20):
    settings = {
        **(settings or {}),
        "proxy": {"listen": f"127.0.0.1:{port}", "workers": 1, "log_level": "warn",
                  "drain_timeout_ms": 100, **(settings or {}).get("proxy", {})},
        "monitor": {"user": "mon", "password": "mon"},
        "user app": {"password": "app"},
        "tls": {"client": "disabled", "server": "disabled", **(settings or {}).get("tls", {})},
    }
    for server in cluster.servers:
        settings[f"server db{server}"] = {"address": cluster.address(server),
                                          "max_connections": 200}
    config = folder / "tidemark.ini"
    config.write_text(ini_text(settings))
    process = Process([*prefix, str(program), "--config", str(config)],
                      open(folder / "tidemark.log", "w"))

    def splits():
        with contextlib.suppress(OSError, RuntimeError), RawClient(port) as client:
            rows = client.query("SELECT w.id FROM whoami w LEFT JOIN sbtest1 s ON 1 = 0")
            return rows != [("0",)]

    try:
        until(splits, timeout, 0.2, "a read through Tidemark on a replica")
    except AssertionError as error:
        sys.exit(f"bench.py: {error}:\n{(folder / 'tidemark.log').read_text()}")
    return process


def sysbench(ports, mode, clients, seconds=0, command="run", events=0, percentile=95, options=(),
             folder=None):
    """Runs point selects for so long, or so many; returns (queries per second, queries, that
    percentile of their latencies in ms)."""
    done = subprocess.run(
        ["sysbench", "oltp_point_select", "--db-driver=mysql", "--mysql-host=127.0.0.1",
         f"--mysql-port={','.join(map(str, ports))}", "--mysql-user=app", "--mysql-password=app",
         "--mysql-db=test", "--tables=1", "--table-size=10000", f"--db-ps-mode={MODES[mode]}",
         f"--threads={clients}", f"--time={seconds}", f"--events={events}",
         f"--percentile={percentile}", *options, command],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"sysbench failed:\n{done.stdout}")
    if command != "run":
        return None
    queries = int(re.search(r"total:\s+(\d+)", done.stdout).group(1))
    rate = float(re.search(r"queries:\s+\d+\s+\(([\d.]+) per sec", done.stdout).group(1))
    late = float(re.search(rf"{percentile}th percentile:\s+([\d.]+)", done.stdout).group(1))
    return rate, queries, late


class Bench:
    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.seconds = max(1, round((SECONDS - OVERHEAD_SECONDS)
                                    / (ROUNDS * len(CLIENTS) * len(MODES) * len(TARGETS) + 6)))
        self.processes = {}

    def measure(self, target, mode, clients):
        """One run: {rate, p95, user and system microseconds per query (of a proxy)}."""
        process = self.processes.get(target)
        before = process.cpu_seconds() if process else (0, 0)
        rate, queries, p95 = sysbench(self.ports[target], mode, clients, self.seconds)
        after = process.cpu_seconds() if process else (0, 0)
        return {"rate": rate, "p95": p95,
                "user": (after[0] - before[0]) * 1e6 / queries,
                "system": (after[1] - before[1]) * 1e6 / queries}

    def run(self, stack):
        cluster = Cluster(self.folder / "c", "mariadb").start()
        stack.callback(cluster.destroy)
        base = free_ports(4)
        self.ports = {"direct": [cluster.port(i) for i in cluster.replicas],
                      "haproxy": [base], "tidemark": [base + 1]}
        self.idle_ports = {"haproxy": base + 2, "tidemark": base + 1}
        sysbench([cluster.port(0)], "text", 1, 1, "prepare")
        cluster.wait_caught_up()
        self.processes["haproxy"] = start_haproxy(self.folder, cluster, base, base + 2, base + 3)
        stack.callback(self.processes["haproxy"].stop)
        self.processes["tidemark"] = start_tidemark(self.program, self.folder, cluster, base + 1)
        stack.callback(self.processes["tidemark"].stop)
        sink = stack.enter_context(socket.create_server(("127.0.0.1", base + 3), backlog=2048))
        return {"memory": self.idle_clients(sink), "point selects": self.point_selects()}

    def point_selects(self):
        cells = {}
        for _ in range(ROUNDS):
            for mode in MODES:
                for clients in CLIENTS:
                    for target in TARGETS:
                        cells.setdefault((mode, clients, target), []).append(
                            self.measure(target, mode, clients))
        print(f"\nPoint selects, medians of {ROUNDS} rounds of {self.seconds} s each;"
              " CPU is the proxy's, µs per query (user + system)\n")
        print(f"{'':18}{'direct':>9}{'haproxy':>24}{'tidemark':>24}{'ratio to haproxy':>22}")
        print(f"{'':18}{'q/s':>9}" + f"{'q/s':>8}{'CPU':>16}" * 2 + f"{'q/s':>12}{'CPU':>10}")
        report = []
        for mode in MODES:
            for clients in CLIENTS:
                row = {"mode": mode, "clients": clients}
                for target in TARGETS:
                    runs = cells[mode, clients, target]
                    row[target] = {key: statistics.median(r[key] for r in runs) for key in runs[0]}
                    row[target]["cpu"] = statistics.median(r["user"] + r["system"] for r in runs)
                report.append(row)
                h, t = row["haproxy"], row["tidemark"]
                row["rate ratio"] = t["rate"] / h["rate"]
                row["cpu ratio"] = t["cpu"] / h["cpu"]
                print(f"{mode:9} {clients:3} clients" f"{row['direct']['rate']:8.0f}"
                      + "".join(f"{x['rate']:8.0f}{x['cpu']:6.1f} ({x['user']:.1f}+"
                                f"{x['system']:.1f})".ljust(24) for x in (h, t))
                      + f"{row['rate ratio']:8.2f}{row['cpu ratio']:10.2f}")
        return report

    def open_idle(self, target, sink):
        """IDLE clients, each of Tidemark's having run a query; for HAProxy also the other ends."""
        ends = []
        for _ in range(IDLE):
            if target == "haproxy":
                ends.append(socket.create_connection(("127.0.0.1", self.idle_ports[target])))
                ends.append(sink.accept()[0])
            else:
                client = RawClient(self.idle_ports[target], database=None, capabilities=BASE)
                client.query("SELECT 1")
                ends.append(client)
        return ends

    def idle_clients(self, sink):
        print(f"Idle clients: {IDLE}; busy: 16, text; CPU in µs per query\n")
        report = {}
        for target in ("haproxy", "tidemark"):
            process = self.processes[target]
            alone = [self.measure(target, "text", 16)]
            rss = process.resident_kib()
            ends = self.open_idle(target, sink)
            time.sleep(0.5)
            per_client = (process.resident_kib() - rss) / IDLE
            beside = [self.measure(target, "text", 16)]
            for end in ends:
                end.close()
            time.sleep(1)
            cell = report[target] = {
                "resident at start KiB": rss, "KiB per idle client": per_client,
                "resident after KiB": process.resident_kib(),
                "busy alone": alone[0], "busy beside idle": beside[0],
            }

            def text(run):
                return f"{run['rate']:.0f} q/s at {run['user'] + run['system']:.1f}"

            print(f"{target:9} {cell['resident at start KiB'] / 1024:.1f} MiB,"
                  f" {per_client:.2f} KiB per idle client, {text(alone[0])} alone,"
                  f" {text(beside[0])} beside the idle ones")
        return report


def main():
    build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
    program = build / "tidemark"
    if not program.exists():
        sys.exit(f"bench.py: {program} is missing: run make")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidemark-bench-")))
        report = Bench(program, folder).run(stack)
    (build / "results").mkdir(exist_ok=True)
    (build / "results" / "bench.json").write_text(json.dumps(report, indent=1))
    print(f"\n{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
