"""What one client of the admin port can do to it, and to the program: nothing of note."""

import contextlib
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
        "user app": {"password": "s3cret-app"},
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
    ("length(replace(hex(zeroblob(1000000)), '0', 'ab'))", 4000000),
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
