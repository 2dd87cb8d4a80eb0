"""The program as a process: signals, drain, limits on clients, and that nothing is left behind."""

import os
import signal
import subprocess
import threading
import time

import pymysql

from world import query, until


def refused(proxy):
    """The error a new client gets, or None."""
    try:
        proxy.connect().close()
    except pymysql.err.MySQLError as error:
        return error.args[0]
    return None


def fails(conn):
    try:
        query(conn, "SELECT 1")
    except pymysql.err.MySQLError:
        return True
    return False


def test_sigterm_lets_a_transaction_finish(cluster, tidemark):
    proxy = tidemark(cluster, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    idle = proxy.connect()
    busy = proxy.connect()
    query(busy, "BEGIN")
    query(busy, f"INSERT INTO {table} VALUES (1)")
    proxy.send_signal(signal.SIGTERM)
    until(lambda: "draining" in proxy.log_text())
    until(lambda: fails(idle))
    until(lambda: refused(proxy) is not None)
    query(busy, f"INSERT INTO {table} VALUES (2)")
    query(busy, "COMMIT")
    assert proxy.process.wait(10) == 0
    assert cluster.scalar(0, f"SELECT COUNT(*) FROM test.{table.split('.')[-1]}") == 2


def test_drain_ends_what_takes_too_long(cluster, tidemark):
    proxy = tidemark(cluster, {"proxy": {"drain_timeout_ms": 500}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    busy = proxy.connect()
    query(busy, "BEGIN")
    query(busy, f"INSERT INTO {table} VALUES (1)")
    start = time.monotonic()
    proxy.send_signal(signal.SIGTERM)
    assert proxy.process.wait(10) == 0
    assert time.monotonic() - start > 0.4
    assert cluster.scalar(0, f"SELECT COUNT(*) FROM test.{table.split('.')[-1]}") == 0


def test_a_second_signal_ends_at_once(cluster, tidemark):
    proxy = tidemark(cluster, split=True)
    busy = proxy.connect()
    query(busy, "BEGIN")
    query(busy, "SELECT 1")
    proxy.send_signal(signal.SIGTERM)
    until(lambda: "draining" in proxy.log_text())
    time.sleep(0.3)
    assert proxy.process.poll() is None
    proxy.send_signal(signal.SIGTERM)
    assert proxy.process.wait(10) == 0


def test_nothing_is_left_behind(cluster, tidemark):
    """Clients that come and go, in every manner of going, leave no descriptor and no thread."""
    proxy = tidemark(cluster, {"pool": {"idle_timeout_ms": 300, "min_idle": 0}}, split=True)
    query(proxy.connect(), "SELECT 1")
    descriptors, threads = proxy.steady_descriptors(), proxy.threads()

    def client(number):
        for turn in range(5):
            conn = proxy.connect()
            query(conn, "SELECT 1")
            if turn % 3 == 0:
                query(conn, "BEGIN")
                query(conn, "CREATE TEMPORARY TABLE t (a INT)")
            if turn % 2 == 0:
                conn.close()
            else:
                conn._force_close()

    clients = [threading.Thread(target=client, args=(i,)) for i in range(20)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    until(lambda: proxy.descriptors() <= descriptors + 1, timeout=15,
          what=f"descriptors to fall to {descriptors}")
    assert proxy.threads() == threads


def test_too_many_clients(cluster, tidemark):
    proxy = tidemark(cluster, {"proxy": {"max_clients": 5}}, split=True)
    until(lambda: refused(proxy) is None)
    conns = [proxy.connect() for _ in range(5)]
    assert refused(proxy) == 1040
    conns[0].close()
    until(lambda: refused(proxy) is None)


def test_too_many_clients_of_one_user(cluster, tidemark):
    proxy = tidemark(cluster, {"user app": {"max_connections": 2}}, split=False)
    conns = [proxy.connect() for _ in range(2)]
    assert refused(proxy) == 1203
    conns[0].close()
    until(lambda: refused(proxy) is None)


def test_the_log_file_is_reopened(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, {"proxy": {"log_file": "tidemark.log"}}, split=True)
    os.rename(proxy.log, proxy.log.with_suffix(".1"))
    proxy.send_signal(signal.SIGUSR1)
    until(proxy.log.exists)
    query(proxy.connect(), "SELECT 1")
    until(lambda: "logged in" in proxy.log.read_text())


def test_a_taken_port_is_an_error(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, split=True)
    second = subprocess.run([str(proxy.program), "--config", str(proxy.config)],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert f"cannot listen on {proxy.address}" in second.stderr
