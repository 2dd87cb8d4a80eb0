"""What the admin port shows of live traffic, and what its commands do to it."""

import contextlib
import re
import threading
import time

import pymysql
import pytest

from world import TOP, free_ports, query, served_by, until

pytestmark = pytest.mark.usefixtures("cluster")


# --- asking ----------------------------------------------------------------------------------


class Admin:
    """A connection to the admin port; rows come as dictionaries."""

    def __init__(self, proxy):
        self.port = int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])
        self.conn = pymysql.connect(host="127.0.0.1", port=self.port, user="admin",
                                    password="admin", autocommit=True, read_timeout=30,
                                    cursorclass=pymysql.cursors.DictCursor)

    def rows(self, text, args=None):
        with self.conn.cursor() as cursor:
            cursor.execute(text, args)
            return list(cursor.fetchall())

    def row(self, text, args=None):
        rows = self.rows(text, args)
        assert len(rows) == 1, rows
        return rows[0]

    def value(self, text, args=None):
        return next(iter(self.row(text, args).values()))

    def columns(self, table):
        with self.conn.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} LIMIT 0")
            return [column[0] for column in cursor.description]

    def server(self, name):
        return self.row("SELECT * FROM servers WHERE name = %s", (name,))

    def session(self, conn):
        return self.row("SELECT * FROM sessions WHERE id = %s", (conn.thread_id(),))


@pytest.fixture
def start(cluster, tidemark):
    """A proxy with an admin port, and a connection to that."""
    admins = []

    def start(settings=None):
        settings = {**(settings or {})}
        settings["proxy"] = {"admin": f"127.0.0.1:{free_ports()}", **settings.get("proxy", {})}
        proxy = tidemark(cluster, settings, split=True)
        admins.append(Admin(proxy))
        return proxy, admins[-1]

    yield start
    for admin in admins:
        with contextlib.suppress(pymysql.err.MySQLError):
            admin.conn.close()


class Background:
    """A call in a thread of its own; result() waits for it and raises what it raised."""

    def __init__(self, call):
        self.value = self.error = None

        def run():
            try:
                self.value = call()
            except BaseException as error:  # pylint: disable=broad-except
                self.error = error

        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    @property
    def is_done(self):
        return not self.thread.is_alive()

    def result(self, timeout=20):
        self.thread.join(timeout)
        assert self.is_done, "it is still waiting"
        if self.error is not None:
            raise self.error
        return self.value


# --- tables ----------------------------------------------------------------------------------

FIXED = {
    "servers": "name address role configured_role state usable why_not weight max_connections "
               "lag_ms horizon_age_ms latency_us idle leased opening waiting errors",
    "sessions": "id user client schema state since_ms running pins pinned_since_ms consistency "
                "floor_age_ms server",
    "connections": "id server user state session age_ms thread_id",
    "pools": "server user idle leased opening waiting longest_wait_ms",
    "statements": "digest text class count errors rows bytes p50_us p95_us p99_us replica_share "
                  "retries pins",
    "users": "name",
    "metrics": "name labels value",
}


def test_columns_are_the_fixed_ones_first(start):
    _, admin = start()
    for table, names in FIXED.items():
        assert admin.columns(table)[:len(names.split())] == names.split(), table


def test_servers_as_they_are(cluster, start):
    proxy, admin = start({"server db1": {"weight": 3, "max_connections": 7}})
    assert [row["role"] for row in admin.rows("SELECT role FROM servers ORDER BY name")] == [
        "primary", "replica", "replica"]
    db1 = admin.server("db1")
    assert (db1["address"], db1["configured_role"], db1["state"]) == (
        cluster.address(1), "auto", "up")
    assert (db1["weight"], db1["max_connections"], db1["usable"], db1["why_not"]) == (3, 7, 1, "")
    assert db1["flavor"] == cluster.flavor
    assert db1["version"] == cluster.scalar(1, "SELECT @@version")
    assert db1["lag_ms"] is not None and db1["latency_us"] > 0 and db1["looked_ms"] < 2000
    assert admin.server("db0")["lag_ms"] is None and admin.server("db0")["horizon_age_ms"] == 0

    # Behind: it does not apply, and the primary goes on.
    conn = proxy.connect()
    table = cluster.create_table("id INT PRIMARY KEY")
    cluster.stop_replication(1)
    query(conn, f"INSERT INTO {table} VALUES (1)")
    until(lambda: admin.server("db1")["lag_ms"] > 1000, what="lag of db1")
    assert admin.server("db1")["horizon_age_ms"] > 1000
    assert admin.value("SELECT max(lag_ms) FROM servers WHERE name <> 'db1'") < 1000
    cluster.start_replication(1)
    until(lambda: admin.server("db1")["lag_ms"] < 1000, what="db1 caught up")

    # Gone.
    cluster.kill(2)
    until(lambda: admin.server("db2")["state"] == "down", what="db2 down")
    db2 = admin.server("db2")
    assert db2["usable"] == 0 and db2["why_not"] != "" and db2["errors"] > 0
    assert db2["change"].startswith("down: ") and db2["changed_ms"] < 10000
    assert admin.rows("SELECT * FROM events WHERE subject = 'server db2' AND what = 'down'")


def test_session_at_rest_and_at_work(cluster, start):
    proxy, admin = start()
    conn = proxy.connect()
    session = admin.session(conn)
    assert (session["user"], session["schema"], session["state"]) == ("app", "test", "idle")
    assert session["client"].startswith("127.0.0.1:")
    assert session["pins"] == "" and session["pinned_since_ms"] is None
    assert session["running"] is None and session["floor_age_ms"] is None
    assert (session["consistency"], session["autocommit"]) == ("session", 1)

    time.sleep(0.5)
    assert 300 <= admin.session(conn)["since_ms"] < 5000
    where = served_by(conn)
    assert admin.session(conn)["last_read_server"] == f"db{where}"
    assert admin.session(conn)["last_read_ms"] < 2000

    table = cluster.create_table("id INT PRIMARY KEY")
    query(conn, f"INSERT INTO {table} VALUES (1)")
    session = admin.session(conn)
    assert session["floor_age_ms"] < 2000 and session["last_write_ms"] < 2000

    work = Background(lambda: query(conn, "SELECT SLEEP(4), 'secret', 4711"))
    until(lambda: admin.session(conn)["state"] == "running")
    session = admin.session(conn)
    assert (session["server"], session["command"]) == ("db0", "QUERY")
    assert session["running"] is None  # no server is known to have understood it
    until(lambda: admin.session(conn)["running"] is not None)
    session = admin.session(conn)
    assert session["running"] == "SELECT SLEEP (?), ?, ?" or (
        re.sub(r"\s", "", session["running"]) == "SELECTSLEEP(?),?,?")
    assert session["since_ms"] >= 1000
    assert session["thread_id"] in [row[0] for row in cluster.sql(
        0, "SELECT id FROM information_schema.processlist WHERE info LIKE '%%secret%%'")]
    work.result()
    until(lambda: admin.session(conn)["state"] == "idle")  # its trackers may still be fetched


PINS = {
    "transaction": ["BEGIN"],
    "temporary-table": ["CREATE TEMPORARY TABLE pinned (a INT)"],
    "user-variable": ["SET @a = @@port"],
    "lock-tables": ["LOCK TABLES whoami READ"],
    "get-lock": ["SELECT GET_LOCK('pinned', 1)"],
    "prepare": ["PREPARE s FROM 'SELECT 1'"],
    "found-rows": ["SELECT SQL_CALC_FOUND_ROWS id FROM whoami LIMIT 1"],
    "handler": ["HANDLER whoami OPEN"],
    "program": ["CALL pinning()"],
    "one-shot": ["SET TRANSACTION ISOLATION LEVEL READ COMMITTED"],
}


def test_pins_and_why(cluster, start):
    cluster.sql(0, "CREATE OR REPLACE PROCEDURE test.pinning() DO 1"
                if cluster.flavor == "mariadb" else "DROP PROCEDURE IF EXISTS test.pinning")
    if cluster.flavor == "mysql":
        cluster.sql(0, "CREATE PROCEDURE test.pinning() DO 1")
    proxy, admin = start()
    conns = {}
    for reason, statements in PINS.items():
        conns[reason] = proxy.connect()
        for statement in statements:
            query(conns[reason], statement)
    time.sleep(0.3)
    for reason, conn in conns.items():
        session = admin.session(conn)
        assert reason in session["pins"].split(","), session
        assert 250 <= session["pinned_since_ms"] < 20000, session
        assert session["server"] is not None
        digest = admin.value("SELECT digest FROM statements WHERE digest = %s",
                             (session["pinned_by"],))
        assert digest == session["pinned_by"]
    assert admin.value("SELECT pins FROM sessions WHERE id = %s",
                       (conns["transaction"].thread_id(),)) == "transaction"
    query(conns["lock-tables"], "UNLOCK TABLES")
    assert admin.session(conns["lock-tables"])["pins"] == ""
    query(conns["transaction"], "ROLLBACK")
    assert admin.session(conns["transaction"])["pins"] == ""
    conn = proxy.connect()
    query(conn, "INSERT INTO whoami SELECT 1 FROM DUAL WHERE 1 = 0")
    with contextlib.suppress(pymysql.err.MySQLError):
        query(conn, "SELECT nosuch FROM whoami")
    assert admin.session(conn)["pins"] == "warnings"


def test_connections_pools_users(cluster, start):
    proxy, admin = start({"server db0": {"max_connections": 2}, "pool": {"min_idle": 0}})
    holders = [proxy.connect() for _ in range(2)]
    for conn in holders:
        query(conn, "BEGIN")
        query(conn, "SELECT id FROM whoami")
    for conn in holders:
        mine = admin.row("SELECT * FROM connections WHERE session = %s", (conn.thread_id(),))
        assert (mine["server"], mine["user"], mine["state"]) == ("db0", "app", "leased")
        assert mine["thread_id"] == query(conn, "SELECT CONNECTION_ID() + 0")[0][0]
        joined = admin.row(
            "SELECT s.client, c.thread_id FROM sessions s JOIN connections c ON c.session = s.id "
            "WHERE s.id = %s", (conn.thread_id(),))
        assert joined["thread_id"] == mine["thread_id"]
    late = proxy.connect(database=None)
    waiting = Background(lambda: query(late, "INSERT INTO test.whoami SELECT 1 FROM DUAL WHERE 1 = 0"))
    until(lambda: admin.session(late)["waits_for"] == "connection")
    time.sleep(0.3)
    pool = admin.row("SELECT * FROM pools WHERE server = 'db0' AND user = 'app'")
    assert (pool["leased"], pool["waiting"]) == (2, 1) and pool["longest_wait_ms"] >= 300
    db0 = admin.server("db0")
    assert (db0["leased"], db0["waiting"]) == (2, 1) and db0["longest_wait_ms"] >= 300
    user = admin.row("SELECT * FROM users WHERE name = 'app'")
    assert (user["clients"], user["waiting"]) == (3, 1) and user["leased"] == 2
    assert user["password"] == "********"
    assert "app" not in [row["password"] for row in admin.rows("SELECT password FROM users")]
    query(holders[0], "COMMIT")
    waiting.result()
    query(holders[1], "COMMIT")
    pool = admin.row("SELECT * FROM pools WHERE server = 'db0' AND user = 'app'")
    assert (pool["leased"], pool["waiting"], pool["longest_wait_ms"]) == (0, 0, None)


def test_statements(cluster, start):
    proxy, admin = start()
    conn = proxy.connect()
    table = cluster.create_table("id INT PRIMARY KEY, word VARCHAR(20)")
    for i in range(5):
        query(conn, f"INSERT INTO {table} VALUES ({i}, 'secret')")
    cluster.wait_caught_up()
    until(lambda: admin.rows(f"EXPLAIN ROUTE SELECT word FROM {table} FOR SESSION "
                             f"{conn.thread_id()}")[0]["chosen"] == 0, what="it is read on replicas")
    for i in range(20):
        query(conn, f"SELECT word FROM {table} WHERE id = {i % 5}")
    with pytest.raises(pymysql.err.MySQLError):
        query(conn, f"INSERT INTO {table} VALUES (1, 'secret')")
    write = admin.row(f"SELECT * FROM statements WHERE text LIKE 'INSERT INTO {table}%%'")
    read = admin.row(f"SELECT * FROM statements WHERE text LIKE 'SELECT word FROM {table}%%'")
    assert (write["class"], write["count"], write["errors"]) == ("write", 6, 1)
    assert write["replica_share"] == 0
    assert (read["class"], read["count"], read["errors"], read["rows"]) == ("read", 20, 0, 20)
    assert 0 < read["p50_us"] <= read["p95_us"] <= read["p99_us"]
    assert 0.5 < read["replica_share"] <= 1 and read["bytes"] > 20
    assert not admin.rows("SELECT * FROM statements WHERE text LIKE '%%secret%%'")
    admin.rows("RESET STATEMENTS")
    assert not admin.rows("SELECT * FROM statements")


# --- commands --------------------------------------------------------------------------------


def test_drained_server_gets_no_more_statements(cluster, start):
    proxy, admin = start()
    reader = proxy.connect()
    query(reader, "START TRANSACTION READ ONLY")
    where = served_by(reader)
    name = f"db{where}"
    holder = proxy.connect()
    query(holder, "SET @held = 1")
    stop = threading.Event()

    def read_on():
        conn = proxy.connect()
        seen = []
        while not stop.is_set():
            seen.append((time.monotonic(), served_by(conn)))
        return seen

    traffic = [Background(read_on) for _ in range(4)]
    time.sleep(0.5)
    admin.rows(f"DRAIN SERVER {name}")
    drained_at = time.monotonic()
    assert admin.server(name)["state"] == "draining" and admin.server(name)["usable"] == 0
    time.sleep(1)
    assert served_by(reader) == where  # its transaction goes on
    until(lambda: admin.value("SELECT count(*) FROM connections WHERE server = %s", (name,)) == 1,
          what="only the transaction's connection left")
    query(reader, "COMMIT")
    until(lambda: admin.value("SELECT count(*) FROM connections WHERE server = %s", (name,)) == 0)
    admin.rows(f"ENABLE SERVER {name}")
    enabled_at = time.monotonic()
    until(lambda: admin.server(name)["state"] == "up")
    stop.set()
    seen = [answer for reads in traffic for answer in reads.result()]
    # What began before the command may have ended a moment after it.
    assert not [at for at, server in seen if drained_at + 0.05 < at < enabled_at
                and server == where]
    assert [at for at, server in seen if at < drained_at and server == where]
    until(lambda: where in {served_by(proxy.connect()) for _ in range(4)}, what="its share")
    with pytest.raises(pymysql.err.MySQLError, match="nosuch"):
        admin.rows("DRAIN SERVER nosuch")


def test_update_of_state_drains_too(start):
    proxy, admin = start()
    admin.rows("UPDATE servers SET state = 'draining' WHERE name = 'db1'")
    assert admin.server("db1")["state"] == "draining"
    conn = proxy.connect()
    assert {served_by(conn) for _ in range(20)} <= {0, 2}
    admin.rows("UPDATE servers SET state = 'up' WHERE name = 'db1'")
    until(lambda: admin.server("db1")["state"] == "up")
    with pytest.raises(pymysql.err.MySQLError, match="draining"):
        admin.rows("UPDATE servers SET state = 'down' WHERE name = 'db1'")
    assert admin.server("db1")["state"] == "up"


def test_drained_primary_is_waited_for(cluster, start):
    proxy, admin = start({"proxy": {"failover_wait_ms": 2000}})
    table = cluster.create_table("id INT PRIMARY KEY")
    busy = proxy.connect()
    query(busy, "BEGIN")
    query(busy, f"INSERT INTO {table} VALUES (1)")
    conn = proxy.connect()
    admin.rows("DRAIN SERVER db0")
    write = Background(lambda: query(conn, f"INSERT INTO {table} VALUES (2)"))
    until(lambda: admin.session(conn)["waits_for"] == "server")
    query(busy, f"INSERT INTO {table} VALUES (3)")
    query(busy, "COMMIT")
    assert not write.is_done
    admin.rows("ENABLE SERVER db0")
    write.result(5)
    admin.rows("DRAIN SERVER db0")
    with pytest.raises(pymysql.err.MySQLError, match="db0 is not usable: draining"):
        query(conn, f"INSERT INTO {table} VALUES (4)")
    assert len(cluster.sql(0, f"SELECT id FROM test.{table}")) == 3


def test_shutdown_lets_transactions_end(cluster, start):
    proxy, admin = start({"proxy": {"drain_timeout_ms": 20000}})
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    query(conn, "BEGIN")
    query(conn, f"INSERT INTO {table} VALUES (1)")
    admin.rows("SHUTDOWN")
    time.sleep(0.5)
    with pytest.raises(pymysql.err.MySQLError):
        proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (2)")
    query(conn, "COMMIT")
    assert proxy.process.wait(10) == 0
    assert len(cluster.sql(0, f"SELECT id FROM test.{table}")) == 2


def test_shutdown_now(cluster, start):
    proxy, admin = start({"proxy": {"drain_timeout_ms": 60000}})
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    query(conn, "BEGIN")
    query(conn, f"INSERT INTO {table} VALUES (1)")
    began = time.monotonic()
    admin.rows("SHUTDOWN NOW")
    assert proxy.process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert not cluster.sql(0, f"SELECT id FROM test.{table}")


def test_pause_holds_and_resume_lets_go(cluster, start):
    proxy, admin = start()
    table = cluster.create_table("id INT PRIMARY KEY")
    busy = proxy.connect()
    query(busy, "BEGIN")
    query(busy, f"INSERT INTO {table} VALUES (1)")
    idle = proxy.connect()
    running = proxy.connect()
    work = Background(lambda: query(running, "SELECT SLEEP(1)"))
    time.sleep(0.3)
    admin.rows("PAUSE")
    held = [Background(lambda: query(idle, f"INSERT INTO {table} VALUES (2)"))]
    late = proxy.connect(database=None)  # a login that needs no server
    held.append(Background(lambda: query(late, "SELECT id FROM test.whoami")))
    until(lambda: admin.value("SELECT count(*) FROM sessions WHERE waits_for = 'resume'") == 2)
    work.result()  # what ran has ended
    query(busy, f"INSERT INTO {table} VALUES (3)")  # a transaction goes on to its end
    query(busy, "COMMIT")
    held.append(Background(lambda: query(busy, f"INSERT INTO {table} VALUES (4)")))
    time.sleep(1.5)
    assert not any(call.is_done for call in held)
    assert sorted(cluster.sql(0, f"SELECT id FROM test.{table}")) == [(1,), (3,)]
    assert admin.value("SELECT count(*) FROM connections WHERE state = 'leased'") == 0
    admin.rows("RESUME")
    for call in held:
        call.result(5)
    assert len(cluster.sql(0, f"SELECT id FROM test.{table}")) == 4
    assert [row["what"] for row in admin.rows(
        "SELECT what FROM events WHERE subject = 'admin' ORDER BY number")][-2:] == [
            "paused", "resumed"]


def test_kill_of_a_running_statement(cluster, start):
    """The server ends it too, and its locks are free."""
    proxy, admin = start()
    table = cluster.create_table("id INT PRIMARY KEY, n INT")
    query(proxy.connect(), f"INSERT INTO {table} VALUES (1, 0)")
    victim = proxy.connect()
    query(victim, "BEGIN")
    query(victim, f"UPDATE {table} SET n = 1")
    work = Background(lambda: query(victim, "SELECT BENCHMARK(1000000000000, SHA2('a', 256))"))
    until(lambda: admin.session(victim)["state"] == "running")
    thread = admin.session(victim)["thread_id"]
    admin.rows(f"KILL SESSION {victim.thread_id()}")
    with pytest.raises(pymysql.err.MySQLError) as killed:
        work.result()
    assert killed.value.args[0] in (1927, 1053)
    other = proxy.connect()
    assert Background(lambda: query(other, f"UPDATE {table} SET n = 2")).result(10) == ()
    until(lambda: not cluster.sql(
        0, f"SELECT 1 FROM information_schema.processlist WHERE id = {thread}"),
        what="the end of the server's thread")
    assert not admin.rows("SELECT * FROM sessions WHERE id = %s", (victim.thread_id(),))
    assert cluster.sql(0, f"SELECT n FROM test.{table}") == ((2,),)
    with pytest.raises(pymysql.err.MySQLError, match="no session"):
        admin.rows("KILL SESSION 4000000000")


def test_kill_of_a_session_between_statements(cluster, start):
    proxy, admin = start()
    table = cluster.create_table("id INT PRIMARY KEY")
    victim = proxy.connect()
    query(victim, "BEGIN")
    query(victim, f"INSERT INTO {table} VALUES (1)")
    thread = admin.session(victim)["thread_id"]
    admin.rows(f"KILL SESSION {victim.thread_id()}")
    with pytest.raises(pymysql.err.MySQLError) as lost:
        query(victim, "SELECT 1")
    assert lost.value.args[0] in (2006, 2013)
    until(lambda: not cluster.sql(
        0, f"SELECT 1 FROM information_schema.processlist WHERE id = {thread}"))
    assert Background(lambda: query(proxy.connect(), f"INSERT INTO {table} VALUES (1)")).result() \
        == ()


def test_explain_route_agrees_with_what_happens(cluster, start):
    proxy, admin = start()
    table = cluster.create_table("id INT PRIMARY KEY")
    until(lambda: admin.rows(f"EXPLAIN ROUTE SELECT id FROM {table}")[0]["target"] == "replica",
          what="the catalog has the new table")

    def chosen(text, session=None, user=None):
        suffix = f" FOR SESSION {session}" if session else f" FOR USER {user}" if user else ""
        rows = admin.rows(f"EXPLAIN ROUTE {text}{suffix}")
        assert list(rows[0])[:4] == ["server", "role", "chosen", "reason"]
        assert [row["server"] for row in rows] == ["db0", "db1", "db2"]
        assert all(row["reason"] for row in rows)
        picked = [row for row in rows if row["chosen"]]
        assert len(picked) == 1
        return picked[0]

    conn = proxy.connect()
    me = conn.thread_id()
    read = f"SELECT id FROM {table}"
    assert chosen(read)["role"] == "replica" and chosen(read)["schema"] == "test"
    assert chosen(read)["why"] == "plain read" and chosen(read)["class"] == "read"
    assert chosen(f"INSERT INTO {table} VALUES (9)")["role"] == "primary"
    assert chosen("SELECT @@hostname")["role"] == "primary"
    assert chosen(f"SELECT id FROM {table} FOR UPDATE")["role"] == "primary"
    assert chosen("CALL x()")["pins"] == "program"

    assert chosen("SELECT id FROM whoami", me)["server"] == f"db{served_by(conn)}"
    # It has written, and the replicas stand still: the primary.
    for server in cluster.replicas:
        cluster.stop_replication(server)
    query(conn, f"INSERT INTO {table} VALUES (1)")
    row = chosen("SELECT id FROM whoami", me)
    assert row["server"] == "db0" and row["floor_age_ms"] > 0
    reasons = [r["reason"] for r in admin.rows(f"EXPLAIN ROUTE {read} FOR SESSION {me}")]
    assert all("below the floor" in reason for reason in reasons[1:])
    assert served_by(conn) == 0
    for server in cluster.replicas:
        cluster.start_replication(server)
    cluster.wait_caught_up()
    until(lambda: served_by(conn) != 0)
    assert chosen("SELECT id FROM whoami", me)["role"] == "replica"

    query(conn, "BEGIN")
    row = chosen("SELECT id FROM whoami", me)
    assert row["server"] == "db0" and "transaction" in row["reason"]
    assert served_by(conn) == 0
    query(conn, "COMMIT")

    # Another user's reads have other rules.
    admin.rows("UPDATE users SET consistency = 'strong' WHERE name = 'app2'")
    assert chosen(read, user="app2")["role"] == "primary"
    assert chosen(read, user="app2")["consistency"] == "strong"
    strong = proxy.connect(user="app2", password="app2")
    assert {served_by(strong) for _ in range(5)} == {0}
    with pytest.raises(pymysql.err.MySQLError, match="nosuch"):
        admin.rows(f"EXPLAIN ROUTE {read} FOR USER nosuch")


def test_trace(cluster, start):
    proxy, admin = start()
    conn = proxy.connect()
    table = cluster.create_table("id INT PRIMARY KEY")
    assert admin.rows(f"TRACE SESSION {conn.thread_id()}") == []
    query(conn, f"INSERT INTO {table} VALUES (4711)")
    where = served_by(conn)
    lines = admin.rows(f"TRACE SESSION {conn.thread_id()}")
    assert [line["class"] for line in lines] == ["write", "read"]
    write, read = lines
    assert write["server"] == "db0" and write["why"] == "changes data"
    assert read["server"] == f"db{where}"
    assert "4711" not in str(lines) and table in write["text"]
    assert all(line["took_us"] > 0 for line in lines)
    assert admin.rows(f"TRACE SESSION {conn.thread_id()} OFF")[-1]["class"] == "read"
    query(conn, "SELECT id FROM whoami")
    assert admin.rows(f"TRACE SESSION {conn.thread_id()}") == []
    with pytest.raises(pymysql.err.MySQLError, match="no session"):
        admin.rows("TRACE SESSION 4000000000")


# --- changes ---------------------------------------------------------------------------------


def test_new_server_gets_its_share(cluster, start):
    proxy, admin = start({"server db2": None})
    conns = [proxy.connect() for _ in range(8)]
    assert {served_by(conn) for conn in conns} <= {0, 1}
    admin.rows("INSERT INTO servers (name, address) VALUES ('new', %s)", (cluster.address(2),))
    until(lambda: admin.server("new")["usable"] == 1, what="the new server is usable")
    until(lambda: {served_by(proxy.connect()) for _ in range(8)} == {1, 2}, what="its share")
    admin.rows("DELETE FROM servers WHERE name = 'new'")
    assert {served_by(conn) for conn in conns} <= {0, 1}
    assert not admin.rows("SELECT * FROM servers WHERE name = 'new'")


def test_changes_are_checked_as_a_whole(cluster, start):
    _, admin = start()
    before = admin.rows("SELECT name, address, weight, max_connections FROM servers")
    for statement in ("UPDATE servers SET weight = -1",
                      "UPDATE servers SET address = 'not an address' WHERE name = 'db1'",
                      "UPDATE servers SET weight = CASE name WHEN 'db2' THEN 'x' ELSE 5 END",
                      "INSERT INTO servers (name, address) VALUES ('db1', '127.0.0.1:1')",
                      "INSERT INTO servers (name) VALUES ('bare')",
                      "UPDATE servers SET name = 'other' WHERE name = 'db1'",
                      "UPDATE servers SET role = 'primary' WHERE name = 'db1'",
                      "UPDATE users SET consistency = 'often' WHERE name = 'app'"):
        with pytest.raises(pymysql.err.MySQLError):
            admin.rows(statement)
            pytest.fail(statement)
    assert admin.rows("SELECT name, address, weight, max_connections FROM servers") == before
    admin.rows("UPDATE servers SET weight = 5, max_connections = 50 WHERE name = 'db1'")
    db1 = admin.server("db1")
    assert (db1["weight"], db1["max_connections"]) == (5, 50)


def test_users_come_and_go(cluster, start):
    proxy, admin = start({"user app2": None})
    with pytest.raises(pymysql.err.MySQLError):
        proxy.connect(user="app2", password="app2")
    admin.rows("INSERT INTO users (name, password) VALUES ('app2', 'app2')")
    conn = proxy.connect(user="app2", password="app2")
    assert query(conn, "SELECT 1") == ((1,),)
    admin.rows("UPDATE users SET max_connections = 1 WHERE name = 'app2'")
    with pytest.raises(pymysql.err.MySQLError) as refused:
        proxy.connect(user="app2", password="app2")
    assert refused.value.args[0] == 1203
    admin.rows("DELETE FROM users WHERE name = 'app2'")
    with pytest.raises(pymysql.err.MySQLError):
        proxy.connect(user="app2", password="app2")


# --- the README's questions ------------------------------------------------------------------


def readme_queries():
    """The SQL of the README's section about questions, one string each."""
    section = re.search(r"^## Questions and answers\n(.*?)^## ", TOP.joinpath("README.md").read_text(),
                        re.S | re.M).group(1)
    return [text.strip().rstrip(";") for text in re.findall(r"```sql\n(.*?)```", section, re.S)]


def test_questions_of_the_readme(cluster, start):
    proxy, admin = start()
    conn = proxy.connect()
    query(conn, "BEGIN")
    query(conn, "SELECT id + 1 FROM whoami")  # a read that the primary serves
    served_by(proxy.connect())
    queries = readme_queries()
    assert len(queries) >= 5
    answers = [admin.rows(text.replace("4711", str(conn.thread_id()))) for text in queries]
    for text, rows in zip(queries, answers):
        assert rows, text
    why, not_on_replicas, pinned, users, pools, slow, behind = answers
    assert [row["reason"] for row in why if row["chosen"]] == [
        "the session holds a connection to it (transaction)"]
    assert "the session is pinned to its connection" in [row["why"] for row in not_on_replicas]
    assert (pinned[0]["id"], pinned[0]["pins"]) == (conn.thread_id(), "transaction")
    assert pinned[0]["pinned_by"].startswith("BEGIN")
    assert [row["id"] for row in users] == [conn.thread_id()]
    assert {row["server"] for row in pools} > {"db0"}
    assert all(row["p50_us"] <= row["p99_us"] for row in slow)
    assert [row["name"] for row in behind] and all(row["lag_ms"] < 5000 for row in behind)
