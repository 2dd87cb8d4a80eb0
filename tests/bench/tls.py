#!/usr/bin/env python3
"""tls.py BUILD: what TLS on both sides costs, beside HAProxy. README.md says what is measured."""

import contextlib
import json
import os
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench import Process, accepts, start_tidemark, sysbench  # noqa: E402
from world import Cluster, free_ports, until  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", 3))
SECONDS = int(os.environ.get("BENCH_TLS_SECONDS", 4))
CLIENTS = 16
# A user who is not let in without it: nothing is measured in clear text by mistake.
WITH_TLS = ("--mysql-ssl=on", "--mysql-user=app2", "--mysql-password=app2")


def start_haproxy(folder, name, bind, servers):
    config = folder / f"{name}.cfg"
    lines = "\n".join(f"    server r{i} {where}" for i, where in enumerate(servers))
    config.write_text(f"""
global
    nbthread 1
    maxconn 1000
defaults
    mode tcp
    timeout connect 5s
    timeout client 10m
    timeout server 10m
listen reads
    bind {bind}
    balance leastconn
{lines}
""")
    process = Process(["haproxy", "-db", "-f", str(config)], open(folder / f"{name}.log", "w"))
    until(lambda: accepts(int(bind.split()[0].rsplit(":", 1)[1])), what=name)
    return process


def start_chain(stack, folder, cluster, base, pem):
    """clear text, put on TLS ─▶ the one that is measured ─▶ take off TLS, clear text"""
    crypt = f"ssl crt {pem}"
    off = start_haproxy(folder, "off", f"127.0.0.1:{base + 2} {crypt}",
                        [cluster.address(i) for i in cluster.replicas])
    stack.callback(off.stop)
    measured = start_haproxy(folder, "haproxy", f"127.0.0.1:{base + 1} {crypt}",
                             [f"127.0.0.1:{base + 2} ssl verify none"])
    stack.callback(measured.stop)
    on = start_haproxy(folder, "on", f"127.0.0.1:{base}",
                       [f"127.0.0.1:{base + 1} ssl verify none"])
    stack.callback(on.stop)
    return measured


def run_round(name, process, port, mode, options, folder):
    before = sum(process.cpu_seconds())
    rate, queries, _ = sysbench([port], mode, CLIENTS, SECONDS, options=options, folder=folder)
    micros = (sum(process.cpu_seconds()) - before) / queries * 1e6
    print(f"{mode:9}{name:10}{rate:9.0f} q/s {micros:7.1f} us CPU per query", flush=True)
    return {"rate": rate, "cpu_us": micros}


def main(build):
    folder = Path(tempfile.mkdtemp(prefix="tidemark-tls-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cluster = Cluster(folder / "c", "mariadb").start()
        stack.callback(cluster.destroy)
        data = cluster.folder / "0" / "data"
        pem = folder / "both.pem"
        pem.write_text((data / "server-cert.pem").read_text()
                       + (data / "server-key.pem").read_text())
        # Where sysbench looks for them.
        for name, source in (("cacert", "ca"), ("client-cert", "client-cert"),
                             ("client-key", "client-key")):
            shutil.copy(data / f"{source}.pem", folder / f"{name}.pem")
        sysbench([cluster.port(0)], "text", 1, command="prepare")
        cluster.wait_caught_up()
        base = free_ports(4)
        haproxy = start_chain(stack, folder, cluster, base, pem)
        tidemark = start_tidemark(build / "tidemark", folder, cluster, base + 3, settings={
            "tls": {"client": "preferred", "server": "required", "cert": data / "server-cert.pem",
                    "key": data / "server-key.pem"},
            "user app2": {"password": "app2", "require": "ssl"}})
        stack.callback(tidemark.stop)
        results = {}
        for mode in ("text", "prepared"):
            rows = {"haproxy": [], "tidemark": []}
            for _ in range(ROUNDS):
                rows["haproxy"].append(run_round("haproxy", haproxy, base, mode, (), folder))
                rows["tidemark"].append(run_round("tidemark", tidemark, base + 3, mode,
                                                  WITH_TLS, folder))
            results[mode] = {
                name: {key: statistics.median(row[key] for row in each) for key in each[0]}
                for name, each in rows.items()}
            h, t = (results[mode][name]["cpu_us"] for name in ("haproxy", "tidemark"))
            print(f"{mode}: TLS on both sides, {CLIENTS} clients: tidemark {t:.1f} us, "
                  f"haproxy {h:.1f} us of CPU per query, {t / h:.2f} times")
    target = build / "results"
    target.mkdir(parents=True, exist_ok=True)
    (target / "bench-tls.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve())
