"""Memory per session is bounded, whatever the size of a result or a statement and however slow
either side is. With a build without sanitizers: theirs keep what was freed."""

import contextlib
import socket
import struct
import threading
import time

import pytest

import rawclient
from rawclient import RawClient
from world import plain_program, until

GIB = 1 << 30
MIB = 1 << 20
ALLOWED_KIB = 1024


class Peak:
    """The proxy's highest resident memory while it lasts, over what it was before."""

    def __init__(self, proxy):
        self.proxy = proxy
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.over.wait(0.01):
            self.highest = max(self.highest, self.proxy.resident_kib())

    def __enter__(self):
        self.before = self.highest = self.proxy.resident_kib()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    @property
    def grown(self):
        return self.highest - self.before


@pytest.fixture
def measured(cluster, tidemark):
    """A proxy that has already served, so that what it allocates once is allocated."""
    proxy = tidemark(cluster, {"proxy": {"workers": 1}}, split=True, program=plain_program())
    with RawClient(proxy.port) as warm:
        for text in ("SELECT id FROM whoami", "SELECT @@port", "SELECT REPEAT('x', 3000000)"):
            warm.query(text)
    time.sleep(0.5)
    return proxy


@pytest.fixture(scope="module")
def rows_1024(cluster):
    """A table of 1024 rows, to which a query adds a MiB each."""
    table = cluster.create_table("id INT PRIMARY KEY")
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (0)")
    for power in range(10):
        cluster.sql(0, f"INSERT INTO test.{table} SELECT id + {1 << power} FROM test.{table}")
    cluster.wait_caught_up()
    return table


def small_window(client):
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)


def read_all(client, pauses):
    """Reads until the other side is quiet at a packet's end; stops for a while now and then.
    Returns bytes read. Only frame heads are looked at."""
    total, last_pause, sock = 0, 0, client.sock
    view = memoryview(bytearray(MIB))
    pending, last = 0, b""
    head = b""
    while True:
        got = sock.recv_into(view)
        assert got, "the connection was closed"
        at = 0
        while at < got:
            if pending:
                step = min(pending, got - at)
                if len(last) < 8:
                    last += bytes(view[at:at + min(step, 8 - len(last))])
                pending -= step
                at += step
            else:
                step = min(4 - len(head), got - at)
                head += bytes(view[at:at + step])
                at += step
                if len(head) == 4:
                    pending, head, last = int.from_bytes(head[:3], "little"), b"", b""
                    size = pending
                    continue
            if pending == 0 and not head and last[:1] == b"\xfe" and size < 100:
                return total + got
            assert last[:1] != b"\xff" or pending or size > 1000, "an error instead of rows"
        total += got
        if pauses and total - last_pause > 100 * MIB:
            last_pause = total
            time.sleep(0.3)


def test_a_slow_reader_of_a_gibibyte(cluster, measured, rows_1024):
    with RawClient(measured.port) as client:
        small_window(client)
        client.query("SELECT id FROM whoami")
        time.sleep(0.3)
        with Peak(measured) as peak:
            client.command(rawclient.QUERY,
                           f"SELECT id, REPEAT('0123456789abcdef', {MIB // 16})"
                           f" FROM {rows_1024}".encode())
            time.sleep(1.5)
            stopped = peak.highest - peak.before
            total = read_all(client, pauses=True)
        print(f"{cluster.flavor}: {total / MIB:.0f} MiB read, resident +{stopped} KiB while the"
              f" client did not read, +{peak.grown} KiB at most")
        assert total > GIB
        assert peak.grown < ALLOWED_KIB


def test_many_clients_that_stop_reading(cluster, measured, rows_1024):
    """Twenty of them; the proxy holds little for each, and others are served."""
    clients = [RawClient(measured.port) for _ in range(20)]
    for client in clients:
        small_window(client)
    with Peak(measured) as peak:
        for client in clients:
            client.command(rawclient.QUERY, f"SELECT id, REPEAT('x', {MIB}) FROM"
                           f" {rows_1024}".encode())
        time.sleep(2)
        with RawClient(measured.port) as other:
            assert other.query("SELECT 1") == [("1",)]
    for client in clients:
        client.close()
    print(f"{cluster.flavor}: +{peak.grown} KiB for 20 clients")
    assert peak.grown < 20 * ALLOWED_KIB
    with RawClient(measured.port) as other:
        assert other.query("SELECT 1") == [("1",)]


def test_a_slow_server_under_a_large_insert(cluster, measured):
    """60 MiB are sent to a server that stands still for a while: the proxy stops reading."""
    table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY, b LONGBLOB")
    blob = b"v" * (60 * MIB)
    with RawClient(measured.port, timeout=120) as client:
        client.query(f"INSERT INTO {table} (b) VALUES ('warm')")
        time.sleep(0.3)
        with Peak(measured) as peak:
            cluster.freeze(0)
            sent = threading.Event()

            def send():
                client.command(rawclient.QUERY,
                               f"INSERT INTO {table} (b) VALUES ('".encode() + blob + b"')")
                sent.set()

            thread = threading.Thread(target=send)
            thread.start()
            time.sleep(1.5)
            stalled = not sent.is_set()
            cluster.thaw(0)
            thread.join()
            result = client.read_result()
        print(f"{cluster.flavor}: +{peak.grown} KiB at most")
        assert stalled, "all of it was taken although the server stood still"
        assert result.affected == 1
        assert peak.grown < ALLOWED_KIB
    assert cluster.scalar(0, f"SELECT LENGTH(b) FROM test.{table} WHERE id = 2") == len(blob)
    cluster.sql(0, f"DROP TABLE test.{table}")


def test_pipelined_commands_of_a_client_that_does_not_read(cluster, measured):
    """It sends and sends and never reads: the proxy stops reading it."""
    with RawClient(measured.port) as client, Peak(measured) as peak:
        small_window(client)
        client.sock.settimeout(1)
        command = struct.pack("<I", 30) + b"\x03SELECT REPEAT('x', 100000) ".ljust(30)
        sent = 0
        with contextlib.suppress(TimeoutError, ConnectionError):
            while sent < 200 * MIB:
                sent += client.sock.send(command * 1000)
        assert sent < 200 * MIB, "everything was taken in"
    print(f"{cluster.flavor}: {sent} bytes taken, +{peak.grown} KiB")
    assert peak.grown < 2 * ALLOWED_KIB
    until(lambda: RawClient(measured.port).query("SELECT 1") == [("1",)])
