"""The admin port: login, SQL, drivers and GUIs, hostile clients."""

import contextlib
import os
import socket
import subprocess
import threading
import time
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import CLIENT, FIELD_TYPE

from test_drivers import mysql_root
from world import free_ports, plain_program, query, until

HERE = Path(__file__).parent
ADMIN = {"read_user": "reader", "read_password": "s3cret"}


@pytest.fixture
def alone(tidemark):
    """A proxy without servers behind it: the admin port needs none."""
    return tidemark(None, alone_settings())


def alone_settings(**admin):
    return {
        "proxy": {"admin": f"127.0.0.1:{free_ports()}"},
        "server db0": {"address": "127.0.0.1:1", "weight": 3},
        "server db1": {"address": "127.0.0.1:2"},
        "user app": {"password": "s3cret-app"},
        "monitor": {"password": "s3cret-mon"},
        "admin": {**ADMIN, **admin},
    }


def admin_port(proxy):
    return int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])


def admin(proxy, **options):
    return contextlib.closing(pymysql.connect(**{
        "host": "127.0.0.1", "port": admin_port(proxy), "user": "admin", "password": "admin",
        "autocommit": True, "connect_timeout": 20, "read_timeout": 60, **options}))


def reader(proxy, **options):
    return admin(proxy, user="reader", password="s3cret", **options)


def error_of(conn, text):
    with pytest.raises(pymysql.err.MySQLError) as caught:
        query(conn, text)
    return caught.value.args


# --- login -----------------------------------------------------------------------------------


@pytest.mark.parametrize("user, password, right", [
    ("admin", "admin", True), ("reader", "s3cret", True), ("admin", "wrong", False),
    ("admin", "", False), ("reader", "admin", False), ("", "", False), ("nobody", "admin", False),
])
def test_login(alone, user, password, right):
    if right:
        with admin(alone, user=user, password=password) as conn:
            assert query(conn, "SELECT USER()") == ((f"{user}@127.0.0.1",),)
        return
    with pytest.raises(pymysql.err.OperationalError) as caught:
        pymysql.connect(host="127.0.0.1", port=admin_port(alone), user=user or "x",
                        password=password)
    assert caught.value.args[0] == 1045
    assert "Access denied for user" in caught.value.args[1]


def test_no_read_user_unless_it_is_configured(tidemark):
    settings = alone_settings()
    settings["admin"] = {}
    proxy = tidemark(None, settings)
    with pytest.raises(pymysql.err.OperationalError) as caught:
        pymysql.connect(host="127.0.0.1", port=admin_port(proxy), user="", password="")
    assert caught.value.args[0] == 1045


@pytest.mark.parametrize("database, code", [
    ("tidemark", None), ("information_schema", None), ("nosuch", 1049)])
def test_default_schema(alone, database, code):
    if code is None:
        with admin(alone, database=database) as conn:
            assert query(conn, "SELECT count(*) FROM tidemark.servers") == ((2,),)
            conn.select_db("tidemark")
        return
    with pytest.raises(pymysql.err.OperationalError) as caught:
        admin(alone, database=database)
    assert caught.value.args[0] == code


def test_unix_socket(tidemark, tmp_path):
    settings = alone_settings()
    settings["proxy"]["admin"] = f"unix:{tmp_path}/a.sock"
    tidemark(None, settings)
    conn = pymysql.connect(unix_socket=f"{tmp_path}/a.sock", user="admin", password="admin")
    with contextlib.closing(conn):
        assert query(conn, "SELECT 1") == ((1,),)


def test_caching_sha2_client(alone):
    """MySQL's own client has no other plugin: it gets the RSA key and sends the password."""
    done = run_client(alone, "SELECT name, weight FROM servers ORDER BY name;", program="mysql",
                      options=["--ssl-mode=DISABLED", "--get-server-public-key"])
    assert done.returncode == 0, done.stderr
    assert done.stdout == "name\tweight\ndb0\t3\ndb1\t1\n"


def run_client(proxy, text, program="mariadb", options=()):
    command = ["mariadb"]
    if program == "mysql":
        root = Path(mysql_root())
        command = [next(root.glob("lib64/ld-linux-*.so.*")), "--library-path",
                   next(root.glob("usr/lib/*/libc.so.6")).parent, root / "usr/bin/mysql"]
    return subprocess.run(
        [*map(str, command), "--no-defaults", "-h127.0.0.1", f"-P{admin_port(proxy)}", "-uadmin",
         "-padmin", *options], input=text, capture_output=True, text=True, timeout=60)


# --- SQL -------------------------------------------------------------------------------------


def test_types(alone):
    with admin(alone) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT name, weight, lag_ms, weight * 1.5, weight + 1, name || 'x', NULL "
                       "FROM servers ORDER BY name")
        assert [column[1] for column in cursor.description] == [
            FIELD_TYPE.VAR_STRING, FIELD_TYPE.LONGLONG, FIELD_TYPE.LONGLONG, FIELD_TYPE.DOUBLE,
            FIELD_TYPE.LONGLONG, FIELD_TYPE.VAR_STRING, FIELD_TYPE.VAR_STRING]
        assert cursor.fetchall() == (("db0", 3, None, 4.5, 4, "db0x", None),
                                     ("db1", 1, None, 1.5, 2, "db1x", None))
        cursor.execute("SELECT name, weight FROM servers WHERE name = 'nosuch'")
        assert [column[1] for column in cursor.description] == [
            FIELD_TYPE.VAR_STRING, FIELD_TYPE.LONGLONG]
        assert cursor.fetchall() == ()


def test_expressions_that_begin_with_null(alone):
    with admin(alone) as conn:
        assert query(conn, "SELECT nullif(weight, 3) FROM servers ORDER BY name") == ((None,), (1,))
        assert query(conn, "SELECT iif(name = 'db0', 1, 2.5) FROM servers ORDER BY name") == (
            (1.0,), (2.5,))


def test_filters_joins_orders_aggregates(alone):
    with admin(alone) as conn:
        assert query(conn, "SELECT sum(weight), max(name) FROM servers") == ((4, "db1"),)
        assert query(conn, "SELECT a.name, b.name FROM servers a JOIN servers b "
                           "ON b.name = a.name ORDER BY a.weight") == (("db1", "db1"), ("db0", "db0"))
        assert query(conn, "SELECT s.name, st.value FROM servers s JOIN settings st "
                           "ON st.name = 'server ' || s.name || '.weight' ORDER BY 1") == (
            ("db0", "3"), ("db1", "1"))
        assert query(conn, "SELECT count(*) FROM servers a, servers b") == ((4,),)
        assert query(conn, "SELECT name FROM servers WHERE weight = 3.0 AND weight = '3'") == (
            ("db0",),)


def test_texts_with_quotes_and_escapes(alone):
    """The driver has to learn that a backslash is an ordinary character here."""
    with admin(alone) as conn:
        for text in ("it's", "a\\b", "\\'; DROP", '"', "\n\0ü😀"[0:1] + "ü😀", "%_\\"):
            assert query(conn, "SELECT %s", (text,)) == ((text,),)


def test_large_join_is_quick(alone):
    with admin(alone) as conn:
        started = time.monotonic()
        count = query(conn, "SELECT count(*) FROM settings a JOIN settings b USING (name) "
                            "JOIN settings c USING (name)")
        assert count == query(conn, "SELECT count(*) FROM settings")
        assert time.monotonic() - started < 5


MISTAKES = [
    ("SELEC 1", 1064, "did you mean SELECT?"),
    ("DRIAN SERVER db1", 1064, "did you mean DRAIN?"),
    ("SHOW SERVRES", 1064, "did you mean SHOW servers?"),
    ("SELECT * FROM sesions", 1146, "no such table: sesions; did you mean sessions?"),
    ("SELECT * FROM nosuch.servers", 1146, "no such table: nosuch.servers"),
    ("SELECT wieght FROM servers", 1054, "no such column: wieght"),
    ("SELECT nosuch(1)", 1305, "no such function: nosuch"),
    ("SELECT @@nosuch", 1193, "Unknown system variable 'nosuch'"),
    ("SELECT 1 FROM", 1064, "incomplete input"),
    ("SELECT (1", 1064, "incomplete input"),
    ("USE nosuch", 1049, "Unknown database 'nosuch'"),
    ("UPDATE metrics SET name = 'x'", 1142, "may not be modified"),
    ("DELETE FROM events", 1142, "may not be modified"),
    ("CREATE TABLE t (a)", 1142, "only rows can be changed"),
    ("CREATE TEMP TABLE t (a)", 1142, "only rows can be changed"),
    ("CREATE TRIGGER t AFTER INSERT ON servers BEGIN SELECT 1; END", 1064, "did not ask"),
    ("DROP TABLE servers", 1142, "only rows can be changed"),
    ("DELETE FROM sqlite_master", 1142, "may not be modified"),
    ("ATTACH '/tmp/x' AS x", 1142, "only rows can be changed"),
    ("PRAGMA temp_store = FILE", 1142, "only rows can be changed"),
    ("VACUUM INTO '/tmp/x'", 1142, "only rows can be changed"),
    ("SELECT load_extension('x')", 1142, "not authorized to use function"),
    ("SELECT * FROM pragma_table_info('servers')", 1142, "not authorized"),
    ("SELECT 1; SELECT 2", 1064, "several statements"),
    ("SELECT ?", 1064, "a parameter"),
    ("select $$", 1064, "a parameter"),
    ("KILL SESSION 999999", 1094, "999999"),
    ("KILL QUERY 1000000000", 1094, "Unknown thread id"),
    ("DRAIN SERVER nosuch", 1210, "nosuch"),
    (" ; ", 1065, "Query was empty"),
    ("SELECT zeroblob(100000000)", 1153, "too big"),
]


@pytest.mark.parametrize("text, code, message", MISTAKES)
def test_mistakes(alone, text, code, message):
    with admin(alone) as conn:
        got = error_of(conn, text)
        assert got[0] == code and message in got[1], got
        assert query(conn, "SELECT count(*) FROM servers") == ((2,),), "the connection goes on"


def test_several_statements(alone):
    with admin(alone, client_flag=CLIENT.MULTI_STATEMENTS) as conn, conn.cursor() as cursor:
        cursor.execute("SELECT 1; SET NAMES utf8; SHOW TABLES LIKE 'ev%'; SELECT ';' ; ;")
        assert cursor.fetchall() == ((1,),)
        assert cursor.nextset() and cursor.fetchall() == ()
        assert cursor.nextset() and cursor.fetchall() == (("events",),)
        assert cursor.nextset() and cursor.fetchall() == ((";",),)
        assert not cursor.nextset()
        cursor.execute("SELECT 1; SELECT nosuch; SELECT 3")
        with pytest.raises(pymysql.err.MySQLError):
            cursor.nextset()
    with admin(alone) as conn:
        assert error_of(conn, "SELECT 1; SELECT 2")[0] == 1064


def test_transactions_are_accepted(alone):
    with admin(alone, autocommit=False) as conn:
        assert query(conn, "SELECT 1") == ((1,),)
        conn.commit()
        conn.begin()
        assert query(conn, "SELECT 1") == ((1,),)
        conn.rollback()
        conn.rollback()


def test_a_statement_that_computes_too_long_is_ended(alone):
    with admin(alone) as conn:
        started = time.monotonic()
        got = error_of(conn, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                             "SELECT count(*) FROM n")
        assert got[0] == 3024
        assert 4 < time.monotonic() - started < 15
        assert query(conn, "SELECT 1") == ((1,),)


def test_a_statement_that_takes_too_much_memory_is_ended(alone):
    with admin(alone) as conn:
        got = error_of(conn, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                             "SELECT i, randomblob(1000000) AS b FROM n ORDER BY b")
        assert got[0] == 1041
        assert query(conn, "SELECT count(*) FROM servers a, servers b") == ((4,),)


# --- the read-only account ---------------------------------------------------------------------


@pytest.mark.parametrize("text", [
    "UPDATE servers SET weight = 2", "DELETE FROM servers", "INSERT INTO users (name) VALUES ('x')",
    "UPDATE settings SET value = 1", "CREATE TEMP TABLE t (a)", "ATTACH ':memory:' AS x",
    "PRAGMA user_version = 1", "PAUSE", "RESUME", "DRAIN SERVER db0", "ENABLE SERVER db0",
    "KILL SESSION 1", "KILL 1", "SAVE", "RELOAD", "RESET STATEMENTS", "SHUTDOWN", "SHUTDOWN NOW",
    "/* a comment */ pause",
])
def test_reader_may_not(alone, text):
    with reader(alone) as conn:
        got = error_of(conn, text)
        assert got[0] in (1142, 1227), got
        assert "may only look" in got[1] or "may not be modified" in got[1]
    with admin(alone) as conn:
        assert query(conn, "SELECT name, weight FROM servers ORDER BY name") == (
            ("db0", 3), ("db1", 1))


def test_reader_may(alone):
    with reader(alone) as conn:
        for text in ("SHOW SERVERS", "SHOW DRIFT", "SHOW TABLES", "SHOW PROCESSLIST", "HELP",
                     "SELECT * FROM users", "EXPLAIN ROUTE SELECT 1", "SET NAMES utf8mb4",
                     "WITH x AS (SELECT 1 AS a) SELECT a FROM x", "SHOW GRANTS"):
            query(conn, text)


def test_secrets_are_not_shown(alone):
    with admin(alone) as conn:
        for table in ("settings", "users", "servers", "events", "information_schema.processlist"):
            assert "s3cret" not in str(query(conn, f"SELECT * FROM {table}"))


# --- clients -----------------------------------------------------------------------------------


def test_mariadb_client(alone):
    done = run_client(alone, "SELECT name, weight FROM servers; SHOW TABLES LIKE 'us%';\nstatus\n")
    assert done.returncode == 0, done.stderr
    assert "db0\t3" in done.stdout and "users" in done.stdout
    assert "8.0.30-tidemark Tidemark admin port" in done.stdout


def test_mariadb_client_completes_names(alone):
    """With -A missing the client asks for the columns of every table (FIELD_LIST)."""
    done = subprocess.run(
        ["mariadb", "-h127.0.0.1", f"-P{admin_port(alone)}", "-uadmin", "-padmin",
         "--auto-rehash", "tidemark"],
        input="rehash\nSELECT 'still here';\n", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "still here" in done.stdout, done.stderr


def test_node_mysql2(alone):
    done = subprocess.run(
        ["node", "admin.js", str(admin_port(alone))], cwd=HERE / "drivers", capture_output=True,
        text=True, timeout=60, env={**os.environ, "NODE_PATH": str(HERE / "node/node_modules")})
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        'query: [{"name":"db0","weight":3,"lag_ms":null,"real":1.5}]',
        'execute: [{"name":"db0","weight":3,"lag_ms":null,"real_number":1.5}]',
        'integer: [{"n":42,"t":"integer"}]',
        'others: [{"s":"text","n":null,"r":2.25}]',
        'date: [{"d":"2026-11-21 13:34:25"}]',
        'limit: 2',
        'none: []',
        'show: true',
        'order: {"command":"SHOW connections, SELECT … FROM connections",'
        '"what":"the connections to the servers, and which session has each"}',
        'again: true',
        'several: [[{"a":1}],[{"Variable_name":"wait_timeout","Value":"28800"}],[{"b":2}]]',
        'error: [1054,"42S22","no such column: nosuch"]',
    ]


# What GUIs and data sources send, word for word.
GRAFANA = [
    "SELECT DISTINCT TABLE_SCHEMA from information_schema.TABLES where TABLE_TYPE != 'SYSTEM VIEW' "
    "ORDER BY TABLE_SCHEMA",
    "SELECT table_name FROM information_schema.tables WHERE table_schema = 'tidemark' "
    "ORDER BY table_name",
    "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = database() "
    "AND table_name = 'events' AND data_type IN ('text','tinytext','mediumtext','longtext',"
    "'varchar','char') ORDER BY column_name",
    "SELECT UNIX_TIMESTAMP(at) DIV 60 * 60 AS \"time\", count(*) AS value FROM events "
    "WHERE at BETWEEN FROM_UNIXTIME(1494410783) AND FROM_UNIXTIME(4094497183) "
    "GROUP BY 1 ORDER BY 1",
    "SELECT UNIX_TIMESTAMP(at) as time_sec, subject, what FROM tidemark.events",
]
JDBC = [
    "SELECT @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment",
    "set autocommit=1, session_track_schema=1, sql_mode = concat(@@sql_mode,',STRICT_TRANS_TABLES')",
    "SELECT  @@session.auto_increment_increment AS auto_increment_increment, "
    "@@character_set_client AS character_set_client, "
    "@@character_set_connection AS character_set_connection, "
    "@@character_set_results AS character_set_results, "
    "@@character_set_server AS character_set_server, @@collation_server AS collation_server, "
    "@@collation_connection AS collation_connection, @@init_connect AS init_connect, "
    "@@interactive_timeout AS interactive_timeout, @@license AS license, "
    "@@lower_case_table_names AS lower_case_table_names, "
    "@@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, "
    "@@performance_schema AS performance_schema, @@sql_mode AS sql_mode, "
    "@@system_time_zone AS system_time_zone, @@time_zone AS time_zone, "
    "@@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout",
    "SELECT SCHEMA_NAME TABLE_CAT FROM INFORMATION_SCHEMA.SCHEMATA ORDER BY 1",
    "SELECT ' ' TYPE_CAT, NULL TYPE_SCHEM, ' ' TYPE_NAME, ' ' CLASS_NAME, 0 DATA_TYPE, ' ' REMARKS, "
    "0 BASE_TYPE FROM DUAL WHERE 1=0",
]
DBEAVER = [
    "/* mysql-connector-j-8.0 */SELECT DATABASE()", "SHOW ENGINES", "SHOW CHARSET", "SHOW COLLATION",
    "SELECT @@GLOBAL.character_set_server,@@GLOBAL.collation_server", "SHOW PLUGINS",
    "SHOW VARIABLES LIKE 'lower_case_table_names'", "show databases",
    "SELECT * FROM information_schema.TABLES t WHERE t.TABLE_SCHEMA = 'information_schema' "
    "AND t.TABLE_NAME = 'CHECK_CONSTRAINTS'",
    "SELECT WORD FROM INFORMATION_SCHEMA.KEYWORDS WHERE RESERVED=1 ORDER BY WORD",
    "SHOW FULL TABLES FROM `tidemark`", "SHOW TABLE STATUS FROM `tidemark`",
    "SELECT * FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA='tidemark' "
    "AND c.TABLE_NAME='servers' ORDER BY c.ORDINAL_POSITION",
    "SHOW CREATE TABLE `tidemark`.`servers`", "SHOW FULL PROCESSLIST", "SHOW GLOBAL STATUS",
    "SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='tidemark' ORDER BY ROUTINE_NAME",
    "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='tidemark'",
    "SHOW FULL COLUMNS FROM `servers` FROM `tidemark`", "SHOW INDEX FROM `servers` FROM `tidemark`",
    "/*!40101 SET NAMES utf8mb4 */", "SET SESSION TRANSACTION READ ONLY",
]


@pytest.mark.parametrize("text", GRAFANA + JDBC + DBEAVER)
def test_what_tools_send(alone, text):
    with reader(alone) as conn:
        query(conn, text)


def test_what_tools_read(alone):
    with reader(alone) as conn:
        assert query(conn, GRAFANA[0]) == (("tidemark",),)
        assert ("servers",) in query(conn, GRAFANA[1])
        assert ("what", "text") in query(conn, GRAFANA[2])
        assert query(conn, GRAFANA[3])[0][0] % 60 == 0
        assert query(conn, "SHOW FULL TABLES FROM tidemark LIKE 'events'") == (
            ("events", "BASE TABLE"),)
        assert query(conn, "SHOW COLUMNS FROM events LIKE 'at'") == (
            ("at", "text", "YES", "", None, ""),)
        with conn.cursor() as cursor:
            cursor.execute("SELECT @@session.auto_increment_increment, @@version_comment")
            assert [column[0] for column in cursor.description] == [
                "@@session.auto_increment_increment", "@@version_comment"]
            assert cursor.fetchall() == ((1, "Tidemark admin port"),)


def test_functions_of_mysql(alone):
    """Those that JDBC's metadata queries use, and Grafana's macros."""
    with reader(alone) as conn:
        assert query(conn, "SELECT IF(1, 'a', 'b'), IF(NULL, 1, 2), UCASE('aü'), LCASE('AB'), "
                           "LOCATE('(', 'text(5)'), LEAST(3, 2), GREATEST(3, 2, NULL), "
                           "CONVERT(CASE 1 WHEN 1 THEN '7' END, UNSIGNED INTEGER), "
                           "CONCAT('a', 1, 'b'), CONCAT('a', NULL), "
                           "'a_b' LIKE 'a\\_b', 'axb' LIKE 'a\\_b', 7 DIV 2, "
                           "UNIX_TIMESTAMP('2026-11-21 13:34:25'), FROM_UNIXTIME(1795268065)") == (
            ("a", 2, "Aü", "ab", 5, 2, None, 7, "a1b", None, 1, 0, 3, 1795268065,
             "2026-11-21 13:34:25"),)


# --- bad input ---------------------------------------------------------------------------------


def test_garbage(alone):
    port = admin_port(alone)
    for garbage in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 100000, b"\x00" * 64,
                    os.urandom(4096), b"\x05\x00\x00\x01abcde", b"\x20\x00\x00\x01" + b"\xff" * 32):
        with contextlib.closing(socket.create_connection(("127.0.0.1", port), 10)) as sock:
            sock.settimeout(10)
            with contextlib.suppress(OSError):
                sock.sendall(garbage)
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65536):
                    pass
    with admin(alone) as conn:
        assert query(conn, "SELECT 1") == ((1,),)


def test_garbage_after_login(alone):
    for _ in range(20):
        with admin(alone) as conn:
            command = os.urandom(1) + os.urandom(40)
            if command[0] in (1,):
                continue
            conn._sock.sendall(len(command).to_bytes(3, "little") + b"\0" + command)
            conn._sock.settimeout(0.2)
            with contextlib.suppress(OSError):
                conn._sock.recv(65536)
    with admin(alone) as conn:
        assert query(conn, "SELECT 1") == ((1,),)


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 200, (16 << 20) - 2, 40 << 20])
def test_huge_statements(alone, size):
    """Too long is an error; the connection goes on. Just not too long is an ordinary statement."""
    with admin(alone, max_allowed_packet=1 << 30) as conn:
        text = "SELECT 1 /*" + "x" * (size - 14) + "*/"
        if size <= 1 << 20:
            assert query(conn, text) == ((1,),)
        else:
            assert error_of(conn, text)[0] == 1153
        assert query(conn, "SELECT 2") == ((2,),)
    assert alone.resident_kib() < 600000


def test_more_clients_than_it_takes(alone):
    with contextlib.ExitStack() as stack:
        refused = 0
        for _ in range(205):
            try:
                stack.enter_context(reader(alone))
            except pymysql.err.OperationalError as error:
                assert error.args[0] == 1040
                refused += 1
        assert refused == 15, "190 come in"
        with admin(alone) as conn:
            assert query(conn, "SELECT count(*) FROM servers") == ((2,),)
    with contextlib.ExitStack() as stack:
        until(lambda: can_read(alone), what="places are free again")


def can_read(proxy):
    with contextlib.suppress(pymysql.err.OperationalError), reader(proxy) as conn:
        return query(conn, "SELECT 1") == ((1,),)
    return False


def test_clients_that_do_not_log_in(alone):
    """They keep nobody out, and are ended after a few seconds."""
    port = admin_port(alone)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(contextlib.closing(
            socket.create_connection(("127.0.0.1", port), 10))) for _ in range(250)]
        with admin(alone) as conn:
            assert query(conn, "SELECT 1") == ((1,),)
        last = silent[-1]
        last.settimeout(20)
        started = time.monotonic()
        while last.recv(65536):
            pass
        assert time.monotonic() - started < 10


def raw_query(sock_options, proxy, text):
    conn = pymysql.connect(host="127.0.0.1", port=admin_port(proxy), user="reader",
                           password="s3cret", read_timeout=60)
    conn._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    body = b"\x03" + text.encode()
    conn._sock.sendall(len(body).to_bytes(3, "little") + b"\0" + body)
    return conn


LARGE = ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500000) "
         "SELECT i, printf('%1000d', i) AS t FROM n")


def test_a_client_that_does_not_read(tidemark):
    """Its statement rests in little memory, others are served, and after a while it is ended."""
    alone = tidemark(None, alone_settings(), program=plain_program())
    before = alone.resident_kib()
    stalled = raw_query({}, alone, LARGE)
    with contextlib.closing(stalled):
        time.sleep(2)
        with admin(alone) as conn:
            assert query(conn, "SELECT 1") == ((1,),)
        assert alone.resident_kib() - before < 20000
        assert alone.cpu_seconds() < 20
        until(lambda: "the client does not read" in alone.log_text(), timeout=50,
              what="the end of a client that does not read")


def test_a_slow_reader_gets_everything(alone):
    with admin(alone, cursorclass=pymysql.cursors.SSCursor) as conn, conn.cursor() as cursor:
        cursor.execute(LARGE.replace("500000", "60000"))
        seen = 0
        for number, text in cursor:
            seen += 1
            assert number == seen and len(text) == 1000
            if seen % 20000 == 0:
                time.sleep(0.5)
        assert seen == 60000


def test_others_are_served_during_a_long_answer(alone):
    done = threading.Event()

    def read_much():
        with reader(alone, cursorclass=pymysql.cursors.SSCursor) as conn, conn.cursor() as cursor:
            cursor.execute(LARGE.replace("500000", "200000"))
            for _ in cursor:
                pass
        done.set()

    thread = threading.Thread(target=read_much)
    thread.start()
    times = []
    while not done.is_set():
        started = time.monotonic()
        with admin(alone) as conn:
            query(conn, "SELECT 1")
        times.append(time.monotonic() - started)
    thread.join()
    assert len(times) > 3 and max(times) < 2, times


# --- beside the data port ----------------------------------------------------------------------


def with_admin(**proxy):
    return {"proxy": {"admin": f"127.0.0.1:{free_ports()}", **proxy}, "admin": ADMIN}


def test_answers_while_the_data_port_is_full(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, with_admin(max_clients=3), split=True)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(contextlib.closing(proxy.connect()))
        with pytest.raises(pymysql.err.OperationalError) as caught:
            proxy.connect()
        assert caught.value.args[0] == 1040
        with admin(proxy) as conn:
            assert query(conn, "SELECT count(*) FROM sessions WHERE user = 'app'") == ((3,),)
            assert len(query(conn, "SHOW PROCESSLIST")) == 3


def test_answers_while_paused(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, with_admin(), split=True)
    with admin(proxy) as conn, contextlib.closing(proxy.connect()) as client:
        query(conn, "PAUSE")
        answers = []
        thread = threading.Thread(target=lambda: answers.append(query(client, "SELECT 7")))
        thread.start()
        time.sleep(0.5)
        assert answers == []
        assert query(conn, "SELECT count(*) FROM servers") == ((3,),)
        query(conn, "RESUME")
        thread.join(10)
        assert answers == [((7,),)]
        assert [row[0] for row in query(
            conn, "SELECT what FROM events WHERE subject = 'admin' ORDER BY number")] == [
            "paused", "resumed"]


def test_answers_while_draining(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, with_admin(drain_timeout_ms=10000), split=True)
    with admin(proxy) as conn:
        with contextlib.closing(proxy.connect()) as client:
            query(client, "BEGIN")
            query(client, "SELECT 1")
            proxy.send_signal(15)
            until(lambda: "draining" in proxy.log_text())
            with admin(proxy) as another:
                assert query(another, "SELECT count(*) FROM sessions") == ((1,),)
            query(client, "COMMIT")
        with contextlib.suppress(pymysql.err.MySQLError):
            until(lambda: query(conn, "SELECT count(*) FROM sessions") == ((0,),))
    assert proxy.process.wait(10) == 0


def test_ends_while_a_statement_computes(alone):
    """SIGTERM does not wait for an admin's statement."""
    failed = []

    def compute():
        with contextlib.suppress(pymysql.err.MySQLError, OSError), reader(alone) as conn:
            query(conn, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                        "SELECT count(*) FROM n")
            failed.append("it ended by itself")

    thread = threading.Thread(target=compute)
    thread.start()
    until(lambda: "user=reader" in alone.log_text())
    time.sleep(0.3)
    started = time.monotonic()
    alone.send_signal(15)
    assert alone.process.wait(10) == 0
    thread.join()
    assert time.monotonic() - started < 3 and failed == []
