"""Compression on both sides, each on its own: what agrees on it, what arrives, and what it costs."""

import contextlib
import random
import socket
import struct
import subprocess
import threading
import time
import zlib

import pymysql
import pytest

import rawclient
from programs import program
from rawclient import Closed, RawClient, ServerError
from test_backpressure import Peak
from test_drivers import DRIVERS, SEEN_BY_ALL, built, clean_slate, run_driver, without_who  # noqa: F401
from world import free_ports, plain_program, query, until

MIB = 1 << 20
BEST = {"mariadb": "zlib", "mysql": "zstd"}  # of what each kind of server has


class ZlibClient(RawClient):
    """Compresses what it sends, and takes only compressed packets in the order of their numbers."""

    def __init__(self, port, chunk=1 << 20, **options):
        self.packed = False
        self.chunk = chunk
        self.came = b""
        self.number = 0
        self.received = self.expanded = 0
        super().__init__(port, capabilities=rawclient.MODERN | rawclient.COMPRESS, **options)
        assert self.capabilities & rawclient.COMPRESS
        self.packed = True

    def _fill(self, count):
        if not self.packed:
            return super()._fill(count)
        while len(self.buffer) < count:
            while len(self.came) < 7 or len(self.came) < 7 + int.from_bytes(self.came[:3], "little"):
                got = self.sock.recv(1 << 18)
                if not got:
                    raise Closed("the connection was closed")
                self.came += got
                self.received += len(got)
            size, number = int.from_bytes(self.came[:3], "little"), self.came[3]
            plain = int.from_bytes(self.came[4:7], "little")
            assert number == self.number, f"compressed packet {number}, not {self.number}"
            self.number = (number + 1) & 255
            part, self.came = self.came[7:7 + size], self.came[7 + size:]
            if plain:
                part = zlib.decompress(part)
                assert len(part) == plain
            self.expanded += len(part)
            self.buffer += part

    def send(self, payload):
        if not self.packed:
            return super().send(payload)
        data = self.frames_of(payload)
        out = bytearray()
        for at in range(0, len(data), self.chunk):
            out += self.packet(data[at:at + self.chunk])
        self.sock.sendall(out)

    def packet(self, data):
        packed = zlib.compress(data) if len(data) >= 50 else data
        head = struct.pack("<I", len(packed))[:3] + bytes([self.number])
        self.number = (self.number + 1) & 255
        return head + struct.pack("<I", len(data) if len(data) >= 50 else 0)[:3] + packed

    def command(self, code, body=b""):
        self.number = 0
        super().command(code, body)


def started(cluster, tidemark, client="both", server="off", admin=None, **settings):
    sections = {"compression": {"client": client, "server": server}, **settings}
    if admin:
        sections["proxy"] = {"admin": f"127.0.0.1:{admin}", **settings.get("proxy", {})}
    return tidemark(cluster, sections, split=True)


def asked(port, text):
    """Rows of the admin port."""
    with contextlib.closing(pymysql.connect(host="127.0.0.1", port=port, user="admin",
                                            password="admin", autocommit=True)) as conn:
        return query(conn, text)


def text_of(size, seed=1):
    """Bytes that compress, but not to nothing."""
    source = random.Random(seed)
    words = [bytes(source.choices(b"abcdefghijklmnop", k=9)) for _ in range(3000)]
    return b"".join(source.choices(words, k=size // 9 + 1))[:size]


@pytest.mark.parametrize("driver", ["client-mariadb", "client-mysql", "mysqlclient", "java-text",
                                    "java-prepared", "dbd-mysql-text", "dbd-mariadb-prepared",
                                    "node-mysql2", "node-mariadb", "c"])
def test_driver_with_compression(driver, cluster, tidemark, built):  # noqa: F811
    """The drivers' whole scenario, compressed on both sides: as at the primary without."""
    admin = free_ports()
    proxy = started(cluster, tidemark, server=BEST[cluster.flavor], admin=admin)
    clean_slate(cluster)
    direct = run_driver(DRIVERS[driver], built, cluster.port(0), tries=1)
    clean_slate(cluster)
    seen = set()
    over = threading.Event()

    def look():
        while not over.wait(0.02):
            seen.update(asked(admin, "SELECT compression FROM sessions WHERE state <> 'login'"))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        lines = run_driver(DRIVERS[driver], built, proxy.port, tries=200,
                           DRIVER_COMPRESS="zstd" if cluster.flavor == "mysql" else "zlib")
    finally:
        over.set()
        looking.join()
    for text in SEEN_BY_ALL:
        assert any(text in line for line in lines), f"{text} is missing"
    assert without_who(lines) == without_who(direct)
    zstd = driver == "client-mysql" and cluster.flavor == "mysql"
    assert ("zstd" if zstd else "zlib",) in seen, seen


def server_side(conn):
    """What the server connection of a write has: (algorithm or "", level or None)."""
    found = dict(query(conn, "SHOW STATUS LIKE 'Compression%'"))
    if found["Compression"] == "OFF":
        return "", None
    level = found.get("Compression_level")
    return found.get("Compression_algorithm", "zlib"), int(level) if level else None


@pytest.mark.parametrize("server", ["zlib", "zstd", "off"])
def test_servers_are_asked(cluster, tidemark, server):
    """What a server does not have is not asked for; its own status tells."""
    admin = free_ports()
    proxy = tidemark(cluster, {"proxy": {"admin": f"127.0.0.1:{admin}"},
                               "compression": {"server": server, "server_zstd_level": 7}},
                     split=True)
    has = "" if server == "off" or (server, cluster.flavor) == ("zstd", "mariadb") else server
    algorithm, level = server_side(proxy.connect())
    assert algorithm == has
    assert level == {"zlib": 6, "zstd": 7}.get(has) or cluster.flavor == "mariadb"
    assert {row[0] for row in asked(admin, "SELECT compression FROM connections "
                                           "WHERE state IN ('idle', 'leased')")} == {has}


def test_what_clients_are_offered(mariadb_cluster, tidemark):
    for client, offered in (("both", 32 | 1 << 26), ("zlib", 32), ("zstd", 1 << 26), ("off", 0)):
        proxy = started(mariadb_cluster, tidemark, client=client)
        with RawClient(proxy.port, login=False) as raw:
            assert raw.read_greeting().capabilities & (32 | 1 << 26) == offered


def test_clients_share_connections(cluster, tidemark):
    """With compression and without: the same server connection serves both, one after the other."""
    proxy = started(cluster, tidemark, **{"proxy": {"workers": 1},
                                          "pool": {"min_idle": 0},
                                          "server db0": {"max_connections": 1}})
    with ZlibClient(proxy.port) as packed, RawClient(proxy.port) as plain:
        used = {client.query("SELECT CONNECTION_ID() + 0 FROM whoami FOR UPDATE")[0]
                for client in (packed, plain, packed, plain)}
    assert len(used) == 1


@pytest.mark.parametrize("chunk", [13, 5000, 0xFFFFFF])
def test_commands_in_pieces(cluster, tidemark, chunk):
    """A command in packets of any size; the answers' numbers follow."""
    proxy = started(cluster, tidemark, server=BEST[cluster.flavor])
    with ZlibClient(proxy.port, chunk=chunk) as client:
        size = min(chunk * 300, 400000)
        assert client.query(f"SELECT LENGTH('{'x' * size}')") == [(str(size),)]
        assert client.query("SELECT 'short'") == [("short",)]
        statement = client.prepare("SELECT ?")
        assert statement.param_count == 1


def command_line(proxy, *options, **more):
    """MySQL's own client: the one that has zstd."""
    return subprocess.run(
        [*program("mysql", "client"), "--protocol=tcp", "--host=127.0.0.1",
         f"--port={proxy.port}", "--user=app", "--password=app", "--database=test",
         "--max-allowed-packet=64M", "--batch", "--skip-column-names", "--raw",
         "--get-server-public-key", *options], capture_output=True, timeout=100, **more)


@pytest.mark.parametrize("tls", [False, True])
def test_large_both_ways(cluster, tidemark, tls):
    """Beyond 16 MiB: byte-equal there and back, over TLS and not, for a client without, too."""
    content = text_of(17 * MIB + 12345)
    table = cluster.create_table("id INT PRIMARY KEY, b LONGTEXT")
    side = "required" if tls else "disabled"
    proxy = tidemark(cluster, {"compression": {"server": BEST[cluster.flavor]},
                               "tls": {"client": side if tls else "preferred", "server": side}},
                     split=False, program=plain_program())
    until(lambda: "primary" in proxy.log_text(), what="a primary")
    for number, algorithm in enumerate(["zstd"] if tls else ["zlib", "uncompressed"]):
        done = command_line(
            proxy, f"--compression-algorithms={algorithm}",
            "--ssl-mode=" + ("REQUIRED" if tls else "DISABLED"),
            input=b"INSERT INTO %s VALUES (%d, '%s');\nSELECT 'after';\n"
            b"SELECT b FROM %s WHERE id = %d FOR UPDATE;\nSELECT 'after';\n"
            % (table.encode(), number, content, table.encode(), number))
        assert done.stdout == b"after\n" + content + b"\nafter\n", done.stderr


def test_files(cluster, tidemark, tmp_path):
    cluster.sql(0, "SET GLOBAL local_infile = 1")
    content = text_of(2 * MIB)
    (tmp_path / "file").write_bytes(content)
    table = cluster.create_table("b LONGTEXT")
    proxy = started(cluster, tidemark, server=BEST[cluster.flavor])
    for algorithm in ("zlib", "zstd"):
        done = command_line(
            proxy, f"--compression-algorithms={algorithm}", "--local-infile=1", "-e",
            f"LOAD DATA LOCAL INFILE '{tmp_path}/file' INTO TABLE {table};"
            f"LOAD DATA LOCAL INFILE '{tmp_path}/file' INTO TABLE {table};"
            f"SELECT COUNT(*), MIN(LENGTH(b)), MIN(b = (SELECT MAX(b) FROM {table})) FROM {table}"
            f" FOR UPDATE; DELETE FROM {table}")
        assert done.stdout.split() == [b"2", b"%d" % len(content), b"1"], done.stderr


def test_a_slow_reader(cluster, tidemark):
    """What a few KiB from the server expand to waits there while the client does not read."""
    proxy = tidemark(cluster, {"compression": {"server": BEST[cluster.flavor]},
                               "proxy": {"workers": 1}}, split=True, program=plain_program())
    wide = "SELECT REPEAT('x', 40000000) UNION ALL SELECT REPEAT('y', 40000000)"
    with ZlibClient(proxy.port) as client:
        client.query("SELECT REPEAT('x', 3000000)")
    for packed in (False, True):
        client = (ZlibClient if packed else RawClient)(proxy.port)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        with client, Peak(proxy) as peak:
            client.command(rawclient.QUERY, wide.encode())
            until(lambda: proxy.cpu_seconds() > 0, what="the proxy's figures")
            time.sleep(0.5)
            rows = client.read_result().rows
            assert [(len(row[0]), row[0][:1]) for row in rows] == [(40000000, b"x"),
                                                                  (40000000, b"y")]
        print(f"{cluster.flavor}: resident +{peak.grown} KiB, packed={packed}")
        assert peak.grown < 4096


def test_what_expands_from_a_client(cluster, tidemark):
    """A statement of 30 MB that came as 30 KB is not held either; and a broken one ends nobody
    else."""
    proxy = tidemark(cluster, {"proxy": {"workers": 1}}, split=True, program=plain_program())
    with ZlibClient(proxy.port, chunk=0xFFFFFF) as client, RawClient(proxy.port) as other:
        client.query(f"DO LENGTH('{'x' * 3000000}')")
        with Peak(proxy) as peak:
            client.query(f"DO LENGTH('{'x' * 30000000}')")
            assert client.query("SELECT 1") == [("1",)]
        assert peak.grown < 4096
        for wrong in (b"garbage!" * 100,                       # not even a packet
                      b"\x04\0\0\0\xff\xff\xff" + b"none",      # 16 MiB - 1, so it says
                      b"\x04\0\0\x07\0\0\0" + b"none",          # out of order
                      ZlibClient.packet(client, b"x" * 100)[:-1] + b"!"):
            with ZlibClient(proxy.port) as client2:
                client2.send_raw(wrong)
                client2.send_raw(b"\0" * 1000)
                with pytest.raises((Closed, ConnectionError)):
                    client2.sock.settimeout(10)
                    while True:
                        client2._fill(1 << 20)
        assert other.query("SELECT 1") == [("1",)]
        assert client.query("SELECT 1") == [("1",)]


def test_killed_amid_a_result(cluster, tidemark):
    proxy = started(cluster, tidemark, server=BEST[cluster.flavor])
    with ZlibClient(proxy.port) as client, ZlibClient(proxy.port) as killer:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.command(rawclient.QUERY,
                       b"SELECT REPEAT(UUID(), 1000), SLEEP(0.01) FROM information_schema.columns")
        client.read_packet()
        killer.query(f"KILL QUERY {client.greeting.connection_id}")
        with pytest.raises(ServerError) as error:
            drain(client)
        assert error.value.code in (1317, 1028, 3024)
        assert client.query("SELECT 1") == [("1",)]


def drain(client):
    """Reads packets until an error."""
    while True:
        payload = client.read_packet()
        if payload[:1] == b"\xff":
            raise ServerError(payload)


def test_idle_clients_are_small(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, {"proxy": {"max_clients": 2000, "workers": 1}}, split=True,
                     program=plain_program())
    kept = []
    kib = {}
    for name, kind in (("warm", ZlibClient), ("plain", RawClient), ("compressed", ZlibClient)):
        before = proxy.resident_kib()
        for _ in range(300):
            kept.append(kind(proxy.port))
            kept[-1].query("SELECT REPEAT('x', 1000)")
        kib[name] = (proxy.resident_kib() - before) / 300
    print(f"KiB per idle client: {kib}")
    for client in kept:
        client.close()
    assert kib["compressed"] < kib["plain"] + 2
