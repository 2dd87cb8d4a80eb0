"""Which server may serve a read: horizons, lag, roles, histories; on every kind of replication."""

import contextlib
import threading
import time

import pymysql
import pytest

from world import query, served_by, until


@pytest.fixture(params=["mariadb", "mysql", "mariadb_offset", "mysql_offset"])
def any_cluster(request):
    """GTID, and log file and offset; on both servers."""
    return request.getfixturevalue(f"{request.param}_cluster")


def all_in(cluster, conn, allowed, seconds, table=None):
    """Reads for some seconds; every one must have been served by a server of `allowed`. Returns
    those that served."""
    seen = set()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if table:
            # The same statement says who answered and whether the session's row is there.
            rows = query(conn, f"SELECT w.id, (SELECT COUNT(*) FROM {table}) FROM whoami w")
            assert rows[0][1] > 0, "a stale read"
            server = rows[0][0]
        else:
            server = served_by(conn)
        assert server in allowed, f"served by {server}, allowed {allowed}"
        seen.add(server)
        time.sleep(0.005)
    return seen


def listed(conn, table):
    """Waits until reads of a new table go to replicas: a name that the monitor has not listed yet
    could be a view over anything."""
    until(lambda: query(conn, f"SELECT w.id FROM whoami w LEFT JOIN {table} t ON 1 = 0") != ((0,),),
          what=f"{table} on a replica")


def spread(proxy, count=12, **options):
    """Which servers answer the first reads of several new sessions."""
    seen = set()
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            conn = stack.enter_context(contextlib.closing(proxy.connect(**options)))
            query(conn, "SELECT id FROM whoami")
            seen.add(served_by(conn))
    return seen


def detach(cluster, server):
    """Makes a replica a writable server of its own."""
    if cluster.flavor == "mariadb":
        steps = ["STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = OFF"]
    else:
        steps = ["STOP REPLICA", "RESET REPLICA ALL", "SET GLOBAL super_read_only = OFF",
                 "SET GLOBAL read_only = OFF"]
    for step in steps:
        cluster.sql(server, step)


def follow(cluster, server, primary):
    """Points a replica at another primary."""
    port = cluster.port(primary)
    if cluster.flavor == "mariadb":
        steps = ["STOP SLAVE", f"CHANGE MASTER TO MASTER_PORT = {port}", "START SLAVE"]
    else:
        steps = ["STOP REPLICA", f"CHANGE REPLICATION SOURCE TO SOURCE_PORT = {port}",
                 "START REPLICA"]
    for step in steps:
        cluster.sql(server, step)


def set_read_only(cluster, server, on):
    # MySQL's read_only does not stop accounts with as many privileges as the tests' have.
    if cluster.flavor == "mysql" and on:
        cluster.sql(server, "SET GLOBAL super_read_only = ON")
    else:
        cluster.sql(server, f"SET GLOBAL read_only = {'ON' if on else 'OFF'}")


# --- behind and ahead ------------------------------------------------------------------------


def test_a_stopped_replica_is_not_used_by_who_wrote(any_cluster, tidemark):
    cluster = any_cluster
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    listed(conn, table)
    cluster.stop_replication(1)
    query(conn, f"INSERT INTO {table} VALUES (1)")
    seen = all_in(cluster, conn, {0, 2}, 1.0, table)
    assert 2 in seen, "the other replica was not used"
    # Who has not written may read anywhere.
    assert 1 in spread(proxy)


def test_with_all_replicas_stopped_reads_stay_on_the_primary(any_cluster, tidemark):
    cluster = any_cluster
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    for server in cluster.replicas:
        cluster.stop_replication(server)
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (1)")
    all_in(cluster, conn, {0}, 0.7, table)
    for server in cluster.replicas:
        cluster.start_replication(server)
    until(lambda: served_by(conn) != 0, timeout=3, what="the session's return to a replica")
    all_in(cluster, conn, {0, 1, 2}, 0.2, table)


def test_failed_writes_raise_the_floor_too(cluster, tidemark):
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (1)")
    cluster.wait_caught_up()
    for server in cluster.replicas:
        cluster.stop_replication(server)
    # Somebody else's write, which the replicas do not have.
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (2)")
    conn = proxy.connect()
    assert served_by(conn) != 0
    with pytest.raises(pymysql.err.IntegrityError):
        query(conn, f"INSERT INTO {table} VALUES (1)")
    all_in(cluster, conn, {0}, 0.3)


def test_a_read_may_wait_for_a_replica(cluster, tidemark):
    """wait_ms: instead of the primary, a replica a little later."""
    proxy = tidemark(cluster, {"consistency": {"wait_ms": 2000}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    listed(conn, table)
    for n in range(10):
        query(conn, f"INSERT INTO {table} VALUES ({n})")
        rows = query(conn, f"SELECT w.id, (SELECT COUNT(*) FROM {table}) FROM whoami w")
        assert rows[0][0] != 0 and rows[0][1] == n + 1
    for server in cluster.replicas:
        cluster.stop_replication(server)
    query(conn, f"INSERT INTO {table} VALUES (100)")
    before = time.monotonic()
    assert served_by(conn) == 0
    assert 1.8 < time.monotonic() - before < 4


def test_max_lag_excludes_a_replica(any_cluster, tidemark):
    cluster = any_cluster
    proxy = tidemark(
        cluster, {"consistency": {"default": "eventual", "max_lag_ms": 1000}}, split=True)
    table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY")
    over = threading.Event()

    def keep_writing():
        with contextlib.closing(cluster.connect(0)) as direct:
            while not over.wait(0.02):
                query(direct, f"INSERT INTO {table} VALUES ()")

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        until(lambda: spread(proxy) == {1, 2}, what="reads on both replicas")
        cluster.stop_replication(1)
        stopped = time.monotonic()
        until(lambda: 1 not in spread(proxy), timeout=5, what="the lagging replica's exclusion")
        assert time.monotonic() - stopped > 0.7, "excluded before it was behind"
        assert spread(proxy) == {2}
        cluster.start_replication(1)
        until(lambda: 1 in spread(proxy), timeout=10, what="its return")
    finally:
        over.set()
        writer.join()


def test_an_idle_replica_is_not_lagging(cluster, tidemark):
    """Lag is what the primary has and the replica has not; with no writes there is none, however
    long ago the last one was."""
    proxy = tidemark(cluster, {"consistency": {"default": "eventual", "max_lag_ms": 500}},
                     split=True)
    time.sleep(1.2)
    assert spread(proxy) == {1, 2}


# --- servers come and go ---------------------------------------------------------------------


def test_a_killed_replica_costs_no_read(any_cluster, tidemark):
    cluster = any_cluster
    proxy = tidemark(cluster)
    over = threading.Event()
    errors, seen = [], []

    def read():
        try:
            with contextlib.closing(proxy.connect()) as conn:
                while not over.is_set():
                    seen.append((time.monotonic(), served_by(conn)))
        except Exception as error:
            errors.append(error)

    readers = [threading.Thread(target=read) for _ in range(6)]
    for reader in readers:
        reader.start()
    try:
        until(lambda: {server for _, server in seen[-200:]} >= {1, 2} or len(seen) > 500)
        cluster.kill(1)
        time.sleep(0.5)
        down = time.monotonic()
        time.sleep(0.5)
        assert 1 not in {server for at, server in seen if at > down}
        cluster.up(1)
        until(lambda: 1 in spread(proxy, 6), timeout=15, what="the restarted replica's use")
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert not errors, errors


def test_all_replicas_down_reads_go_to_the_primary(cluster, tidemark):
    proxy = tidemark(cluster)
    for server in cluster.replicas:
        cluster.kill(server)
    # A read whose connection was lost is not sent to the primary: it may be what killed the
    # replica. It fails, and soon; the next ones are the primary's.
    before = time.monotonic()

    def on_the_primary():
        with contextlib.closing(proxy.connect()) as conn:
            with contextlib.suppress(pymysql.err.OperationalError):
                return served_by(conn) == 0

    until(on_the_primary, timeout=20)
    assert time.monotonic() - before < 5
    all_in(cluster, proxy.connect(), {0}, 0.5)


def test_a_frozen_replica_is_left(cluster, tidemark):
    """It answers nothing and closes nothing: only time-outs tell."""
    proxy = tidemark(cluster)
    cluster.freeze(1)

    def usable():
        return spread(proxy, 4, read_timeout=5)

    def left():
        try:
            return usable() == {2}
        except pymysql.err.OperationalError:
            return False

    until(left, timeout=15, what="reads that avoid the frozen replica")
    cluster.thaw(1)
    until(lambda: 1 in usable(), timeout=10, what="its return")


def test_a_strangers_replica_is_not_used(cluster, mariadb_offset_cluster, tidemark):
    """A read-only server whose source is not our primary holds other data."""
    if cluster.flavor == "mysql":
        pytest.skip("one flavour shows it")
    stranger = mariadb_offset_cluster.address(1)
    proxy = tidemark(cluster, {"server stranger": {"address": stranger},
                               "server db2": None,
                               "consistency": {"default": "eventual"}}, split=True)
    conn = proxy.connect()
    all_in(cluster, conn, {1}, 0.6)
    assert mariadb_offset_cluster.connections_of(1) == []


def test_roles_follow_the_servers(own_cluster, tidemark):
    """A planned switch by hand, with a moment of two writable servers and one of none."""
    for flavor in ("mariadb", "mysql"):
        cluster = own_cluster(flavor)
        proxy = tidemark(cluster)
        table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY, server INT")
        conn = proxy.connect()
        insert = f"INSERT INTO {table} (server) VALUES (@@server_id)"

        # Two writable servers: the incumbent stays. Nothing is written meanwhile: server 2 would
        # have it and server 1 would not.
        detach(cluster, 1)
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            assert query(conn, "SELECT @@port") == ((cluster.port(0),),)
        # What has no source any more is no replica of it.
        assert 1 not in spread(proxy)

        # The incumbent turns read-only: the other one is primary within a poll or two.
        set_read_only(cluster, 0, True)
        at = time.monotonic()

        def written_to():
            try:
                query(conn, insert)
            except pymysql.err.MySQLError:
                return None
            rows = cluster.sql(1, f"SELECT COUNT(*) FROM test.{table} WHERE server = %s",
                               (cluster.port(1),))
            return rows[0][0]

        until(written_to, timeout=10, what=f"{flavor}: writes on the new primary")
        print(f"{flavor}: writes moved after {time.monotonic() - at:.2f} s")
        # The former primary replicates from nobody: it serves nothing. Nor does a replica of it.
        time.sleep(0.6)
        assert spread(proxy) == {1}

        # A replica that is pointed at the new primary serves again.
        if flavor == "mysql":
            follow(cluster, 2, 1)
            until(lambda: spread(proxy) == {2}, timeout=10, what="the re-pointed replica's use")

        # A primary that comes back writable is not made primary again.
        set_read_only(cluster, 0, False)
        time.sleep(0.6)
        for _ in range(10):
            query(conn, insert)
        assert cluster.scalar(0, f"SELECT COUNT(*) FROM test.{table}") == 0


def test_mariadb_a_diverged_replica_is_excluded(own_cluster, tidemark):
    """MariaDB compares sequence numbers only, so a replica with transactions of its own would look
    up to date."""
    cluster = own_cluster("mariadb")
    proxy = tidemark(cluster, {"consistency": {"default": "eventual"}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    until(lambda: spread(proxy) == {1, 2})
    # root may write on a read-only replica.
    cluster.sql(1, f"INSERT INTO test.{table} VALUES (1)")
    until(lambda: spread(proxy) == {2}, timeout=5, what="the diverged replica's exclusion")
    assert "diverged" in proxy.log_text()
    # The primary's own next write has the same sequence number: still excluded.
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (2)")
    time.sleep(0.6)
    assert spread(proxy) == {2}


# --- sessions that stay on the primary -------------------------------------------------------


def test_sql_log_bin_0_keeps_the_session_on_the_primary(cluster, tidemark):
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    query(conn, "SET SESSION sql_log_bin = 0")
    query(conn, f"INSERT INTO {table} VALUES (1)")
    query(conn, "SET SESSION sql_log_bin = 1")
    all_in(cluster, conn, {0}, 0.6, table)
    # Others do not notice.
    assert spread(proxy, 4) <= {1, 2}


def test_autocommit_0_reads_on_the_primary(cluster, tidemark):
    proxy = tidemark(cluster)
    conn = proxy.connect(autocommit=False)
    assert served_by(conn) == 0
    query(conn, "COMMIT")
    assert served_by(conn) == 0
    query(conn, "COMMIT")
    query(conn, "SET autocommit = 1")
    until(lambda: served_by(conn) != 0, timeout=3)


def test_reads_in_a_transaction_are_the_primarys(cluster, tidemark):
    proxy = tidemark(cluster)
    conn = proxy.connect()
    assert served_by(conn) != 0
    for begin in ("BEGIN", "START TRANSACTION", "START TRANSACTION READ WRITE",
                  "START TRANSACTION WITH CONSISTENT SNAPSHOT"):
        query(conn, begin)
        assert served_by(conn) == 0, begin
        assert served_by(conn) == 0, begin
        query(conn, "COMMIT")
    until(lambda: served_by(conn) != 0, timeout=3)


def test_a_read_only_transaction_is_a_replicas_as_a_whole(cluster, tidemark):
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    until(lambda: served_by(conn) != 0)
    query(conn, "START TRANSACTION READ ONLY")
    server = served_by(conn)
    assert server in cluster.replicas
    # Also what would otherwise be the primary's.
    assert query(conn, "SELECT @@port")[0][0] == cluster.port(server)
    assert served_by(conn) == server
    with pytest.raises(pymysql.err.MySQLError) as caught:
        query(conn, f"INSERT INTO {table} VALUES (1)")
    assert caught.value.args[0] == 1792
    assert served_by(conn) == server, "the transaction goes on after the refusal"
    query(conn, "COMMIT")
    query(conn, f"INSERT INTO {table} VALUES (1)")
    assert cluster.scalar(0, f"SELECT COUNT(*) FROM test.{table}") == 1


def test_a_read_only_transaction_after_a_write_respects_the_floor(cluster, tidemark):
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY")
    for server in cluster.replicas:
        cluster.stop_replication(server)
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (1)")
    query(conn, "START TRANSACTION READ ONLY")
    assert len(query(conn, f"SELECT id FROM {table}")) == 1
    query(conn, "COMMIT")


def test_locking_reads_and_what_changes_state_are_the_primarys(cluster, tidemark):
    proxy = tidemark(cluster)
    conn = proxy.connect()
    until(lambda: served_by(conn) != 0)
    for text in ("SELECT id FROM whoami FOR UPDATE", "SELECT id FROM whoami LOCK IN SHARE MODE",
                 "SELECT id FROM whoami WHERE SLEEP(0) = 0",
                 "SELECT id, @@port FROM whoami",
                 "SELECT id, CONNECTION_ID() FROM whoami"):
        assert query(conn, text)[0][0] == 0, text


def test_memory_tables_are_read_on_the_primary(cluster, tidemark):
    """They are empty on a replica that was restarted."""
    proxy = tidemark(cluster)
    table = cluster.create_table("id INT PRIMARY KEY", suffix="ENGINE=MEMORY")
    conn = proxy.connect()
    time.sleep(1)
    query(conn, "SELECT id FROM whoami")
    assert query(conn, f"SELECT w.id FROM whoami w LEFT JOIN {table} t ON t.id = w.id")[0][0] == 0


def test_a_view_over_a_function_is_read_on_the_primary(cluster, tidemark):
    proxy = tidemark(cluster)
    name = cluster.create_table("id INT PRIMARY KEY")
    cluster.sql(0, f"CREATE FUNCTION test.f_{name}() RETURNS INT DETERMINISTIC READS SQL DATA "
                   "RETURN 1")
    cluster.sql(0, f"CREATE VIEW test.v_{name} AS SELECT test.f_{name}() AS one")
    cluster.sql(0, f"CREATE VIEW test.p_{name} AS SELECT 1 AS one")
    cluster.wait_caught_up()
    conn = proxy.connect()

    def who(view):
        return query(conn, f"SELECT w.id FROM whoami w, {view} v")[0][0]

    assert who(f"v_{name}") == 0
    # A plain view is listed soon, and then read on a replica.
    until(lambda: who(f"p_{name}") != 0, timeout=5, what="a plain view on a replica")
    assert who(f"v_{name}") == 0
