"""What the monitors find out and say in the log: filters, purged logs, restarts, accounts."""

import contextlib
import time

import pymysql
import pytest

from world import query, served_by, until


def word(cluster):
    return "SLAVE" if cluster.flavor == "mariadb" else "REPLICA"


def servers_of(proxy, cluster, text, count=20):
    """Which servers answered `text`, whose first column says so, in new sessions."""
    seen = set()
    for _ in range(count):
        with contextlib.closing(proxy.connect()) as conn:
            seen.add(query(conn, text)[0][0])
    return seen


def test_a_filtered_schema_is_not_read_where_it_is_left_out(own_cluster, tidemark):
    """A replica that ignores a schema serves other schemas, and that one is read elsewhere."""
    for flavor in ["mariadb", "mysql"]:
        cluster = own_cluster(flavor)
        cluster.sql(0, "CREATE DATABASE part; CREATE TABLE part.t (id INT)")
        cluster.wait_caught_up()
        cluster.sql(1, f"STOP {word(cluster)}")
        if flavor == "mariadb":
            cluster.sql(1, "SET GLOBAL replicate_ignore_db = 'part'")
        else:
            cluster.sql(1, "CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = (part)")
        cluster.sql(1, f"START {word(cluster)}")
        cluster.sql(0, "INSERT INTO part.t VALUES (1)")
        proxy = tidemark(cluster, split=True)
        until(lambda: 1 in servers_of(proxy, cluster, "SELECT id FROM test.whoami"),
              what="replica 1 serving what it has")
        answers = servers_of(proxy, cluster,
                             "SELECT w.id, COUNT(t.id) FROM test.whoami w, part.t t GROUP BY w.id")
        assert 1 not in answers


def test_a_wrong_monitor_password_is_said_without_it(mariadb_cluster, tidemark):
    """The log says why no server can be used, and the password is nowhere in it."""
    secret = "Xq7-not-the-password"
    proxy = tidemark(mariadb_cluster, {"monitor": {"password": secret},
                                       "proxy": {"login_timeout_ms": 1000}}, split=False)
    until(lambda: "Access denied" in proxy.log_text() or "1045" in proxy.log_text()
          or "no server is writable" in proxy.log_text(), what="a reason in the log")
    assert secret not in proxy.log_text()


def test_a_restarted_primary_is_the_primary_again(own_cluster, tidemark):
    """After a crash and restart: the same roles, writes work, and reads leave the primary again."""
    for flavor in ["mariadb", "mysql"]:
        cluster = own_cluster(flavor)
        proxy = tidemark(cluster, split=True)
        table = cluster.create_table("id INT PRIMARY KEY")
        with contextlib.closing(proxy.connect()) as conn:
            served_by(conn)
            cluster.kill(0)
            until(lambda: "no primary" in proxy.log_text(), what="the loss in the log")
            assert served_by(conn) in cluster.replicas  # who has written nothing reads on
        cluster.up(0)

        def writes():
            with contextlib.suppress(pymysql.err.Error):
                with contextlib.closing(proxy.connect()) as fresh:
                    query(fresh, f"REPLACE INTO {table} VALUES (1)")
                    return True
            return False

        until(writes, timeout=20, what="a write")
        with contextlib.closing(proxy.connect()) as conn:
            query(conn, f"INSERT INTO {table} VALUES (2)")
            until(lambda: served_by(conn) in cluster.replicas, what="a read on a replica")
            assert query(conn, f"SELECT COUNT(*) FROM {table}") == ((2,),)
        assert "restarted" in proxy.log_text()


def test_a_replica_whose_log_is_gone_is_not_used(own_cluster, tidemark):
    """The primary no longer has what the replica needs: it is left, and the log says it."""
    for flavor in ["mariadb", "mysql"]:
        cluster = own_cluster(flavor)
        proxy = tidemark(cluster, {"consistency": {"default": "eventual", "max_lag_ms": 0}},
                         split=True)
        table = cluster.create_table("id INT")
        cluster.sql(2, f"STOP {word(cluster)}")
        for _ in range(2):
            cluster.sql(0, f"INSERT INTO test.{table} VALUES (1)")
            cluster.sql(0, "FLUSH BINARY LOGS")
        until(lambda: len(cluster.sql(1, f"SELECT * FROM test.{table}")) == 2, what="replica 1")
        newest = cluster.sql(0, "SHOW BINARY LOGS")[-1][0]

        def purged():
            cluster.sql(0, f"PURGE BINARY LOGS TO '{newest}'")
            return len(cluster.sql(0, "SHOW BINARY LOGS")) == 1

        until(purged, what="the purge")
        cluster.sql(2, f"START {word(cluster)}")
        until(lambda: "can never catch up" in proxy.log_text(), what="the reason in the log")
        assert 2 not in servers_of(proxy, cluster, "SELECT id FROM test.whoami")


@pytest.mark.parametrize("server", [0, 1])
def test_the_end_is_quick_while_a_server_hangs(mariadb_cluster, tidemark, server):
    """SIGTERM while a monitor has an unanswered question."""
    proxy = tidemark(mariadb_cluster, split=True)
    mariadb_cluster.freeze(server)
    time.sleep(0.5)
    begin = time.monotonic()
    proxy.stop()
    assert time.monotonic() - begin < 4  # the drain itself may take two
