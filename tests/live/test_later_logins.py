"""What a login takes along, global variables and privileges, is as new as the login, although the
server connection may be older."""

import contextlib

import pymysql
import pytest
from world import query

VARIABLE = "net_write_timeout"


@pytest.fixture
def proxy(cluster, tidemark):
    """One worker, so that the connection which one client has left is what the next would get."""
    return tidemark(cluster, {"proxy": {"workers": 1}}, split=True)


@pytest.fixture
def may_set_globals(cluster):
    """app may; on MariaDB it usually has no SUPER, see cluster/mariadb.sh. Then all is as it was."""
    was = cluster.scalar(0, f"SELECT @@global.{VARIABLE}")
    if cluster.flavor == "mariadb":
        cluster.sql(0, "GRANT SUPER ON *.* TO app")
    yield was
    if cluster.flavor == "mariadb":
        cluster.sql(0, "REVOKE SUPER ON *.* FROM app")
    cluster.sql(0, f"SET GLOBAL {VARIABLE} = {was}")


def value(conn):
    return query(conn, f"SELECT @@session.{VARIABLE}")[0][0]


def test_global_variables(may_set_globals, proxy):
    was = may_set_globals
    with contextlib.closing(proxy.connect()) as old:
        assert value(old) == was
        query(old, f"SET GLOBAL {VARIABLE} = {was + 17}")
        with contextlib.closing(proxy.connect()) as new:
            assert value(new) == was + 17
            assert value(old) == was, "a session keeps what it began with"
            assert value(new) == was + 17


def test_privileges(cluster, proxy):
    """Those on everything hold from a connection's login to its end."""
    with contextlib.closing(proxy.connect()) as admin:
        query(admin, "REVOKE PROCESS ON *.* FROM app2")
        try:
            with contextlib.closing(proxy.connect(user="app2", password="app2")) as before:
                with pytest.raises(pymysql.err.MySQLError) as refused:
                    query(before, "SHOW ENGINE INNODB STATUS")
                assert refused.value.args[0] == 1227
            query(admin, "GRANT PROCESS ON *.* TO app2")
            with contextlib.closing(proxy.connect(user="app2", password="app2")) as after:
                query(after, "SHOW ENGINE INNODB STATUS")
        finally:
            cluster.sql(0, "GRANT PROCESS ON *.* TO app2")
