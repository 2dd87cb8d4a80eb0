"""What one client of the admin port can do to it, and to the program: nothing of note."""

import contextlib
import struct
import time

import pymysql
import pytest

from world import free_ports, query


@pytest.fixture
def alone(tidemark):
    """A proxy without servers behind it: the admin port needs none."""
    return tidemark(None, {
        "proxy": {"admin": f"127.0.0.1:{free_ports()}"},
        "server db0": {"address": "127.0.0.1:1", "weight": 3},
        "server db1": {"address": "127.0.0.1:2"},
        "user app": {"password": "s3cret-app"}, "user app2": None,
        "monitor": {"password": "s3cret-mon"},
        "admin": {"read_user": "reader", "read_password": "s3cret"},
    })


def admin(proxy, user="admin", password="admin", **options):
    port = int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])
    return contextlib.closing(pymysql.connect(
        host="127.0.0.1", port=port, user=user, password=password, autocommit=True,
        connect_timeout=20, read_timeout=60, **options))


def reader(proxy):
    return admin(proxy, "reader", "s3cret")


def error_of(conn, text):
    with pytest.raises(pymysql.err.MySQLError) as caught:
        query(conn, text)
    return caught.value.args


# --- one call of a function ------------------------------------------------------------------

DEEP = "'$' || replace(hex(zeroblob(300000)), '00', '.a')"


@pytest.mark.parametrize("call", [
    f"json_set('{{}}', {DEEP}, 1)", f"json_insert('{{}}', {DEEP}, 1)", "json_patch('{}', '{}')",
    "trim('aaa', 'a')", "ltrim('aaa', 'a')", "rtrim('aaa', 'a')",
])
def test_functions_without_bounds_are_not_there(alone, call):
    with reader(alone) as conn:
        assert error_of(conn, f"SELECT {call}")[0] in (1064, 1142)
        assert query(conn, "SELECT trim('  x ')") == (("x",),)


@pytest.mark.parametrize("call, answer", [
    ("instr(zeroblob(4000000), CAST(zeroblob(2000000) || x'01' AS BLOB))", 0),
    ("instr(hex(zeroblob(2000000)), hex(zeroblob(900000)) || '1')", 0),
    ("length(replace(hex(zeroblob(2000000)), hex(zeroblob(900000)) || '1', 'x'))", 4000000),
    ("length(replace(hex(zeroblob(100000)), '0', 'ab'))", 400000),
])
def test_functions_over_long_texts_are_quick(alone, call, answer):
    with reader(alone) as conn:
        began = time.monotonic()
        assert query(conn, f"SELECT {call}") == ((answer,),)
        assert time.monotonic() - began < 5


def test_a_text_that_grows_too_long_is_refused(alone):
    with reader(alone) as conn:
        assert error_of(conn, "SELECT replace(hex(zeroblob(1000000)), '0', 'abcdefgh')")[0] == 1153


@pytest.mark.parametrize("call, answer", [
    ("instr('héllo', 'l')", 3), ("instr(x'c3a96c', x'6c')", 3), ("instr('abc', '')", 1),
    ("instr('abc', 'x')", 0), ("instr(12345, 34)", 3), ("instr(NULL, 'a')", None),
    ("instr('', 'a')", 0), ("instr(x'', x'')", 1), ("replace('aXbX', 'X', 'yy')", "ayybyy"),
    ("replace('aaa', 'a', '')", ""), ("replace('abc', '', 'x')", "abc"),
    ("replace('', 'a', 'b')", ""), ("replace('a', NULL, 'b')", None),
    ("replace(1212, 2, 3)", "1313"),
])
def test_they_answer_what_sqlite_answers(alone, call, answer):
    with reader(alone) as conn:
        assert query(conn, f"SELECT {call}") == ((answer,),)


def test_reader_does_not_trace(alone):
    with reader(alone) as conn:
        for text in ("TRACE SESSION 1", "TRACE SESSION 1 OFF"):
            assert error_of(conn, text)[0] == 1227


def test_values_in_pieces_are_bounded(alone):
    piece = b"x" * 900000
    with reader(alone) as conn:
        def prepare(text):
            conn._execute_command(0x16, text)
            answer = conn._read_packet().get_all_data()
            columns, parameters = struct.unpack_from("<HH", answer, 5)
            for count in (columns, parameters):
                for _ in range(count + 1 if count else 0):
                    conn._read_packet()
            return answer[1:5]

        statements = [prepare(b"SELECT length(?)") for _ in range(8)]
        for statement in statements:
            conn._execute_command(0x18, statement + b"\0\0" + piece)  # has no answer
        results = []
        for statement in statements:
            conn._execute_command(0x17, statement + b"\0\1\0\0\0\0\1\xfd\0")
            try:
                conn._read_packet()
                for _ in range(4):
                    conn._read_packet()
                results.append("fine")
            except pymysql.err.MySQLError as error:
                results.append(error.args[0])
        assert results == ["fine"] * 4 + [1210] * 4
        # What was used is given back.
        conn._execute_command(0x18, statements[7] + b"\0\0" + piece)
        conn._execute_command(0x17, statements[7] + b"\0\1\0\0\0\0\1\xfd\0")
        assert conn._read_packet().get_all_data()[0] == 1


def test_prepared_commands_are_bounded(alone):
    with reader(alone) as conn:
        text = b"EXPLAIN ROUTE SELECT '" + b"x" * 900000 + b"'"
        for _ in range(4):
            conn._execute_command(0x16, text)
            conn._read_packet()
        conn._execute_command(0x16, text)
        with pytest.raises(pymysql.err.MySQLError) as caught:
            conn._read_packet()
        assert caught.value.args[0] == 1461
        assert query(conn, "SELECT 1") == ((1,),)


# --- all of a change or nothing --------------------------------------------------------------


def configured(conn):
    return query(conn, "SELECT name, weight FROM servers ORDER BY name")


def drains(conn):
    """These servers are down, so their states do not tell."""
    return query(conn, "SELECT what, why LIKE 'admin from %' FROM events "
                       "WHERE subject = 'admin' ORDER BY number")


def test_a_refused_statement_drains_nothing(alone):
    with admin(alone) as conn:
        before = configured(conn)
        for text in ("UPDATE servers SET state = 'draining', weight = 99999 WHERE name = 'db0'",
                     "UPDATE servers SET state = iif(name = 'db0', 'draining', 'wrong')"):
            error_of(conn, text)
            assert drains(conn) == ()
            assert configured(conn) == before


def test_state_changes_with_its_transaction(alone):
    with admin(alone) as conn:
        for end in ("ROLLBACK", "COMMIT"):
            query(conn, "BEGIN")
            query(conn, "UPDATE servers SET state = 'draining' WHERE name = 'db0'")
            assert drains(conn) == ()
            query(conn, end)
        assert drains(conn) == (("drain server db0", 1),)


def test_a_value_may_change_twice_in_a_transaction(alone):
    with admin(alone) as conn:
        query(conn, "BEGIN")
        for weight in (5, 6):
            query(conn, f"UPDATE servers SET weight = {weight}")
        query(conn, "INSERT INTO servers (name, address, weight) VALUES ('db2', '127.0.0.1:3', 7)")
        query(conn, "DELETE FROM servers WHERE name = 'db1'")
        query(conn, "INSERT INTO servers (name, address) VALUES ('db1', '127.0.0.1:2')")
        query(conn, "COMMIT")
        assert configured(conn) == (("db0", 6), ("db1", 1), ("db2", 7))


@pytest.mark.parametrize("text, why", [
    ("INSERT INTO servers (name, address, role) VALUES ('x', '127.0.0.1:3', 'primary')",
     "servers.role cannot be changed"),
    ("INSERT INTO users (name, password) VALUES ('x', 'ab' || char(0) || 'c')", "zero byte"),
    ("INSERT INTO users (name, password) VALUES (CAST(x'ff41' AS TEXT), 'x')", "no UTF-8"),
    ("INSERT INTO users (name, password) VALUES ('a;b', 'x')", "; or ]"),
    ("INSERT INTO users (name, password) VALUES ('a]b', 'x')", "; or ]"),
    ("INSERT INTO users (name, password) VALUES (' a', 'x')", "blanks"),
    ("INSERT INTO users (name, password) VALUES (hex(zeroblob(30)), 'x')", "too long"),
    ("UPDATE users SET password = CAST(x'ff' AS TEXT)", "no UTF-8"),
])
def test_what_no_file_could_say_is_refused_at_once(alone, text, why):
    with admin(alone) as conn:
        assert why in error_of(conn, text)[1]
        assert query(conn, "SELECT name FROM users") == (("app",),)
        query(conn, "SHOW DRIFT")


def test_no_password_in_the_log(tidemark):
    proxy = tidemark(None, {
        "proxy": {"admin": f"127.0.0.1:{free_ports()}", "log_level": "debug"},
        "server db0": {"address": "127.0.0.1:1"}, "user app": {"password": "s3cret-app"},
    })
    with admin(proxy) as conn:
        query(conn, "UPDATE users SET password = 's3cret-new'")
        error_of(conn, "UPDATE users SET passwort = 's3cret-new'")
    assert "s3cret" not in proxy.log_text()
