"""LOAD DATA LOCAL INFILE through the proxy: the same as directly, in all shapes."""

import contextlib
import re
import subprocess

import pymysql
import pytest

from programs import address_words, program
from world import query

MIB = 1 << 20


@pytest.fixture(scope="module")
def table(cluster):
    cluster.sql(0, "SET GLOBAL local_infile = 1")
    return cluster.create_table("a INT PRIMARY KEY, b VARCHAR(1000) NOT NULL")


@pytest.fixture
def files(tmp_path):
    """name -> path"""
    made = {
        "small": b"1\tone\n2\ttwo\n",
        "empty": b"",
        "duplicate": b"1\tone\n1\tagain\n2\ttwo\n",
        "wrong": b"1\tone\nx\ttwo\n3\n",
        "long line": b"1\t" + b"x" * 3 * MIB + b"\n2\ttwo\n",
        "big": b"".join(b"%d\t%s\n" % (i, b"y" * 900) for i in range(20000)),
    }
    for name, content in made.items():
        (tmp_path / name).write_bytes(content)
    paths = {name: str(tmp_path / name) for name in made}
    paths["missing"] = str(tmp_path / "missing")
    return paths


def load(conn, text):
    """What a driver sees of it: affected rows, or the error's code."""
    try:
        with conn.cursor() as cursor:
            affected = cursor.execute(text)
            return affected, query(conn, "SHOW WARNINGS")[:3]
    except pymysql.err.MySQLError as error:
        return type(error).__name__, error.args[0]


NAMES = ["small", "empty", "duplicate", "wrong", "long line", "big", "missing"]


@pytest.mark.parametrize("mode", ["", "IGNORE", "REPLACE"])
@pytest.mark.parametrize("name", NAMES)
def test_pymysql(cluster, proxy, table, files, name, mode):
    text = f"LOAD DATA LOCAL INFILE '{files[name]}' {mode} INTO TABLE {table}"
    seen = []
    for connect in (lambda **o: cluster.connect(0, **o), proxy.connect):
        with contextlib.closing(connect(local_infile=True)) as conn:
            query(conn, f"DELETE FROM {table}")
            outcome = load(conn, text)
            rows = None
            with contextlib.suppress(pymysql.err.MySQLError):  # some drivers hang up on their own
                rows = query(conn, f"SELECT COUNT(*), SUM(a), SUM(LENGTH(b)) FROM {table}")
            seen.append((outcome, rows))
    assert seen[1] == seen[0]


def test_a_driver_that_does_not_offer_it(cluster, proxy, table, files):
    seen = []
    for connect in (lambda **o: cluster.connect(0, **o), proxy.connect):
        with contextlib.closing(connect()) as conn:
            outcome = load(conn, f"LOAD DATA LOCAL INFILE '{files['small']}' INTO TABLE {table}")
            seen.append((outcome, query(conn, "SELECT 1")))
    assert seen[1] == seen[0]


def test_a_server_that_does_not_allow_it(cluster, proxy, table, files):
    seen = []
    cluster.sql(0, "SET GLOBAL local_infile = 0")
    try:
        for connect in (lambda **o: cluster.connect(0, **o), proxy.connect):
            with contextlib.closing(connect(local_infile=True)) as conn:
                seen.append((load(conn, f"LOAD DATA LOCAL INFILE '{files['small']}' "
                                        f"INTO TABLE {table}"), query(conn, "SELECT 1")))
    finally:
        cluster.sql(0, "SET GLOBAL local_infile = 1")
    assert seen[1] == seen[0]


@pytest.mark.parametrize("client", ["mariadb", "mysql"])
@pytest.mark.parametrize("name", [*NAMES, "several", "transaction", "refused"])
def test_command_line(cluster, proxy, table, files, client, name):
    words = program(client, "client")
    if words is None:
        pytest.skip("MySQL's client is not unpacked here")
    text = f"LOAD DATA LOCAL INFILE '{files.get(name, files['small'])}' INTO TABLE {table}; "
    if name == "several":
        again = text.replace("small", "duplicate")
        text = f"DELIMITER //\nSELECT 1; {text}{again}SELECT 2//\n"
    elif name == "transaction":
        text = "BEGIN; " + text + "SELECT COUNT(*) FROM " + table + "; ROLLBACK; "
    seen = []
    for port in (cluster.port(0), proxy.port):
        cluster.sql(0, f"DELETE FROM test.{table}")
        done = subprocess.run(
            [*words, *address_words(port), "-vvv", "--force",
             f"--local-infile={int(name != 'refused')}", "test"],
            input=f"{text}\nSELECT COUNT(*), SUM(a) FROM {table};\nSELECT CONNECTION_ID() > 0;\n",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        seen.append((done.returncode, re.sub(r" \([\d.]+ sec\)", "", done.stdout)))
    assert seen[1] == seen[0]
