"""Replicas and readers of the binary log through the proxy: real replicas of both kinds, the
servers' own tools, and the bytes themselves."""

import contextlib
import filecmp
import struct
import subprocess
import time

import pymysql
import pytest

from programs import Terminal, address_words, program
from rawclient import BASE, MODERN, Closed, RawClient, ServerError
from world import free_ports, query, until

BINLOG_DUMP, REGISTER_SLAVE, BINLOG_DUMP_GTID = 18, 21, 30
NON_BLOCK = 1
HEARTBEAT, HEARTBEAT_V2 = 27, 41


def settings(changes=None):
    """The replica that follows through the proxy is none of its servers."""
    return {
        "server db2": None,
        "user repl": {"password": "repl"},
        **(changes or {}),
        "proxy": {"admin": f"127.0.0.1:{free_ports()}", "drain_timeout_ms": 20000,
                  **(changes or {}).get("proxy", {})},
    }


def admin(proxy, text):
    port = int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])
    conn = pymysql.connect(host="127.0.0.1", port=port, user="admin", password="admin",
                           autocommit=True)
    with contextlib.closing(conn):
        return query(conn, text)


def dumps(proxy):
    return admin(proxy, "SELECT id, user, server, state, running, pins FROM sessions "
                        "WHERE running LIKE 'Binlog Dump%'")


def follow(cluster, server, port):
    """The replica goes on from where it is, at another port."""
    old, new = ("SLAVE", "MASTER") if cluster.flavor == "mariadb" else ("REPLICA", "SOURCE")
    change = ("CHANGE MASTER TO" if cluster.flavor == "mariadb"
              else "CHANGE REPLICATION SOURCE TO")
    place = ""
    cluster.sql(server, f"STOP {old}")
    if cluster.offset:
        with contextlib.closing(cluster.root(server)) as conn:
            with conn.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute(f"SHOW {old} STATUS")
                row = cursor.fetchone()
        file, offset = (row[f"Relay_{new.capitalize()}_Log_File"],
                        row[f"Exec_{new.capitalize()}_Log_Pos"])
        place = f", {new}_LOG_FILE = '{file}', {new}_LOG_POS = {offset}"
    cluster.sql(server, f"{change} {new}_PORT = {port}{place}")
    cluster.sql(server, f"START {old}")


@contextlib.contextmanager
def follower(cluster, server, port):
    """For as long as this lasts the replica follows through the proxy at that port."""
    follow(cluster, server, port)
    try:
        yield
    finally:
        follow(cluster, server, cluster.port(0))


@pytest.fixture(params=["mariadb", "mysql", "mariadb_offset", "mysql_offset"])
def any_cluster(request):
    return request.getfixturevalue(f"{request.param}_cluster")


def test_a_replica(any_cluster, tidemark):
    cluster = any_cluster
    old = "SLAVE" if cluster.flavor == "mariadb" else "REPLICA"
    table = cluster.create_table("id INT PRIMARY KEY, a LONGBLOB, b LONGBLOB")
    proxy = tidemark(cluster, settings())

    def content(server):
        return cluster.sql(server, f"SELECT id, CRC32(a), LENGTH(b) FROM test.{table} ORDER BY id")

    def write(*ids):
        with contextlib.closing(proxy.connect()) as conn:
            query(conn, "SET binlog_format = 'ROW'" if cluster.flavor == "mariadb" else "DO 1")
            for number in ids:
                query(conn, f"INSERT INTO {table} VALUES (%s, REPEAT('a', %s), 'b')",
                      (number, number * 100000))
            proxy._connections.remove(conn)

    with follower(cluster, 2, proxy.port):
        write(*range(1, 10))
        cluster.wait_caught_up()
        assert content(2) == content(0) and len(content(0)) == 9
        seen = dumps(proxy)
        assert [row[1:4] for row in seen] == [("repl", "db0", "running")]
        assert seen[0][4] == ("Binlog Dump GTID" if cluster.flavor == "mysql" and not cluster.offset
                              else "Binlog Dump")
        assert "replication" in seen[0][5].split(",")
        # It connects again when it was thrown out, ...
        admin(proxy, f"KILL SESSION {seen[0][0]}")
        until(lambda: [row[0] for row in dumps(proxy)] not in ([], [seen[0][0]]),
              what="another dump")
        write(21)
        if not cluster.offset:
            # ... or has stopped itself, ...
            cluster.sql(2, f"STOP {old} IO_THREAD")
            until(lambda: not dumps(proxy), what="the dump's end")
            write(22)
            cluster.sql(2, f"START {old} IO_THREAD")
            until(lambda: dumps(proxy), what="another dump")
            # ... and when the proxy comes back, which does not wait for such clients to finish.
            begin = time.monotonic()
            proxy.stop()
            assert time.monotonic() - begin < 10
            proxy.log.unlink()
            proxy.start()
            with contextlib.closing(proxy.connect()) as conn:  # one event, two packets
                query(conn, "SET binlog_format = 'ROW'" if cluster.flavor == "mariadb" else "DO 1")
                query(conn, f"INSERT INTO {table} VALUES (23, REPEAT('x', 9 << 20), "
                            "REPEAT('y', 9 << 20))")
                proxy._connections.remove(conn)
        cluster.wait_caught_up(20)
        assert content(2) == content(0) and len(content(0)) == (10 if cluster.offset else 12)


@pytest.mark.parametrize("compression", ["off", "zlib"])
def test_semi_sync(cluster_of_two, tidemark, compression):
    """The replica's acknowledgements reach the primary, which waits for them."""
    cluster = cluster_of_two
    if cluster.flavor == "mariadb":
        source, replica, word = "master", "slave", "SLAVE"
    else:
        source, replica, word = "source", "replica", "REPLICA"
        cluster.sql(0, "INSTALL PLUGIN rpl_semi_sync_source SONAME 'semisync_source.so'")
        cluster.sql(1, "SET GLOBAL super_read_only = 0")
        cluster.sql(1, "INSTALL PLUGIN rpl_semi_sync_replica SONAME 'semisync_replica.so'")
    table = cluster.create_table("id INT PRIMARY KEY")
    proxy = tidemark(cluster, settings({"server db1": None, "compression": {"server": compression}}))
    cluster.sql(1, f"SET GLOBAL rpl_semi_sync_{replica}_enabled = 1")
    with follower(cluster, 1, proxy.port):
        until(lambda: dumps(proxy), what="a dump")
        cluster.sql(0, f"SET GLOBAL rpl_semi_sync_{source}_timeout = 20000")
        cluster.sql(0, f"SET GLOBAL rpl_semi_sync_{source}_enabled = 1")
        until(lambda: [cluster.status(0, f"Rpl_semi_sync_{source}_{x}")
                       for x in ("clients", "status")] == ["1", "ON"],
              what="a semi-synchronous replica")
        yes, no = (int(cluster.status(0, f"Rpl_semi_sync_{source}_{x}_tx")) for x in ("yes", "no"))
        conn = proxy.connect()
        begin = time.monotonic()
        for number in range(30):
            query(conn, f"INSERT INTO {table} VALUES ({number})")
        assert time.monotonic() - begin < 15
        assert int(cluster.status(0, f"Rpl_semi_sync_{source}_yes_tx")) > yes + 20
        assert int(cluster.status(0, f"Rpl_semi_sync_{source}_no_tx")) == no
        # It counts packets anew behind what it acknowledged, and understands why the dump ends.
        before = len(cluster.log_text(1))
        proxy.stop()
        until(lambda: "the proxy ends" in cluster.log_text(1)[before:], what="the reason")
        cluster.sql(1, f"STOP {word}")
        if compression == "off":
            return
        # MySQL counts compressed packets anew too, which is not spoken: it is told so, and stops.
        cluster.sql(1, f"SET GLOBAL {word.lower()}_compressed_protocol = 1")
        proxy.log.unlink()
        proxy.start()
        cluster.sql(1, f"START {word}")
        if cluster.flavor == "mysql":
            until(lambda: "replica_compressed_protocol"
                  in cluster.replication_status(1)["Last_IO_Error"], what="the refusal")
            until(lambda: cluster.replication_status(1)["Replica_IO_Running"] == "No",
                  what="the stop")
            cluster.sql(1, "SET GLOBAL replica_compressed_protocol = 0")
            cluster.sql(1, "STOP REPLICA")
        else:
            until(lambda: cluster.status(0, "Rpl_semi_sync_master_clients") == "1",
                  what="a semi-synchronous replica")
            no = int(cluster.status(0, "Rpl_semi_sync_master_no_tx"))
            conn = proxy.connect()
            for number in range(100, 110):
                query(conn, f"INSERT INTO {table} VALUES ({number})")
            assert int(cluster.status(0, "Rpl_semi_sync_master_no_tx")) == no
            cluster.sql(1, "STOP SLAVE")


@pytest.fixture(params=["mariadb", "mysql"])
def cluster_of_two(request, own_cluster):
    return own_cluster(request.param, replicas=1)


# --- the bytes -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def both(cluster, tmp_path_factory):
    """Ports: straight to the primary, and through a proxy with a short idle time-out."""
    from conftest import _factory

    cluster.sql(0, "CREATE USER IF NOT EXISTS plain IDENTIFIED BY 'plain'")
    cluster.sql(0, "GRANT SELECT ON test.* TO plain")
    cluster.wait_caught_up()
    with contextlib.ExitStack() as stack:
        start = _factory(tmp_path_factory.mktemp("dump"), stack)
        proxy = start(cluster, settings({"proxy": {"idle_timeout_ms": 500},
                                         "user plain": {"password": "plain"}}))
        proxy.wait_split()
        yield cluster.port(0), proxy.port
    cluster.sql(0, "DROP USER plain")


def logs(cluster):
    return [row[0] for row in cluster.sql(0, "SHOW BINARY LOGS")]


def dump(client, log, position=4, flags=NON_BLOCK):
    client.command(BINLOG_DUMP, struct.pack("<IHI", position, flags, 4711) + log.encode())


def until_end(client):
    """All packets up to the server's end of the connection, or an EOF or ERR and what a further
    command gets then."""
    packets = []
    with contextlib.suppress(Closed, ConnectionError):
        while True:
            packets.append(client.read_packet())
            if packets[-1][0] != 0:
                break
        packets.append("open")
        with contextlib.suppress(Closed, ConnectionError, ServerError):
            packets.append(client.query("SELECT 1"))
    return packets


@pytest.mark.parametrize("capabilities", [BASE, MODERN])
def test_packets_are_the_servers(cluster, both, capabilities):
    seen = []
    for port in both:
        with RawClient(port, user="repl", password="repl", database=None,
                       capabilities=capabilities) as client:
            client.query("SET @master_binlog_checksum = @@global.binlog_checksum, "
                         "@source_binlog_checksum = @@global.binlog_checksum")
            client.ok(REGISTER_SLAVE, struct.pack("<I", 4711) + bytes(13))
            dump(client, logs(cluster)[0])
            seen.append(until_end(client))
    assert len(seen[0]) > 4
    assert seen[1] == seen[0]


@pytest.mark.parametrize("command", [
    (BINLOG_DUMP, struct.pack("<IHI", 4, NON_BLOCK, 4711) + b"nosuch.000001"),
    (BINLOG_DUMP, struct.pack("<IHI", 100, NON_BLOCK, 4711)),
    (REGISTER_SLAVE, b"\1"),
    (BINLOG_DUMP_GTID, struct.pack("<HIIQI", 5, 4711, 0, 4, 8) + bytes(8)),
    (BINLOG_DUMP_GTID, b"\1"),
], ids=["no such log", "no place", "no registration", "gtid", "no gtid"])
@pytest.mark.parametrize("user", ["repl", "plain"])
def test_refusals_are_the_servers(cluster, both, user, command):
    """By the user's rights, and by what the log has; and what becomes of the connection."""
    seen = []
    for port in both:
        with RawClient(port, user=user, password=user, database=None, timeout=10) as client:
            client.query("SET @master_binlog_checksum = @@global.binlog_checksum, "
                         "@source_binlog_checksum = @@global.binlog_checksum")
            client.command(*command)
            seen.append(until_end(client))
    assert seen[1] == seen[0]


def test_heartbeats_and_the_end(cluster, both):
    """A dump waits for events for as long as it likes; KILL ends it."""
    client = RawClient(both[1], user="repl", password="repl", database=None)
    for name in ("master", "source"):
        client.query(f"SET @{name}_heartbeat_period = 200000000")
    client.query("SET @master_binlog_checksum = @@global.binlog_checksum, "
                 "@source_binlog_checksum = @@global.binlog_checksum")
    with RawClient(both[1], user="repl", password="repl", database=None) as other:
        dump(client, logs(cluster)[-1], flags=0)
        beats = 0
        begin = time.monotonic()
        while beats < 6:
            packet = client.read_packet()
            assert packet[0] == 0
            beats += packet[5] in (HEARTBEAT, HEARTBEAT_V2)
        assert time.monotonic() - begin > 1
    with RawClient(both[1], user="repl", password="repl", database=None) as other:
        other.query(f"KILL {client.greeting.connection_id}")
    with pytest.raises((Closed, ConnectionError)):
        while True:
            client.read_packet()
    until(lambda: not [row for row in cluster.sql(
        0, "SELECT id FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%' AND "
           "user = 'repl'") if row[0] in cluster.connections_of(0, "repl")][2:],
        what="the end on the server")


# --- the servers' tools ----------------------------------------------------------------------


@pytest.mark.parametrize("maker", ["mariadb", "mysql"])
def test_binlog_tools_copy_the_log(cluster, both, tmp_path, maker):
    words = program(maker, "binlog")
    if words is None or maker != cluster.flavor:
        pytest.skip("each tool reads its own server's log")
    first = logs(cluster)[0]
    for name, port in zip(("direct", "through"), both):
        (tmp_path / name).mkdir()
        subprocess.run([*words, *address_words(port, "repl", "repl"), "--read-from-remote-server",
                        "--raw", f"--result-file={tmp_path}/{name}/", first],
                       check=True, timeout=60, stdin=subprocess.DEVNULL)
    assert (tmp_path / "direct" / first).stat().st_size > 300
    assert filecmp.cmp(tmp_path / "direct" / first, tmp_path / "through" / first, shallow=False)


def test_a_tool_that_never_stops(cluster, both):
    words = program(cluster.flavor, "binlog")
    if words is None:
        pytest.skip("the tool cannot be had")
    show = "SHOW MASTER STATUS" if cluster.flavor == "mariadb" else "SHOW BINARY LOG STATUS"
    log, offset = cluster.sql(0, show)[0][:2]
    terminal = Terminal([*words, *address_words(both[1], "repl", "repl"), "--stop-never",
                         "--read-from-remote-server", f"--start-position={offset}", log])
    try:
        for _ in range(2):
            name = cluster.create_table("id INT")
            terminal.expect(f"CREATE TABLE test.{name}")
            time.sleep(0.7)  # longer than idle_timeout_ms
    finally:
        terminal.close()
