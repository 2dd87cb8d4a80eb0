"""Servers as oracle for the classifier: what a read-only replica refuses was not taken for a read.

The statements are the rows of the unit tests (tests/unit/router/rows_*.c), so that each expectation
there is also held against both servers, and some more that only a server can answer.
"""

import contextlib
import re
import subprocess

import pymysql
import pytest

from world import TOP, tidemark_program

REFUSED = (1290, 1792, 1836)  # read-only server, read-only transaction, read-only mode

# What would harm the cluster, or write files, if a replica accepted it.
HARMFUL = re.compile(
    r"""\s*(SHUTDOWN|RESTART|KILL|STOP|RESET|CHANGE|PURGE|CLONE|INSTALL|UNINSTALL|FLUSH|BACKUP|LOOP
         |START\s+(?!TRANSACTION)|SET\s+(GLOBAL|PERSIST|@@(global|persist|persist_only)\.|PASSWORD)
         |ALTER\s+(USER|INSTANCE)|.*INTO\s+(OUTFILE|DUMPFILE)|.*(SLEEP|BENCHMARK|_WAIT)\s*\()""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL)

# Of these the unit tests cannot know that the server has a program behind the name.
BEHIND_NAMES = [
    "SELECT writes_a_row()",
    "SELECT test.writes_a_row()",
    "SELECT `writes_a_row`()",
    "SELECT writes_a_row ()",
    "SELECT 1 FROM t WHERE writes_a_row() > 0",
    "SELECT * FROM (SELECT writes_a_row() AS a) AS d",
    "WITH c AS (SELECT writes_a_row() AS a) SELECT a FROM c",
    "SELECT IF(1, writes_a_row(), 0)",
    "SELECT a FROM t ORDER BY writes_a_row()",
    "SHOW TABLES WHERE writes_a_row() > 0",
    "SET @x = writes_a_row()",
    "DO writes_a_row()",
    "CALL calls_writes_a_row()",
    "INSERT INTO t (a) SELECT b FROM u",
    "/*! INSERT INTO t (a) VALUES (1) */",
    "/*!40000 DELETE FROM t */",
    "SELECT 1; DELETE FROM t",
    "(SELECT a FROM t FOR UPDATE)",
    "EXPLAIN ANALYZE SELECT writes_a_row()",
]

SCHEMA = [
    "CREATE TABLE t (a INT PRIMARY KEY, b INT, c INT, id INT, d JSON)",
    "CREATE TABLE u LIKE t",
    "INSERT INTO t (a, b) VALUES (1, 1), (2, 2)",
    "INSERT INTO u (a, b) VALUES (1, 1)",
    "CREATE FUNCTION writes_a_row() RETURNS INT DETERMINISTIC MODIFIES SQL DATA "
    "BEGIN INSERT INTO u (a) VALUES (CAST(RAND() * 1000000 AS SIGNED)); RETURN 1; END",
    "CREATE PROCEDURE calls_writes_a_row() SELECT writes_a_row()",
    "CREATE VIEW v AS SELECT a FROM t",
]


def c_strings(text):
    """The rows of a C table: lists of three strings, adjacent literals joined."""
    row, part = None, ""
    for token in re.findall(r'"(?:[^"\\]|\\.)*"|[{},]', text):
        if token == "{":
            row, part = [], ""
        elif token == "}" and row is not None:
            if len(row) == 2:
                yield [*row, part]
            row = None
        elif token == "," and row is not None:
            row, part = [*row, part], ""
        elif row is not None:
            part += token[1:-1]


def statements(flavor):
    """Statements for this server from the unit tests' rows, without those in a special mode."""
    skip = "m" if flavor == "mariadb" else "M"
    found = list(BEHIND_NAMES)
    for path in sorted((TOP / "tests/unit/router").glob("rows_*.c")):
        for mode, sql, _ in c_strings(path.read_text(encoding="ascii")):
            sql = re.sub(r'\\(["\\])', r"\1", sql)
            plain = "\\" not in sql and all(letter in "mM" for letter in mode)
            if plain and skip not in mode and sql.strip() and not HARMFUL.match(sql):
                found.append(sql)
    return found


def classes(flavor, texts):
    """What `tidemark explain` says of each."""
    done = subprocess.run([tidemark_program(), "explain", "--flavor", flavor, "-"],
                          input="\n".join(texts) + "\n", capture_output=True, text=True,
                          timeout=60, check=True)
    found = re.findall(r"^class: (\w+)$", done.stdout, re.MULTILINE)
    assert len(found) == len(texts)
    return found


def outcome(cluster, schema, sql, before=()):
    """The error number of a statement on a replica, on a connection of its own; 0: accepted."""
    with contextlib.closing(cluster.connect(
            1, database=schema, read_timeout=10,
            client_flag=pymysql.constants.CLIENT.MULTI_STATEMENTS)) as conn:
        try:
            with conn.cursor() as cursor:
                for text in (*before, sql):
                    cursor.execute(text)
                    while cursor.nextset():
                        pass
        except (pymysql.Error, ValueError) as error:  # PyMySQL on odd results of SHOW
            return error.args[0] if isinstance(error.args[0], int) else -1
    return 0


@pytest.fixture(scope="module")
def schema(cluster):
    name = "oracle"
    cluster.sql(0, f"DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}")
    with contextlib.closing(cluster.root(0)) as conn:
        conn.select_db(name)
        with conn.cursor() as cursor:
            for text in SCHEMA:
                cursor.execute(text)
    cluster.wait_caught_up()
    yield name
    cluster.sql(0, f"DROP DATABASE {name}")


@pytest.mark.parametrize("before", [(), ("START TRANSACTION READ ONLY",)],
                         ids=["replica", "read-only-transaction"])
def test_what_a_replica_refuses_was_no_read(cluster, schema, before):
    texts = [text.replace("test.", f"{schema}.") for text in statements(cluster.flavor)]
    refused, wrong, accepted_reads = 0, [], 0
    for sql, found in zip(texts, classes(cluster.flavor, texts)):
        number = outcome(cluster, schema, sql, before)
        if number in REFUSED:
            refused += 1
            if found == "read":
                wrong.append((number, sql))
        elif number == 0 and found == "read":
            accepted_reads += 1
    assert wrong == []
    # The oracle did speak, and not everything is called a write for safety.
    assert refused >= 80
    assert accepted_reads >= 100
