"""A session's state follows it from connection to connection.

Each script is run twice: on a direct connection, and through Tidemark with so few server
connections that between any two statements somebody else, with another schema, character set, time
zone and sql_mode, has used the same connection. Every answer must be the same: rows, counts,
warnings, errors, status bits, and what the trackers tell.
"""

import contextlib
import re
import time

import pymysql
import pytest

import rawclient
from rawclient import RawClient, ServerError
from world import query, served_by, until

SCHEMA, SYSTEM_VARIABLES = 1, 0
STATUS_SHOWN = (rawclient.IN_TRANSACTION | rawclient.AUTOCOMMIT | rawclient.MORE_RESULTS
                | 0x100 | 0x200 | 0x2000)

# name: (may another session use the connection between any two statements?, statements)
# {t} is a table (id INT AUTO_INCREMENT PRIMARY KEY, n INT) with the rows 1 to 3 (n = 10, 20, 30).
# A step that begins with / is a command: /reset, /init_db x, /change_user u.
SCRIPTS = {
    "variables": (True, [
        "SET SESSION sort_buffer_size = 300000, sql_select_limit = 2",
        "SELECT @@sort_buffer_size, @@sql_select_limit", "SELECT id FROM {t}",
        "SET SESSION sql_select_limit = DEFAULT", "SELECT id FROM {t}",
        "SET group_concat_max_len = 5", "SELECT GROUP_CONCAT(n ORDER BY id) FROM {t}",
        "SHOW WARNINGS", "SET group_concat_max_len = 1000",
        "SELECT GROUP_CONCAT(n ORDER BY id) FROM {t}",
        "SET no_such_variable = 1", "SELECT @@group_concat_max_len",
        "SET SESSION group_concat_max_len = 6, no_such_variable = 1",
        "SELECT @@group_concat_max_len",
    ]),
    "names": (True, [
        "SET NAMES latin1", "SELECT CHARSET('a'), COLLATION('a'), HEX('\xe9')",
        "SELECT @@character_set_client, @@character_set_connection, @@character_set_results,"
        " @@collation_connection",
        "SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SELECT COLLATION('a'), 'a' = 'A'",
        "SELECT @@collation_connection",
        "SET character_set_results = NULL", "SELECT @@character_set_results",
        "SELECT COLLATION('a')",
        "SET NAMES nosuch", "SELECT @@character_set_client",
        "SET collation_connection = utf8mb4_general_ci", "SELECT COLLATION('a')",
        "SET NAMES DEFAULT", "SELECT @@character_set_client",
    ]),
    "character set": (False, [
        "SET CHARACTER SET latin1", "SELECT @@character_set_client, @@collation_connection",
        "SELECT CHARSET('a')", "SET NAMES utf8mb4", "SELECT CHARSET('a')",
    ]),
    "schema": (True, [
        "SELECT DATABASE()", "USE information_schema", "SELECT DATABASE()",
        "SELECT COUNT(*) > 0 FROM tables", "USE nosuch", "SELECT DATABASE()",
        "/init_db test", "SELECT DATABASE()", "SELECT COUNT(*) FROM {t}",
        "/init_db nosuch", "SELECT DATABASE()", "USE `test`", "SELECT COUNT(*) FROM {t}",
    ]),
    "own schema dropped": (True, [
        "CREATE DATABASE s_{t}", "USE s_{t}", "SELECT DATABASE()", "CREATE TABLE x (id INT)",
        "INSERT INTO x VALUES (1)", "SELECT * FROM x", "DROP DATABASE s_{t}", "SELECT DATABASE()",
        "SELECT * FROM x", "USE test", "SELECT COUNT(*) FROM {t}",
    ]),
    "sql_mode": (True, [
        "SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'", "SELECT 'a' || 'b', COUNT(*) FROM \"{t}\"",
        "SET sql_mode = 'NO_BACKSLASH_ESCAPES'", r"SELECT 'a\', LENGTH('\\')",
        "SET sql_mode = ''", r"SELECT LENGTH('\\'), 'a' || 'b'",
        "INSERT INTO {t} (n) VALUES ('x')", "SHOW WARNINGS",
        "SET sql_mode = 'STRICT_ALL_TABLES'", "INSERT INTO {t} (n) VALUES ('x')",
        "SELECT COUNT(*) FROM {t}", "SET sql_mode = 'NOSUCH'", "SELECT @@sql_mode",
        "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'", "INSERT INTO {t} VALUES (0, 5)",
        "SELECT id FROM {t} WHERE n = 5", "SET sql_mode = DEFAULT", "SELECT @@sql_mode",
    ]),
    "time zone": (True, [
        "SET time_zone = '+05:00'", "SELECT FROM_UNIXTIME(0), @@time_zone",
        "SET time_zone = '-03:30'", "SELECT FROM_UNIXTIME(0)",
        "SET time_zone = 'nosuch'", "SELECT @@time_zone",
        "SET time_zone = SYSTEM", "SELECT @@time_zone",
    ]),
    "locale": (True, [
        "SET lc_time_names = 'de_DE'", "SELECT DATE_FORMAT('2026-05-01', '%W %M')",
        "SET lc_time_names = 'en_US'", "SELECT DATE_FORMAT('2026-05-01', '%W %M')",
    ]),
    "isolation": (True, [
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SELECT n FROM {t} WHERE id = 1",
        "SET SESSION TRANSACTION READ ONLY", "INSERT INTO {t} (n) VALUES (1)",
        "SET SESSION TRANSACTION READ WRITE", "INSERT INTO {t} (n) VALUES (40)",
        "SELECT n FROM {t} WHERE id = 4",
    ]),
    "next transaction": (False, [
        "SET TRANSACTION READ ONLY", "BEGIN", "INSERT INTO {t} (n) VALUES (1)", "COMMIT",
        "INSERT INTO {t} (n) VALUES (50)", "SELECT COUNT(*) FROM {t}",
    ]),
    "one-shot values": (False, [
        "SET timestamp = 1000000000", "SELECT UNIX_TIMESTAMP()", "SELECT UNIX_TIMESTAMP()",
        "SET timestamp = DEFAULT", "SELECT UNIX_TIMESTAMP() > 1700000000",
        "SET insert_id = 77", "INSERT INTO {t} (n) VALUES (1)", "SELECT MAX(id) FROM {t}",
    ]),
    "autocommit": (False, [
        "SET autocommit = 0", "INSERT INTO {t} (n) VALUES (60)", "SELECT COUNT(*) FROM {t}",
        "ROLLBACK", "SELECT COUNT(*) FROM {t}", "COMMIT", "SELECT @@autocommit",
        "INSERT INTO {t} (n) VALUES (61)", "COMMIT", "SET autocommit = 1",
        "SELECT COUNT(*) FROM {t}", "SELECT @@autocommit",
    ]),
    "transactions": (False, [
        "BEGIN", "INSERT INTO {t} (n) VALUES (70)", "SELECT COUNT(*) FROM {t}", "ROLLBACK",
        "SELECT COUNT(*) FROM {t}", "START TRANSACTION", "UPDATE {t} SET n = 71 WHERE id = 1",
        "SELECT n FROM {t} WHERE id = 1", "SELECT nosuch", "SELECT n FROM {t} WHERE id = 1",
        "COMMIT", "SELECT n FROM {t} WHERE id = 1", "COMMIT AND CHAIN",
        "UPDATE {t} SET n = 72 WHERE id = 1", "ROLLBACK AND NO CHAIN",
        "SELECT n FROM {t} WHERE id = 1",
        "BEGIN", "UPDATE {t} SET n = 73 WHERE id = 1", "CREATE TABLE c_{t} (id INT)", "ROLLBACK",
        "SELECT n FROM {t} WHERE id = 1", "DROP TABLE c_{t}",
    ]),
    "savepoints": (False, [
        "BEGIN", "UPDATE {t} SET n = 80 WHERE id = 1", "SAVEPOINT a",
        "UPDATE {t} SET n = 81 WHERE id = 1", "SAVEPOINT b", "UPDATE {t} SET n = 82 WHERE id = 1",
        "ROLLBACK TO b", "SELECT n FROM {t} WHERE id = 1", "ROLLBACK TO SAVEPOINT a",
        "SELECT n FROM {t} WHERE id = 1", "ROLLBACK TO b", "RELEASE SAVEPOINT a", "COMMIT",
        "SELECT n FROM {t} WHERE id = 1",
    ]),
    "user variables": (False, [
        "SET @a = 5, @b := 'x'", "SELECT @a, @b", "SELECT n INTO @n FROM {t} WHERE id = 2",
        "SELECT @n", "INSERT INTO {t} (n) VALUES (@n)", "SELECT n FROM {t} WHERE id = 4",
        "SELECT @r := @r + 1 FROM {t}, (SELECT @r := 0) i", "SELECT @r",
    ]),
    "temporary tables": (False, [
        "CREATE TEMPORARY TABLE tmp (id INT)", "INSERT INTO tmp VALUES (1), (2)",
        "SELECT COUNT(*) FROM tmp", "CREATE TEMPORARY TABLE tmp2 SELECT * FROM {t}",
        "SELECT COUNT(*) FROM tmp2", "CREATE TEMPORARY TABLE {t} (x INT)", "SELECT * FROM {t}",
        "DROP TEMPORARY TABLE {t}", "SELECT COUNT(*) FROM {t}", "DROP TABLE tmp, tmp2",
        "SELECT * FROM tmp",
    ]),
    "locks by name": (False, [
        "SELECT GET_LOCK('l_{t}', 0)", "SELECT IS_FREE_LOCK('l_{t}')",
        "SELECT IS_USED_LOCK('l_{t}') = CONNECTION_ID()", "SELECT RELEASE_LOCK('l_{t}')",
        "SELECT IS_FREE_LOCK('l_{t}')", "SELECT RELEASE_LOCK('l_{t}')",
    ]),
    "locked tables": (False, [
        "LOCK TABLES {t} WRITE", "SELECT COUNT(*) FROM {t}", "INSERT INTO {t} (n) VALUES (90)",
        "SELECT id FROM whoami WHERE id = 99", "UNLOCK TABLES", "SELECT COUNT(*) FROM {t}",
        "LOCK TABLES {t} READ", "INSERT INTO {t} (n) VALUES (91)", "UNLOCK TABLES",
        "INSERT INTO {t} (n) VALUES (91)",
    ]),
    "prepared in SQL": (False, [
        "PREPARE p FROM 'SELECT n + ? FROM {t} WHERE id = 1'", "SET @x = 100",
        "EXECUTE p USING @x", "EXECUTE p USING @x", "DEALLOCATE PREPARE p", "EXECUTE p USING @x",
        "PREPARE q FROM 'INSERT INTO {t} (n) VALUES (?)'", "EXECUTE q USING @x",
        "SELECT n FROM {t} WHERE id = 4", "DROP PREPARE q",
    ]),
    "last insert id": (True, [
        "SELECT LAST_INSERT_ID()", "INSERT INTO {t} (n) VALUES (1), (2)",
        "SELECT LAST_INSERT_ID()", "SELECT id FROM {t} WHERE id = LAST_INSERT_ID()",
        "UPDATE {t} SET n = 5 WHERE id = LAST_INSERT_ID()", "SELECT n FROM {t} WHERE id = 4",
        "SELECT COUNT(*) FROM {t}", "SELECT @@last_insert_id, @@identity",
        "UPDATE {t} SET n = LAST_INSERT_ID(n + 1) WHERE id = 1", "SELECT LAST_INSERT_ID()",
        "INSERT INTO {t} (n) VALUES (1)", "SELECT LAST_INSERT_ID()",
        "INSERT INTO {t} VALUES (1, 1)", "SELECT LAST_INSERT_ID()",
    ]),
    # An OK packet says 1000 here, as if it had been generated; LAST_INSERT_ID() does not change.
    "last insert id given": (True, [
        "INSERT INTO {t} (n) VALUES (1)", "SELECT LAST_INSERT_ID()",
        "INSERT INTO {t} (id, n) VALUES (1000, 1)", "SELECT LAST_INSERT_ID()",
    ]),
    "last insert id given in many ways": (True, [text for statement in [
        "INSERT INTO {t} (n) VALUES (4)", "INSERT INTO {t} (id, n) VALUES (NULL, 1), (2000, 1)",
        "INSERT INTO {t} (id, n) VALUES (3000, 1), (NULL, 1)",
        "INSERT INTO {t} VALUES ('4000', 1)", "INSERT INTO {t} VALUES (' 4001.4e0', 1)",
        "INSERT INTO {t} VALUES (4002.6, NULL)", "INSERT INTO {t} VALUES (4.005e3, DEFAULT)",
        "INSERT INTO {t} VALUES (0x1000, 1)", "INSERT INTO {t} VALUES (-5, 1)",
        "INSERT INTO {t} VALUES (5000 + 1, 1)", "INSERT INTO {t} SET n = 1, id = 5002",
        "INSERT INTO {t} SET n = 1, {t}.id = DEFAULT", "INSERT IGNORE INTO {t} VALUES (1, 1), (2, 1)",
        "INSERT INTO {t} VALUES (1, 1) ON DUPLICATE KEY UPDATE n = n + 1",
        "INSERT INTO {t} VALUES (1, 1) ON DUPLICATE KEY UPDATE n = 7, id = LAST_INSERT_ID(id)",
        "INSERT INTO {t} (n) VALUES (5)", "REPLACE INTO {t} VALUES (1, 1)",
        "INSERT INTO {t} SELECT 6000, 1", "INSERT INTO {t} (n) SELECT n FROM {t} WHERE id < 3",
        "INSERT INTO {t} (id, n) SELECT 7000 + id, n FROM {t} WHERE id < 3",
        "INSERT INTO {t} VALUES (LAST_INSERT_ID() + 5000, 1)",
        "INSERT INTO {t} (n) VALUES (LAST_INSERT_ID())", "UPDATE {t} SET n = LAST_INSERT_ID(55)",
        "UPDATE {t} SET n = LAST_INSERT_ID(0) WHERE id = 1", "INSERT INTO {t} (n) VALUES (6), (7)",
        "INSERT INTO {t} VALUES (LAST_INSERT_ID(30000), 1)",
        "INSERT INTO {t} (n) VALUES (1); INSERT INTO {t} VALUES (31000, 1)",
        "INSERT INTO {t} VALUES (2147483647, 1)", "DELETE FROM {t} WHERE id = 2147483647",
        "CREATE TABLE c_{t} (id INT AUTO_INCREMENT PRIMARY KEY) SELECT 70 AS id",
        "CREATE TABLE d_{t} (id INT AUTO_INCREMENT PRIMARY KEY) SELECT 70 AS n",
        "INSERT INTO c_{t} VALUES (TRUE)", "DROP TABLE c_{t}, d_{t}",
        "INSERT INTO {t} (n) VALUES (8) RETURNING n",
    ] for text in (statement, "SELECT LAST_INSERT_ID()")]),
    "last insert id after errors": (False, [text for statement in [
        "INSERT INTO {t} (n) VALUES (4)", "INSERT INTO {t} VALUES (1, 1)",
        "INSERT INTO {t} VALUES (NULL, 1), (1, 1)", "INSERT INTO nosuch VALUES (1, 1)",
        "UPDATE {t} SET id = 1", "INSERT INTO {t} VALUES (NULL, 1), (NULL, 1), (2, 2)",
    ] for text in (statement, "SELECT n FROM {t} WHERE id = 1", "SELECT LAST_INSERT_ID()")]),
    "last insert id in transactions": (False, [
        "INSERT INTO {t} (n) VALUES (4)", "BEGIN", "INSERT INTO {t} VALUES (900, 1)",
        "SELECT LAST_INSERT_ID()", "COMMIT", "SELECT LAST_INSERT_ID()",
        "BEGIN", "INSERT INTO {t} VALUES (1000, 1)", "ROLLBACK", "SELECT LAST_INSERT_ID()",
        "SET autocommit = 0", "INSERT INTO {t} (n) VALUES (5)", "INSERT INTO {t} VALUES (2000, 1)",
        "COMMIT", "SELECT LAST_INSERT_ID()", "SET autocommit = 1", "SELECT LAST_INSERT_ID()",
    ]),
    "last insert id set": (False, [
        "SELECT LAST_INSERT_ID(7)", "SELECT LAST_INSERT_ID()", "SET last_insert_id = 9",
        "SELECT LAST_INSERT_ID()", "SELECT n FROM {t} WHERE id = 1", "SELECT LAST_INSERT_ID()",
    ]),
    "found rows": (False, [
        "SELECT SQL_CALC_FOUND_ROWS id FROM {t} LIMIT 1", "SELECT FOUND_ROWS()",
        "SELECT id FROM {t} LIMIT 2", "SELECT FOUND_ROWS()",
        "UPDATE {t} SET n = n + 1 WHERE id < 3", "SELECT ROW_COUNT()",
        "SELECT id FROM {t} WHERE id = 1", "SELECT ROW_COUNT()",
    ]),
    "warnings": (False, [
        "SELECT CAST('12x' AS SIGNED)", "SHOW WARNINGS", "SHOW WARNINGS",
        "SHOW COUNT(*) WARNINGS", "SELECT @@warning_count",
        "SELECT nosuch FROM {t}", "SHOW WARNINGS", "SHOW ERRORS", "SHOW COUNT(*) ERRORS",
        "SELECT id FROM {t} WHERE id = 1", "SHOW WARNINGS",
        "DROP TABLE IF EXISTS nosuch_{t}", "SHOW WARNINGS", "SELECT 1", "SHOW WARNINGS",
        "INSERT INTO {t} VALUES (1, 1)", "SHOW ERRORS",
        "SELECT CAST('1x' AS SIGNED), CAST('2x' AS SIGNED)", "SHOW WARNINGS LIMIT 1",
        "SELECT CAST('1x' AS SIGNED)", "GET DIAGNOSTICS @n = NUMBER", "SELECT @n",
    ]),
    "reset": (False, [
        "SET sql_mode = 'ANSI'", "SET @a = 1", "SET NAMES latin1",
        "CREATE TEMPORARY TABLE tmp (id INT)", "BEGIN", "INSERT INTO {t} (n) VALUES (1)",
        "SET time_zone = '+01:00'", "/reset", "SELECT @a, @@sql_mode, @@time_zone",
        "SELECT @@character_set_client", "SELECT * FROM tmp", "SELECT COUNT(*) FROM {t}",
        "SELECT DATABASE()", "SELECT GET_LOCK('r_{t}', 0)", "/reset",
        "SELECT IS_FREE_LOCK('r_{t}')", "SELECT LAST_INSERT_ID()",
    ]),
    "change user": (False, [
        "SET @a = 1, sql_mode = 'ANSI'", "INSERT INTO {t} (n) VALUES (1)", "/change_user app2",
        "SELECT CURRENT_USER(), DATABASE(), @a, LAST_INSERT_ID()", "SELECT @@sql_mode",
        "SELECT COUNT(*) FROM {t}", "SET time_zone = '+02:00'", "/change_user app",
        "SELECT CURRENT_USER(), @@time_zone", "SELECT COUNT(*) FROM {t}",
    ]),
    "programs": (False, [
        "CREATE PROCEDURE p_{t}() BEGIN CREATE TEMPORARY TABLE tmp (id INT); SET @v = 3;"
        " INSERT INTO tmp VALUES (4); SELECT id FROM tmp; END",
        "CALL p_{t}()", "SELECT @v", "SELECT id FROM tmp", "DROP TEMPORARY TABLE tmp",
        "DROP PROCEDURE p_{t}",
        "CREATE PROCEDURE p_{t}() SET SESSION time_zone = '+04:00'", "CALL p_{t}()",
        "SELECT @@time_zone", "DROP PROCEDURE p_{t}",
    ]),
    "multi-statements": (False, [
        "SET sql_mode = 'ANSI_QUOTES'; SELECT \"id\" FROM {t} WHERE id = 1",
        "SELECT @@sql_mode", "USE information_schema; SELECT DATABASE()", "SELECT DATABASE()",
        "USE test; INSERT INTO {t} (n) VALUES (1); SELECT LAST_INSERT_ID()",
        "SELECT LAST_INSERT_ID()", "SELECT 1; SELECT nosuch; SELECT 2", "SELECT 3",
        "SET @a = 1; SELECT @a", "SELECT @a",
    ]),
    "handlers": (False, [
        "HANDLER {t} OPEN AS h", "HANDLER h READ FIRST", "HANDLER h READ NEXT", "HANDLER h CLOSE",
        "HANDLER h READ FIRST",
    ]),
}


class Noise:
    """Other sessions, whose state is as different as can be."""

    def __init__(self, proxy):
        self.clients = [RawClient(proxy.port), RawClient(proxy.port, charset=8)]
        first, second = self.clients
        for text in ("USE mysql", "SET time_zone = '+09:00', sql_mode = 'ANSI_QUOTES',"
                     " group_concat_max_len = 4, lc_time_names = 'fr_FR'", "SET NAMES cp1251",
                     "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE"):
            first.query(text)
        for text in ("SET SESSION sql_select_limit = 1, sql_mode = 'NO_BACKSLASH_ESCAPES'",
                     "SET character_set_results = NULL", "SET time_zone = '-08:00'"):
            second.query(text)

    def make(self):
        first, second = self.clients
        assert first.query("SELECT DATABASE(), @@time_zone") == [("mysql", "+09:00")]
        first.query("INSERT INTO test.noise (n) VALUES (1)")
        first.query('SELECT "id" FROM test.noise LIMIT 1')
        second.query("SELECT id FROM whoami")
        second.query("SELECT CAST('9z' AS SIGNED)")
        assert second.query(r"SELECT 'a\', @@time_zone, @@sql_select_limit") == \
            [("a\\", "-08:00", "1")]

    def close(self):
        for client in self.clients:
            client.close()


def step(client, text):
    """Takes one step and describes the answer in full."""
    try:
        if text == "/reset":
            results = [client.ok(rawclient.RESET_CONNECTION)]
        elif text.startswith("/init_db "):
            results = [client.ok(rawclient.INIT_DB, text.split()[1].encode())]
        elif text.startswith("/change_user "):
            user = text.split()[1]
            results = [client.change_user(user, user, "test")]
        else:
            client.command(rawclient.QUERY, text.encode("latin-1"))
            results = []
            while not results or results[-1].status & rawclient.MORE_RESULTS:
                results.append(client.read_result())
    except ServerError as error:
        return ("error", error.code, error.sqlstate, error.text)
    return tuple(
        (r.rows, r.columns and [c[:3] for c in r.columns], r.affected, r.insert_id, r.warnings,
         hex(r.status & STATUS_SHOWN), trackers_of(r)) for r in results)


def trackers_of(result):
    return sorted(t for t in result.trackers if t[0] in (SCHEMA, SYSTEM_VARIABLES))


def fresh_table(cluster):
    table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY, n INT")
    cluster.sql(0, f"INSERT INTO test.{table} (n) VALUES (10), (20), (30)")
    return table


def run(client, script, table, between=None):
    answers = []
    for text in script:
        text = text.replace("{t}", table)
        taken = step(client, text)
        answer = repr(taken).replace(table, "{t}")
        # A procedure's own text may quote the connection or the time.
        answers.append((text.replace(table, "{t}"), re.sub(r"0x[0-9a-f]{8,}", "", answer)))
        # What SHOW WARNINGS would show holds the connection until the next statement.
        if between and not has_diagnostics(text, taken):
            try:
                between()
            except ServerError as error:
                raise AssertionError(f"others after {text!r}: {error}") from error
    return answers


def has_diagnostics(text, answer):
    return answer[0] == "error" or text.startswith("SHOW") or any(r[4] for r in answer)


@pytest.fixture(scope="module")
def narrow(cluster, tmp_path_factory):
    """Two proxies: one with a single connection per server, one with two."""
    from conftest import _factory

    cluster.sql(0, "CREATE TABLE IF NOT EXISTS test.noise "
                   "(id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    with contextlib.ExitStack() as stack:
        start = _factory(tmp_path_factory.mktemp("narrow"), stack)
        yield {limit: start(cluster, {
            "proxy": {"workers": 1}, "pool": {"wait_timeout_ms": 5000},
            **{f"server db{i}": {"max_connections": limit} for i in cluster.servers},
        }, split=True) for limit in (1, 2)}


CAPABILITIES = {
    "modern": rawclient.MODERN | rawclient.MULTI_STATEMENTS,
    "eof": rawclient.BASE | rawclient.MULTI_STATEMENTS | rawclient.SESSION_TRACK,
}


@pytest.mark.parametrize("capabilities", CAPABILITIES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_as_on_a_connection_of_its_own(cluster, narrow, name, capabilities):
    shareable, script = SCRIPTS[name]
    proxy = narrow[1 if shareable else 2]
    flags = CAPABILITIES[capabilities]
    with RawClient(cluster.port(0), capabilities=flags) as direct:
        expected = run(direct, script, fresh_table(cluster))
    noise = Noise(proxy)
    try:
        with RawClient(proxy.port, capabilities=flags) as client:
            answers = run(client, script, fresh_table(cluster), noise.make)
    finally:
        noise.close()
    wrong = [f"{text}\n   direct: {want}\n   proxy:  {got}"
             for (text, got), (_, want) in zip(answers, expected) if got != want]
    assert not wrong, f"{len(wrong)} of {len(script)} answers differ:\n" + "\n".join(wrong)


# --- what holds a connection, and for how long -----------------------------------------------

# statements that pin, what the primary's other users see meanwhile, and what ends it
PINS = {
    "transaction": (["BEGIN", "SELECT COUNT(*) FROM first_write"], ["COMMIT"]),
    "temporary table": (["CREATE TEMPORARY TABLE tmp_pin (id INT)"], ["/reset"]),
    "two temporary tables": (["CREATE TEMPORARY TABLE IF NOT EXISTS tmp_pin (id INT)",
                              "CREATE TEMPORARY TABLE IF NOT EXISTS tmp_pin (id INT)",
                              "CREATE TEMPORARY TABLE tmp_pin2 SELECT 1", "DROP TABLE tmp_pin2"],
                             ["DROP TABLE IF EXISTS tmp_pin"]),
    "user variable of a name that is not plain": (["SET @`a pin` = 1"], ["/reset"]),
    "lock by name": (["SELECT GET_LOCK('pin', 0)"], ["SELECT RELEASE_ALL_LOCKS()"]),
    "lock taken twice": (["SELECT GET_LOCK('pin', 0)", "DO GET_LOCK('pin', 0)",
                          "SELECT RELEASE_LOCK('pin')"], ["DO RELEASE_LOCK('pin')"]),
    "handler": (["HANDLER first_write OPEN", "HANDLER first_write OPEN AS h",
                 "HANDLER first_write CLOSE"], ["HANDLER h CLOSE"]),
    "locked tables": (["LOCK TABLES first_write READ"], ["UNLOCK TABLES"]),
    "prepared in SQL": (["PREPARE p FROM 'SELECT 1'", "PREPARE P FROM 'SELECT 2'"],
                        ["DEALLOCATE PREPARE p"]),
}


@pytest.mark.parametrize("name", PINS)
def test_what_pins_holds_the_connection_until_it_ends(cluster, tidemark, name):
    begin, end = PINS[name]
    proxy = tidemark(cluster, {"server db0": {"max_connections": 1},
                               "pool": {"wait_timeout_ms": 300}}, split=True)
    with RawClient(proxy.port) as holder, RawClient(proxy.port) as other:
        other.query("SELECT @@port")
        for text in begin:
            assert step(holder, text)[0] != "error", text
        with pytest.raises(ServerError):
            other.query("SELECT @@port")
        for text in end:
            step(holder, text)
        assert other.query("SELECT @@port") == [(str(cluster.port(0)),)]


def test_user_variables_share_a_connection(cluster, tidemark):
    """They go along, with their types, while another session uses the only connection."""
    kinds = ("1", "-7", "18446744073709551615", "1.50", "1e0 / 3", "NULL", "'text'", "_latin1 X'fc'",
             "_binary X'00ff'", "@@sql_mode", "NOW()", "CAST(7 AS DECIMAL(20,5))",
             "'x' COLLATE utf8mb4_bin", "(SELECT id FROM whoami)", "REPEAT('a', 3000)")
    look = ("SELECT @v", "SELECT @v, COLLATION(@v), COERCIBILITY(@v), @v + 0, CONCAT(@v, 'a')")
    proxy = tidemark(cluster, {"server db0": {"max_connections": 1}}, split=True)
    with RawClient(cluster.port(0)) as direct, RawClient(proxy.port) as holder, \
            RawClient(proxy.port) as other:
        for kind in kinds:
            for text in (f"SET @v = {kind}", "SET @w = @v, @v = NULL", "SET @v = @w"):
                direct.query(text)
                holder.query(text)
                assert other.query("SELECT @v, @w, @@port") == [(None, None, str(cluster.port(0)))]
                for read in look:
                    assert step(holder, read) == step(direct, read), (text, read)


def test_nothing_leaks_to_the_next_session(cluster, tidemark):
    """A dirty connection is reset before somebody else gets it."""
    proxy = tidemark(cluster, {"server db0": {"max_connections": 1}}, split=True)
    dirty = ("SET @leak = 1", "CREATE TEMPORARY TABLE leak (id INT)", "SELECT GET_LOCK('leak', 0)",
             "LOCK TABLES first_write READ", "PREPARE leak FROM 'SELECT 1'", "BEGIN",
             "SET sql_mode = 'ANSI'", "SET timestamp = 1000", "SET autocommit = 0", "USE mysql",
             "SET NAMES latin1", "CREATE TEMPORARY TABLE leak2 SELECT 1",
             "SELECT @leak2 := 1", "SET SESSION TRANSACTION READ ONLY", "SET TRANSACTION READ ONLY")
    with RawClient(proxy.port) as probe:
        look = ("SELECT @leak, @leak2, @@sql_mode, @@autocommit, @@timestamp > 1000000, DATABASE(),"
                " @@character_set_client, IS_FREE_LOCK('leak')")
        clean = probe.query(look)
        for text in dirty:
            client = RawClient(proxy.port)
            client.query(text)
            client.close()
            assert probe.query(look) == clean, text
            with RawClient(proxy.port) as fresh:
                assert fresh.query(look) == clean, text
                for table in ("leak", "leak2"):
                    with pytest.raises(ServerError) as caught:
                        fresh.query(f"SELECT * FROM {table} FOR UPDATE")
                    assert caught.value.code == 1146, text
                with pytest.raises(ServerError) as caught:
                    fresh.query("EXECUTE leak")
                assert caught.value.code == 1243
                fresh.query("/**/ CREATE TABLE IF NOT EXISTS first_write (id INT)")


def test_a_transaction_of_a_client_that_vanished_is_rolled_back(cluster, tidemark):
    proxy = tidemark(cluster)
    table = fresh_table(cluster)
    client = RawClient(proxy.port)
    client.query("BEGIN")
    client.query(f"UPDATE {table} SET n = 99 WHERE id = 1")
    client.close()
    until(lambda: cluster.scalar(0, f"SELECT n FROM test.{table} WHERE id = 1 FOR UPDATE") == 10)


@pytest.mark.parametrize("how", ["close", "reset", "change user"])
def test_a_prepared_transaction_outlives_its_session(cluster, tidemark, how):
    """Another session commits it; its changes are there, and its locks are not."""
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    xid = f"'{table}'"
    with RawClient(proxy.port) as client:
        client.query(f"INSERT INTO {table} VALUES (1), (2), (3)")
        for text in (f"XA START {xid}", f"DELETE FROM {table} WHERE id > 1", f"XA END {xid}",
                     f"XA PREPARE {xid}"):
            client.query(text)
        if how == "reset":
            client.ok(rawclient.RESET_CONNECTION)
        elif how == "change user":
            client.change_user("app", "app", "test")
        if how != "close":
            assert client.query(f"SELECT COUNT(*) FROM {table}") == [("3",)]
            assert client.query("SELECT @@port") == [(str(cluster.port(0)),)]

    def committed():
        with contextlib.suppress(ServerError), RawClient(proxy.port) as other:
            other.query(f"XA COMMIT {xid}")
            return True

    until(committed)
    with RawClient(proxy.port) as other:
        other.query("SET innodb_lock_wait_timeout = 1")
        assert other.query(f"SELECT id FROM {table} FOR UPDATE") == [("1",)]


def test_a_failing_use_does_not_let_the_next_read_see_another_schema(cluster, tidemark):
    """The schema of a session may be dropped behind its back. A read that is sent in one write with
    the USE that now fails must not be answered from whatever schema the connection had."""
    proxy = tidemark(cluster, {
        "proxy": {"workers": 1}, **{f"server db{i}": {"max_connections": 1}
                                    for i in cluster.servers}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    cluster.sql(0, f"CREATE DATABASE gone_{table}")
    cluster.sql(0, f"CREATE TABLE gone_{table}.{table} (id INT PRIMARY KEY)")
    cluster.wait_caught_up()
    conn, other = proxy.connect(database=f"gone_{table}"), proxy.connect()
    until(lambda: query(other, f"SELECT w.id FROM whoami w LEFT JOIN {table} t USING (id)")
          != ((0,),))
    assert query(conn, f"SELECT COUNT(*) FROM {table}") == ((0,),)
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (1)")
    cluster.sql(0, f"DROP DATABASE gone_{table}")
    cluster.wait_caught_up()
    for text in (f"SELECT COUNT(*) FROM {table}", f"INSERT INTO {table} VALUES (5)",
                 f"DELETE FROM {table}"):
        query(other, "SELECT id FROM whoami")
        query(other, "SELECT @@port")
        with pytest.raises(pymysql.err.MySQLError) as caught:
            query(conn, text)
        print(text, caught.value)
        assert caught.value.args[0] in (1046, 1049, 1146), caught.value
    assert cluster.scalar(0, f"SELECT COUNT(*) FROM test.{table}") == 1
    # Others go on, and so does the session once it names a schema that exists.
    query(conn, "USE test")
    assert query(conn, f"SELECT id FROM {table}") == ((1,),)


def test_state_that_cannot_be_replayed_fails_the_statement_not_the_proxy(cluster, tidemark):
    """A value that was allowed when it was set and is not any more."""
    proxy = tidemark(cluster, {"proxy": {"workers": 1}, "server db0": {"max_connections": 1}},
                     split=True)
    conn, other = proxy.connect(), proxy.connect()
    cluster.sql(0, "CREATE DATABASE IF NOT EXISTS replay_gone")
    query(conn, "USE replay_gone")
    query(conn, "SET time_zone = '+01:00'")
    cluster.sql(0, "DROP DATABASE replay_gone")
    query(other, "SELECT @@port")
    for _ in range(3):
        with contextlib.suppress(pymysql.err.MySQLError):
            query(conn, "SELECT @@time_zone")
        assert query(other, "SELECT @@port, DATABASE()") == ((cluster.port(0), "test"),)
    query(conn, "USE test")
    assert query(conn, "SELECT @@time_zone, DATABASE()") == (("+01:00", "test"),)


def test_connection_ids_are_the_proxys(cluster, tidemark):
    proxy = tidemark(cluster)
    ids = set()
    for _ in range(5):
        conn = proxy.connect()
        ids.add(conn.thread_id())
        shown = query(conn, "SELECT CONNECTION_ID()")[0][0]
        print(conn.thread_id(), shown)
        assert shown == conn.thread_id()
    assert len(ids) == 5


def test_own_tracking_settings_stay_the_clients(cluster, tidemark):
    """SET session_track_… changes what the client is shown, not what the proxy learns."""
    proxy = tidemark(cluster)
    with RawClient(proxy.port, capabilities=rawclient.MODERN) as client:
        client.query("SET session_track_system_variables = ''")
        client.query("SET session_track_schema = 0")
        client.query("SET time_zone = '+03:00'")
        with RawClient(proxy.port) as other:
            other.query("SELECT @@time_zone")
        assert client.query("SELECT @@time_zone") == [("+03:00",)]
        client.query("USE mysql")
        assert client.query("SELECT DATABASE()") == [("mysql",)]


def test_a_replica_gets_the_state_too(cluster, tidemark):
    proxy = tidemark(cluster, {f"server db{i}": {"max_connections": 1} for i in cluster.servers},
                     split=True)
    with RawClient(proxy.port) as client, RawClient(proxy.port) as other:
        client.query("SET time_zone = '+05:00'")
        client.query("SET sql_mode = 'PIPES_AS_CONCAT'")
        other.query("SET time_zone = '-05:00'")
        time.sleep(0.3)
        for _ in range(5):
            rows = client.query("SELECT FROM_UNIXTIME(0), 'a' || 'b', id FROM whoami")
            assert rows[0][:2] == ("1970-01-01 05:00:00", "ab")
            rows = other.query("SELECT FROM_UNIXTIME(0), 'a' || 'b', id FROM whoami")
            assert rows[0][:2] == ("1969-12-31 19:00:00", "0")
        assert rows[0][2] != "0"
    conn = proxy.connect()
    assert served_by(conn) != 0
