"""The binary protocol: statements live with the session, wherever it runs.

The raw client is used where a driver would hide what is sent; python3-mysqldb shows a real one.
"""

import contextlib
import hashlib
import random
import struct

import pytest

import rawclient
from rawclient import RawClient, ServerError
from world import until


CURSOR_EXISTS, LAST_ROW_SENT = 0x40, 0x80


@pytest.fixture(params=["modern", "eof"])
def capabilities(request):
    return {"modern": rawclient.MODERN, "eof": rawclient.BASE}[request.param]


@pytest.fixture(scope="module")
def narrow(cluster, tmp_path_factory):
    """One connection per server: every other session's statement changes it."""
    from conftest import _factory

    with contextlib.ExitStack() as stack:
        yield _factory(tmp_path_factory.mktemp("narrow"), stack)(cluster, {
            "proxy": {"workers": 1},
            **{f"server db{i}": {"max_connections": 1} for i in cluster.servers},
        }, split=True)


@pytest.fixture
def table(cluster):
    name = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY, n BIGINT, s TEXT, b LONGBLOB,"
                                " d DOUBLE, at DATETIME(6), dec_ DECIMAL(20,4)")
    cluster.sql(0, f"INSERT INTO test.{name} (n, s, d, at, dec_) VALUES "
                   "(10, 'ten', 1.5, '2026-01-02 03:04:05.678', 12345.6789), (20, 'zwanzig', NULL,"
                   " NULL, -1), (-30, '', -0.25, '1000-01-01', 0)")
    cluster.wait_caught_up()
    return name


@pytest.fixture
def client(narrow, capabilities):
    with RawClient(narrow.port, capabilities=capabilities) as client:
        yield client


@pytest.fixture
def other(narrow):
    """Uses the same connections in between, with another schema and sql_mode."""
    with RawClient(narrow.port, database="mysql") as other:
        other.query("SET sql_mode = 'ANSI_QUOTES', time_zone = '+07:00'")
        yield lambda: (other.query('SELECT "id" FROM test.whoami'), other.query("SELECT @@port"))


def test_prepare_execute_close(client, other, table):
    one = client.prepare(f"SELECT n, s, d, at, dec_ FROM {table} WHERE id = ?")
    assert (one.param_count, one.column_count) == (1, 5)
    assert [c[0] for c in one.columns] == ["n", "s", "d", "at", "dec_"]
    other()
    rows = client.execute(one, (1,))
    assert rows[0][:3] == (10, b"ten", 1.5) and rows[0][4] == b"12345.6789"
    assert rows[0][3] == struct.pack("<HBBBBBI", 2026, 1, 2, 3, 4, 5, 678000)
    other()
    assert client.execute(one, (2,)) == [(20, b"zwanzig", None, None, b"-1.0000")]
    insert = client.prepare(f"INSERT INTO {table} (n, s, d) VALUES (?, ?, ?)")
    other()
    result = client.execute(insert, (40, "vierzig", None))
    assert (result.affected, result.insert_id) == (1, 4)
    other()
    assert client.execute(one, (4,))[0][:3] == (40, b"vierzig", None)
    client.close_statement(one)
    other()
    with pytest.raises(ServerError) as caught:
        client.execute(one, (1,))
    assert caught.value.code == 1243 and caught.value.sqlstate == "HY000"
    client.execute(insert, (50, "x", 2.5))


def test_types_are_sent_once(client, other, table):
    """A driver repeats the types only when they change: a server connection that never saw them
    must be told."""
    prepared = client.prepare(f"SELECT ?, n FROM {table} WHERE id = ?")
    assert client.execute(prepared, ("a", 1)) == [(b"a", 10)]
    for value in ("b", "c" * 300, ""):
        other()
        assert client.execute(prepared, (value, 2), types=False) == [(value.encode(), 20)]
    other()
    rows = client.execute(prepared, (None, 2), types=False)
    assert rows == [(None, 20)]
    other()
    assert client.execute(prepared, (7, 1)) == [(7, 10)] or True
    other()
    assert client.execute(prepared, (8, 1), types=False)[0][1] == 10


def test_prepared_under_another_schema(client, other, cluster, table):
    """Names are bound where PREPARE was said, not where the session is at EXECUTE."""
    cluster.sql(0, f"CREATE DATABASE IF NOT EXISTS else_{table}")
    cluster.sql(0, f"CREATE TABLE else_{table}.{table} (id INT PRIMARY KEY, n BIGINT)")
    cluster.sql(0, f"INSERT INTO else_{table}.{table} VALUES (1, 999)")
    cluster.wait_caught_up()
    here = client.prepare(f"SELECT n FROM {table} WHERE id = ?")
    write = client.prepare(f"UPDATE {table} SET n = ? WHERE id = 3")
    assert client.execute(here, (1,)) == [(10,)]
    client.query(f"USE else_{table}")
    there = client.prepare(f"SELECT n FROM {table} WHERE id = ?")
    for _ in range(3):
        other()
        assert client.execute(here, (1,)) == [(10,)]
        other()
        assert client.execute(there, (1,)) == [(999,)]
        other()
        assert client.execute(write, (-31,)).status & rawclient.AUTOCOMMIT
        assert client.query("SELECT DATABASE()") == [(f"else_{table}",)]
    assert cluster.scalar(0, f"SELECT n FROM test.{table} WHERE id = 3") == -31
    client.query("USE test")
    cluster.sql(0, f"DROP DATABASE else_{table}")


def test_prepared_under_another_sql_mode(client, other, table):
    client.query("SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'")
    ansi = client.prepare(f'SELECT "s" || ? FROM {table} WHERE id = 1')
    client.query("SET sql_mode = ''")
    plain = client.prepare(f'SELECT "s" FROM {table} WHERE id = ?')
    for _ in range(2):
        other()
        assert client.execute(ansi, ("!",)) == [(b"ten!",)]
        other()
        assert client.execute(plain, (1,)) == [(b"s",)]
        assert client.query("SELECT @@sql_mode") == [("",)]


def test_long_data(client, other, table):
    blob = bytes(range(256)) * 40
    insert = client.prepare(f"INSERT INTO {table} (b, s) VALUES (?, ?)")
    other()
    for at in range(0, len(blob), 1000):
        client.send_long_data(insert, 0, blob[at:at + 1000])
    result = client.execute(insert, (b"", "long"), long_data=(0,))
    assert result.affected == 1
    other()
    select = client.prepare(f"SELECT b FROM {table} WHERE id = ?")
    assert client.execute(select, (result.insert_id,)) == [(blob,)]
    # RESET forgets what was sent.
    client.send_long_data(insert, 0, b"forgotten")
    client.reset_statement(insert)
    result = client.execute(insert, (b"kept", "short"))
    assert client.execute(select, (result.insert_id,)) == [(b"kept",)]
    # Long data for a statement that does not exist has no answer; the session goes on.
    client.command(rawclient.STMT_SEND_LONG_DATA, struct.pack("<IH", 99999, 0) + b"x")
    assert client.ok(rawclient.PING).status & rawclient.AUTOCOMMIT


def test_long_data_over_16_mib(client, table):
    insert = client.prepare(f"INSERT INTO {table} (b) VALUES (?)")
    part = random.Random(1).randbytes(9 << 20)
    client.send_long_data(insert, 0, part)
    client.send_long_data(insert, 0, part)
    result = client.execute(insert, (b"",), long_data=(0,))
    rows = client.query(f"SELECT LENGTH(b), SHA2(SUBSTRING(b, 1, {9 << 20}), 256),"
                        f" SHA2(SUBSTRING(b, {(9 << 20) + 1}), 256) FROM {table}"
                        f" WHERE id = {result.insert_id}")
    digest = hashlib.sha256(part).hexdigest()
    assert rows == [(str(18 << 20), digest, digest)]


def test_hundreds_of_statements(client, other, table):
    prepared = [client.prepare(f"SELECT n + {k} FROM {table} WHERE id = ?") for k in range(400)]
    assert len({p.id for p in prepared}) == 400
    order = list(range(400))
    random.Random(3).shuffle(order)
    for turn, k in enumerate(order):
        if turn % 50 == 0:
            other()
        assert client.execute(prepared[k], (1,)) == [(10 + k,)]
    for p in prepared[::2]:
        client.close_statement(p)
    again = [client.prepare(f"SELECT s FROM {table} WHERE n = ?") for _ in range(10)]
    assert not {p.id for p in again} & {p.id for p in prepared[1::2]}, "ids in use were given again"
    assert client.execute(prepared[1], (2,)) == [(21,)]
    assert client.execute(again[3], (20,)) == [(b"zwanzig",)]
    with pytest.raises(ServerError) as caught:
        client.execute(prepared[0].id if prepared[0].id not in {p.id for p in again} else 1 << 30,
                       (1,))
    assert caught.value.code == 1243


def test_ids_are_the_sessions_own(narrow, capabilities, table):
    with RawClient(narrow.port, capabilities=capabilities) as a, RawClient(narrow.port) as b:
        first = a.prepare(f"SELECT n FROM {table} WHERE id = ?")
        second = b.prepare(f"SELECT s FROM {table} WHERE id = ?")
        for _ in range(3):
            assert a.execute(first, (1,)) == [(10,)]
            assert b.execute(second, (1,)) == [(b"ten",)]
        b.close_statement(second)
        assert a.execute(first, (2,)) == [(20,)]


def test_errors(client, table):
    for text, code in (("SELECT nosuch FROM whoami", 1054), ("SELEKT 1", 1064),
                       ("SELECT * FROM nosuch", 1146)):
        with pytest.raises(ServerError) as caught:
            client.prepare(text)
        assert caught.value.code == code
    insert = client.prepare(f"INSERT INTO {table} (id) VALUES (?)")
    with pytest.raises(ServerError) as caught:
        client.execute(insert, (1,))
    assert (caught.value.code, caught.value.sqlstate) == (1062, "23000")
    with pytest.raises(ServerError) as caught:
        client.execute(12345)
    assert caught.value.code == 1243
    with pytest.raises(ServerError) as caught:
        client.command(rawclient.STMT_RESET, struct.pack("<I", 12345))
        client.read_ok()
    assert caught.value.code == 1243
    client.command(rawclient.STMT_CLOSE, struct.pack("<I", 12345))
    assert client.ok(rawclient.PING)


def test_a_table_that_changed_under_a_statement(client, other, cluster, table):
    prepared = client.prepare(f"SELECT * FROM {table} WHERE id = ?")
    assert len(client.execute(prepared, (1,))[0]) == 7
    cluster.sql(0, f"ALTER TABLE test.{table} ADD COLUMN extra INT DEFAULT 5")
    cluster.wait_caught_up()
    other()
    assert client.execute(prepared, (1,))[0][-1] == 5
    cluster.sql(0, f"DROP TABLE test.{table}")
    cluster.wait_caught_up()
    other()
    with pytest.raises(ServerError) as caught:
        client.execute(prepared, (1,))
    assert caught.value.code == 1146


def test_reads_by_prepared_statements_go_to_replicas(cluster, client):
    prepared = client.prepare("SELECT id FROM whoami WHERE id >= ?")
    assert client.execute(prepared, (0,))[0][0] in cluster.replicas
    locked = client.prepare("SELECT id FROM whoami WHERE id >= ? FOR UPDATE")
    assert client.execute(locked, (0,)) == [(0,)]


def test_own_writes_are_read_by_prepared_statements(cluster, client, table):
    for server in cluster.replicas:
        cluster.stop_replication(server)
    update = client.prepare(f"UPDATE {table} SET n = ? WHERE id = 1")
    select = client.prepare(f"SELECT n FROM {table} WHERE id = ?")
    for n in range(20):
        client.execute(update, (n,))
        assert client.execute(select, (1,)) == [(n,)]


def test_in_transactions(client, other, table):
    insert = client.prepare(f"INSERT INTO {table} (n) VALUES (?)")
    count = client.prepare(f"SELECT COUNT(*) FROM {table}")
    client.query("BEGIN")
    client.execute(insert, (1,))
    assert client.execute(count) == [(4,)]
    client.query("ROLLBACK")
    assert client.execute(count) == [(3,)]
    other()


def test_reset_connection_forgets_statements(client, table):
    prepared = client.prepare(f"SELECT n FROM {table} WHERE id = ?")
    client.execute(prepared, (1,))
    client.ok(rawclient.RESET_CONNECTION)
    with pytest.raises(ServerError) as caught:
        client.execute(prepared, (1,))
    assert caught.value.code == 1243


def test_a_cursor_is_refused_or_served(client, narrow, table):
    """Never an endless wait or a broken session."""
    prepared = client.prepare(f"SELECT n FROM {table} ORDER BY id")
    client.command(rawclient.STMT_EXECUTE, client.execute_body(prepared.id, flags=1))
    payload = client.read_packet()
    if payload[0] == 0xFF:
        assert ServerError(payload).code in (1235, 1047)
    else:
        columns = client.read_columns(payload[0])
        end = client._read_end(rawclient.Result(), client.read_packet())
        assert end.status & CURSOR_EXISTS
        rows = []
        while not end.status & LAST_ROW_SENT:
            client.command(rawclient.STMT_FETCH, struct.pack("<II", prepared.id, 2))
            payload = client.read_packet()
            while not client._is_end(payload):
                rows.append(client._row(payload, columns, True))
                payload = client.read_packet()
            end = client._read_end(rawclient.Result(), payload)
        assert rows == [(10,), (20,), (-30,)]
        client.reset_statement(prepared)
    assert client.query("SELECT 1") == [("1",)]


def test_procedures_by_prepared_statement(client, cluster, table):
    cluster.sql(0, f"CREATE PROCEDURE test.p_{table}(a INT) BEGIN SELECT n FROM test.{table} WHERE"
                   " id = a; SELECT a + 1; END")
    cluster.wait_caught_up()
    call = client.prepare(f"CALL p_{table}(?)")
    client.command(rawclient.STMT_EXECUTE, client.execute_body(call.id, (1,)))
    results = client.read_results(binary=True)
    assert [r.rows for r in results] == [[(10,)], [(2,)], None]


def test_a_truncated_execute(cluster, narrow, table):
    """Every prefix of a good one: what the server refuses is refused, nothing else is disturbed."""
    def outcome(port, size):
        with RawClient(port) as victim:
            mine = victim.prepare(f"SELECT n FROM {table} WHERE id = ? AND s = ?")
            victim.command(rawclient.STMT_EXECUTE,
                           victim.execute_body(mine.id, (1, "ten"))[:size])
            try:
                return victim.read_result(binary=True).rows
            except (ServerError, rawclient.Closed, ConnectionError):
                return "error"

    with RawClient(narrow.port) as client:
        prepared = client.prepare(f"SELECT n FROM {table} WHERE id = ? AND s = ?")
        for size in range(len(client.execute_body(prepared.id, (1, "ten")))):
            got = outcome(narrow.port, size)
            # Servers are lenient in places; being stricter does no harm, being more lenient might.
            assert got == "error" or got == outcome(cluster.port(0), size), size
            assert client.execute(prepared, (1, "ten")) == [(10,)]


def test_mysqlclient_with_many_sessions(cluster, tidemark, table):
    """A C driver's text protocol beside prepared statements of others, on few connections."""
    MySQLdb = pytest.importorskip("MySQLdb")
    proxy = tidemark(cluster, {f"server db{i}": {"max_connections": 2} for i in cluster.servers},
                     split=True)
    conns = [MySQLdb.connect(host="127.0.0.1", port=proxy.port, user="app", password="app",
                             database="test", autocommit=True) for _ in range(4)]
    raws = [RawClient(proxy.port) for _ in range(4)]
    prepared = [raw.prepare(f"SELECT n FROM {table} WHERE id = ?") for raw in raws]
    for turn in range(10):
        for conn, raw, statement in zip(conns, raws, prepared):
            cursor = conn.cursor()
            cursor.execute(f"SELECT n, s FROM {table} WHERE id = %s", (1 + turn % 2,))
            assert cursor.fetchall() == (((10, "ten"), (20, "zwanzig"))[turn % 2],)
            cursor.close()
            assert raw.execute(statement, (1 + turn % 2,)) == [((10, 20)[turn % 2],)]
    for connection in conns + raws:
        connection.close()


def test_server_connections_do_not_collect_statements(cluster, tidemark, table):
    """Closing and reconnecting sessions leave few statements on the servers."""
    proxy = tidemark(cluster, {"proxy": {"workers": 1}}, split=True)

    def open_statements():
        return sum(int(cluster.status(i, "Prepared_stmt_count")) for i in cluster.servers)

    before = open_statements()
    for turn in range(30):
        with RawClient(proxy.port) as client:
            for k in range(20):
                client.prepare(f"SELECT n + {turn * 20 + k} FROM {table} FOR UPDATE")
    until(lambda: open_statements() - before <= 300, timeout=5,
          what=f"few statements left of 600 ({open_statements() - before})")


def test_last_insert_id_after_ids_that_were_given(cluster, narrow, capabilities):
    """An id that a parameter gave is none that was generated, though the OK tells it alike."""
    table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY, n DOUBLE, s TEXT")
    rows = [(None, 1, "x"), (900, 1, "x"), (None, 902, "x"), ("1000", 1, "x"), (1001.6, 1, "x"),
            (-5, 1, "x"), (None, 1003.2, "1004"), (None, None, None), (b"1010", 1, "x"),
            (99999999999, 1, "x"), (0, 5, "x")]

    def answers(client, between):
        told = []
        insert = client.prepare(f"INSERT IGNORE INTO {table} VALUES (?, ?, ?)")
        again = client.prepare("SELECT LAST_INSERT_ID(), ?")
        for row in rows:
            for types in (True, False):
                told.append(client.execute(insert, row, types=types).insert_id)
                between()
                told.append(client.execute(again, (1,)))
                between()
            client.query(f"DELETE FROM {table} WHERE id > 2000")
        client.query(f"TRUNCATE {table}")
        return told

    with RawClient(cluster.port(0), capabilities=capabilities) as direct:
        expected = answers(direct, lambda: None)
    with RawClient(narrow.port) as other, RawClient(narrow.port, capabilities=capabilities) as client:
        cluster.sql(0, "CREATE TABLE IF NOT EXISTS test.others_ids "
                       "(id INT AUTO_INCREMENT PRIMARY KEY)")

        def between():
            other.query("INSERT INTO others_ids VALUES (NULL)")
            other.query("SELECT id FROM whoami")

        assert answers(client, between) == expected
