"""Nothing that a client did is met by the next one on the same server connection, or lost by itself
on another."""

import contextlib

import pymysql
import pytest

from world import query, until


@pytest.fixture
def one_worker(cluster, tidemark):
    """One worker: the next client gets the server connection that the last has left."""
    return tidemark(cluster, {"proxy": {"workers": 1}, "server db0": {"max_connections": 2}},
                    split=True)


def of_next_client(proxy, sql):
    """What a client that begins now is told, in a transaction, so that the primary tells it."""
    with contextlib.closing(proxy.connect()) as conn:
        query(conn, "START TRANSACTION")
        return query(conn, sql)[0][0]


@pytest.mark.parametrize("sql, asked, expected", [
    ("SET autocommit = (@@session_track_schema = 99)", "SELECT @@autocommit", 1),
    ("SET sql_mode = IF(@@session_track_schema, 'ANSI_QUOTES', '')", 'SELECT "x"', "x"),
])
def test_a_set_that_reads_what_is_tracked(one_worker, sql, asked, expected):
    with contextlib.closing(one_worker.connect()) as conn:
        query(conn, sql)
        for _ in range(4):
            assert of_next_client(one_worker, asked) == expected


def test_a_schema_entered_by_set_statement(one_worker, cluster):
    if cluster.flavor != "mariadb":
        pytest.skip("MySQL has no SET STATEMENT")
    with contextlib.closing(one_worker.connect()) as conn:
        with contextlib.suppress(pymysql.err.MySQLError):
            query(conn, "SET STATEMENT session_track_schema = 1 FOR USE information_schema")
        for _ in range(4):
            assert of_next_client(one_worker, "SELECT DATABASE()") == "test"


def is_free(cluster, name):
    return cluster.sql(0, f"SELECT IS_FREE_LOCK('{name}')") == ((1,),)


@pytest.mark.parametrize("name, statements", [
    ("left1", ["SELECT RELEASE_ALL_LOCKS(), GET_LOCK('left1', 1)"]),
    ("left2", ["SELECT GET_LOCK('left2', 1), 9223372036854775807 + LENGTH(UUID())"]),
    ("left3", ["SELECT GET_LOCK('left3', 1)",
               "CREATE TABLE IF NOT EXISTS whoami AS SELECT RELEASE_LOCK('left3')"]),
])
def test_a_lock_ends_with_its_client(one_worker, cluster, name, statements):
    with contextlib.closing(one_worker.connect()) as conn:
        for sql in statements:
            with contextlib.suppress(pymysql.err.MySQLError):
                query(conn, sql)
        query(conn, "SELECT 1")
        assert not is_free(cluster, name)
    until(lambda: is_free(cluster, name), what="the lock's end")


def test_what_a_trigger_assigns(one_worker, cluster):
    """`:=` in a trigger is told by no server: what is known is read back after every write."""
    cluster.sql(0, "CREATE TABLE test.counted (n INT); CREATE TRIGGER test.counts BEFORE INSERT"
                   " ON test.counted FOR EACH ROW SET NEW.n = (@n := @n + 1)")
    try:
        with contextlib.closing(one_worker.connect()) as one, \
                contextlib.closing(one_worker.connect()) as other:
            query(one, "SET @n = 0")
            query(other, "SET @n = 0")
            query(one, "INSERT INTO counted VALUES (NULL)")
            query(one, "INSERT INTO counted VALUES (NULL)")
            assert query(other, "SELECT @n")[0][0] == 0
            query(other, "DO SLEEP(0)")
            assert query(one, "SELECT @n")[0][0] == 2
    finally:
        cluster.sql(0, "DROP TABLE test.counted")
        cluster.wait_caught_up()
