"""What only MariaDB's drivers and servers do: executions in bulk, EXECUTE right behind PREPARE,
progress reports, names of types. Directly and through Tidemark all of it is the same; where the
servers are MySQL none of it is offered."""

import contextlib
import os
import struct
import subprocess
from pathlib import Path

import pytest

import rawclient
from rawclient import RawClient, ServerError

HERE = Path(__file__).resolve().parent

# As drivers see it these are errors of the server, so they must be its own.
BULKS = [
    # SQL, the parameters' types, flags, rows
    ("INSERT INTO {t} (n, s) VALUES (?, ?)", b"\x08\0\xfd\0", 0, b"\x01\x01"),  # no types, ever
    ("INSERT INTO {t} (n, s) VALUES (?, ?)", b"\x08\0\xfd\0", 128, b"\x01\0\3abc\x02\x03"),
    ("INSERT INTO {t} (n, s) VALUES (?, ?)", b"\x08\0\xfd\0", 128, b""),  # no rows
    ("INSERT INTO {t} (n, s) VALUES (?, ?)", b"\x08\0\xfd\0", 128, b"\x01\0\5abc"),  # cut short
    ("INSERT INTO {t} (n, s) VALUES (?, ?)", b"\x08\0\xfd\0", 128, b"\x01\0\3abc\x07\x01"),
    ("INSERT INTO {t} (n, s) VALUES (?, ?)", b"\x08\0\xfd\0", 128 + 2, b"\x01\x01"),
    ("REPLACE INTO {t} (id, n) VALUES (?, ?)", b"\x01\0\x01\0", 128, b"\0\x09\0\x09\0\x09\0\x08"),
    ("UPDATE {t} SET n = ? WHERE id = ?", b"\x01\0\x01\0", 128, b"\0\x63\0\x01\x01\0\x09"),
    ("DELETE FROM {t} WHERE id = ?", b"\x01\0", 128, b"\0\x01\0\x01\0\x05"),
    ("SELECT ? FROM {t}", b"\x08\0", 128, b"\x01"),
    ("SELECT 1", b"", 128, b""),
    ("CALL nosuch(?)", b"\x08\0", 128, b"\x01"),
    ("KILL ?", b"\x01\0", 128, b"\0\x01"),
    ("SET @a = ?", b"\x08\0", 128, b"\x01"),
]


def outcome(client, work):
    try:
        result = work()
    except ServerError as error:
        return str(error)
    return (result.affected, result.insert_id, result.warnings, result.info, result.rows)


def bulk(client, number, types, flags, rows):
    client.command(rawclient.STMT_BULK_EXECUTE, struct.pack("<IH", number, flags)
                   + (types if flags & 128 else b"") + rows)
    return client.read_results(binary=True)[0]


def bulks_seen(port, table):
    seen = []
    with RawClient(port, capabilities=rawclient.MARIADB) as client:
        client.query(f"CREATE OR REPLACE TABLE {table} "
                     "(id INT AUTO_INCREMENT PRIMARY KEY, n INT DEFAULT 7, s VARCHAR(50))")
        for sql, types, flags, rows in BULKS:
            prepared = client.prepare(sql.format(t=table))
            seen.append(outcome(client, lambda: bulk(client, prepared.id, types, flags, rows)))
            seen.append(client.query("SELECT LAST_INSERT_ID()"))
            client.close_statement(prepared)
        seen.append(outcome(client, lambda: bulk(client, 9999, b"\x08\0", 128, b"\x01")))
        client.command(rawclient.STMT_BULK_EXECUTE, b"\1\0\0\0")
        seen.append(outcome(client, client.read_result))
        seen.append(client.query(f"SELECT * FROM {table}"))
    with RawClient(port, capabilities=rawclient.MODERN) as client:
        prepared = client.prepare("DELETE FROM whoami WHERE id = ? AND FALSE")
        seen.append(outcome(client, lambda: bulk(client, prepared.id, b"\x08\0", 128, b"\x01")))
    return seen


def test_bulks(mariadb_cluster, proxy):
    through = bulks_seen(proxy.port, "raw_bulks")
    assert through == bulks_seen(mariadb_cluster.port(0), "raw_bulks")
    assert (2, 2, 0, b"Records: 2  Duplicates: 0  Warnings: 0", None) in through


@pytest.fixture
def proxy(mariadb_cluster, tidemark):
    """Servers that take statements of 64 MiB, and a proxy in front of them."""
    mariadb_cluster.sql(0, "SET GLOBAL max_allowed_packet = 67108864")
    yield tidemark(mariadb_cluster)
    mariadb_cluster.sql(0, "SET GLOBAL max_allowed_packet = DEFAULT")


def lines_of(program, port):
    done = subprocess.run([*program, "127.0.0.1", str(port), "app", "app"], capture_output=True,
                          text=True, timeout=120,
                          env={**os.environ, "NODE_PATH": str(HERE / "node" / "node_modules")})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    return done.stdout.splitlines()


def test_libmariadb(mariadb_cluster, proxy, tmp_path):
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], check=True,
                           capture_output=True, text=True).stdout.split()
    program = tmp_path / "extensions"
    subprocess.run(["gcc", "-Wall", HERE / "drivers" / "extensions.c", "-o", program, *flags],
                   check=True)
    direct = lines_of([program], mariadb_cluster.port(0))
    assert lines_of([program], proxy.port) == direct
    for line in ("bulk: 4 rows, id 1, 0 warnings", "bulk without its types: 4 rows, id 8, 0 warnings",
                 "returning: 18 4 nothing", "big: 20 rows, id 1, 0 warnings",
                 "direct: 1054 42S22 Unknown column 'nosuch' in 'SELECT'", "reports: some",
                 'column u: type 254 name "uuid" format ""'):
        assert line in direct


def test_node(mariadb_cluster, proxy):
    program = ["node", HERE / "drivers" / "extensions.js"]
    direct = lines_of(program, mariadb_cluster.port(0))
    assert lines_of(program, proxy.port) == direct
    assert any(line.startswith('big: [{"affectedRows":15,') for line in direct)
    assert 'in turn 5: [{"e":1,"text":"text 0"}]' in direct


def test_mysql_has_none_of_it(mysql_cluster, tidemark):
    through = tidemark(mysql_cluster)
    seen = []
    for port in (mysql_cluster.port(0), through.port):
        with contextlib.closing(RawClient(port, login=False)) as client:
            assert client.read_greeting().capabilities & rawclient.LONG_PASSWORD
        with RawClient(port) as client:
            client.command(rawclient.STMT_BULK_EXECUTE, b"\1\0\0\0\x80\0")
            seen.append(outcome(client, client.read_result))
    assert seen[0] == seen[1]
