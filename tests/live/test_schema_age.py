"""A client that logs in finds its schema as it is at that moment, whatever connection serves it."""

import contextlib
import time

import pymysql
import pytest

from world import query

CHARSET = "SELECT @@character_set_database, @@collation_database"


@pytest.fixture
def one_connection(cluster, tidemark):
    """One worker, so that the next client gets the server connection that the last has left."""
    return tidemark(cluster, {"proxy": {"workers": 1}}, split=True)


@pytest.fixture
def schema(cluster):
    name = "aging"
    cluster.sql(0, f"CREATE DATABASE {name} CHARACTER SET latin1")
    cluster.wait_caught_up()
    yield name
    cluster.sql(0, f"DROP DATABASE IF EXISTS {name}")
    cluster.wait_caught_up()


def asked_of_a_new_client(proxy, schema, sql):
    with contextlib.closing(proxy.connect(database=schema)) as conn:
        return query(conn, sql)


def test_a_schema_changed_through_the_proxy_is_new_to_the_next_client(one_connection, schema):
    assert asked_of_a_new_client(one_connection, schema, CHARSET)[0][0] == "latin1"
    with contextlib.closing(one_connection.connect(database=None)) as conn:
        query(conn, f"ALTER DATABASE {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    assert asked_of_a_new_client(one_connection, schema, CHARSET) == (("utf8mb4", "utf8mb4_bin"),)
    with contextlib.closing(one_connection.connect(database=None)) as conn:
        query(conn, f"DROP DATABASE {schema}")
    with pytest.raises(pymysql.err.OperationalError) as error:
        one_connection.connect(database=schema)
    assert error.value.args == (1049, f"Unknown database '{schema}'")


def test_a_schema_changed_elsewhere_is_new_after_a_second(one_connection, schema, cluster):
    assert asked_of_a_new_client(one_connection, schema, CHARSET)[0][0] == "latin1"
    cluster.sql(0, f"ALTER DATABASE {schema} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    time.sleep(1.1)
    assert asked_of_a_new_client(one_connection, schema, CHARSET) == (("utf8mb4", "utf8mb4_bin"),)


def test_a_change_of_ones_own_is_seen_on_every_connection(cluster, tidemark, schema):
    proxy = tidemark(cluster, split=True)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(contextlib.closing(proxy.connect(database=schema)))
                   for _ in range(4)]
        for conn in clients:
            query(conn, "BEGIN")
        assert all(query(conn, CHARSET)[0][0] == "latin1" for conn in clients)
        for conn in clients:
            query(conn, "COMMIT")
        query(clients[0], f"ALTER DATABASE {schema} CHARACTER SET utf8mb4")
        # The others hold connections that entered the schema before, one by one.
        for other in clients[1:]:
            assert query(clients[0], CHARSET)[0][0] == "utf8mb4"
            query(other, "BEGIN")
            query(other, "SELECT 1")
            assert query(clients[0], CHARSET)[0][0] == "utf8mb4"


def test_a_connection_that_was_reset_knows_the_schemas_character_set(cluster, one_connection, schema):
    cluster.sql(0, f"ALTER DATABASE {schema} CHARACTER SET cp1251")
    with contextlib.closing(one_connection.connect(database=schema)) as conn:
        query(conn, "SET sort_buffer_size = 100000")  # others have to take it back
        assert query(conn, CHARSET)[0][0] == "cp1251"
    assert asked_of_a_new_client(one_connection, schema, CHARSET)[0][0] == "cp1251"
