"""A connection to the server is lost while a write is on its way: the server may go on and commit
it. The session reads on the primary until the server's thread is gone, and then behind it."""

import contextlib
import socket
import struct
import threading
import time

import pymysql
import pytest

from world import free_ports, query, served_by, until


class Relay:
    """Between the proxy and a server: connections that can be cut on one side or on both."""

    def __init__(self, target):
        self.target = target
        self.port = free_ports()
        self.pairs = {}  # by the port from which the server is spoken to: (proxy's side, server's)
        self.cut_off = set()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                self.pairs[far.getsockname()[1]] = (near, far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            if source not in self.cut_off:
                sink.shutdown(socket.SHUT_WR)

    @staticmethod
    def _reset(end):
        with contextlib.suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            end.shutdown(socket.SHUT_RD)  # wakes the pump, which holds on to the descriptor
        end.close()

    def cut(self, port):
        """The proxy loses this connection; the server sees nothing of it yet."""
        self.cut_off.add(self.pairs[port][0])
        self._reset(self.pairs[port][0])

    def let_go(self, port):
        """The server sees that the connection is over."""
        self._reset(self.pairs.pop(port)[1])

    def close(self):
        self.listener.close()
        for pair in list(self.pairs.values()):
            for end in pair:
                self._reset(end)


@pytest.fixture
def relay(cluster):
    with contextlib.closing(Relay(cluster.port(0))) as made:
        yield made


def settings(relay, **monitor):
    return {"server db0": {"address": f"127.0.0.1:{relay.port}"}, "monitor": monitor}


@pytest.fixture
def table(cluster):
    name = cluster.create_table("id INT PRIMARY KEY, n INT")
    cluster.sql(0, f"INSERT INTO test.{name} VALUES (1, 0)")
    cluster.wait_caught_up()
    return name


def value(conn, table):
    return query(conn, f"SELECT n FROM {table} WHERE id = 1")[0][0]


@contextlib.contextmanager
def waiting_write(cluster, conn, table):
    """A session's UPDATE to n = 2, which waits for a lock until the other transaction ends. Gives
    the port from which the server is spoken to, and a list for the session's error."""
    errors = []

    def update():
        try:
            query(conn, f"UPDATE {table} SET n = 2 WHERE id = 1")
        except pymysql.err.MySQLError as error:
            errors.append(error)

    def waits():
        return cluster.sql(0, """SELECT host FROM information_schema.processlist
                                 WHERE user = 'app' AND info LIKE 'UPDATE%%'""")

    with contextlib.closing(cluster.root(0)) as holder:
        query(holder, "BEGIN")
        query(holder, f"SELECT * FROM test.{table} FOR UPDATE")
        thread = threading.Thread(target=update)
        thread.start()
        ((host,),) = until(waits, what="the write")

        def lost():
            thread.join(20)
            return errors[0].args[0] if errors else None

        yield int(host.rsplit(":")[-1]), holder, lost


def stays_on_the_primary(conn, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert served_by(conn) == 0
        time.sleep(0.02)


def test_a_lost_write_is_read_when_it_commits(cluster, tidemark, relay, table):
    proxy = tidemark(cluster, settings(relay), split=True)
    conn, other = proxy.connect(), proxy.connect()
    with waiting_write(cluster, conn, table) as (port, holder, lost):
        relay.cut(port)
        relay.let_go(port)
        assert lost() == 2013
        stays_on_the_primary(conn, 1)
        assert value(conn, table) == 0
        assert served_by(other) != 0
        for server in cluster.replicas:
            cluster.stop_replication(server)
        query(holder, "COMMIT")
    until(lambda: value(conn, table) == 2, what="the lost write")
    stays_on_the_primary(conn, 1)
    assert value(conn, table) == 2
    for server in cluster.replicas:
        cluster.start_replication(server)
    until(lambda: served_by(conn) != 0, what="a read on a replica")
    assert value(conn, table) == 2
    assert served_by(conn) != 0


def test_a_lost_write_is_never_missed_on_a_replica(cluster, tidemark, relay, table):
    """Reads all the time while it commits: once seen it is not lost from sight, and the first read
    on a replica sees it."""
    proxy = tidemark(cluster, settings(relay, poll_ms=50), split=True)
    conn = proxy.connect()
    for round_ in range(5):
        cluster.sql(0, f"UPDATE test.{table} SET n = 0")
        with waiting_write(cluster, conn, table) as (port, holder, lost):
            relay.cut(port)
            relay.let_go(port)
            assert lost() == 2013
            threading.Timer(0.2, query, (holder, "COMMIT")).start()
            seen = []

            def on_a_replica():
                seen.append(query(
                    conn, f"SELECT n, (SELECT id FROM whoami) FROM {table} WHERE id = 1")[0])
                return seen[-1][1] != 0

            until(on_a_replica, interval=0.001, what="a read on a replica")
        values = [n for n, _ in seen]
        assert values == sorted(values), (round_, values)
        assert values[0] == 0 and values[-1] == 2, (round_, seen[-3:])


def test_a_thread_that_the_server_keeps_is_waited_for(cluster, tidemark, relay, table):
    """The server does not notice that its client is gone. Its thread has committed and sleeps, but
    it could have more to do: nobody knows what was on the way to it."""
    proxy = tidemark(cluster, settings(relay), split=True)
    conn = proxy.connect()
    with waiting_write(cluster, conn, table) as (port, holder, lost):
        relay.cut(port)
        assert lost() == 2013
        query(holder, "COMMIT")
    until(lambda: value(conn, table) == 2, what="the lost write")
    cluster.wait_caught_up()
    stays_on_the_primary(conn, 2)
    relay.let_go(port)
    until(lambda: served_by(conn) != 0, what="a read on a replica")
    assert value(conn, table) == 2


def test_a_restart_ends_the_thread(cluster, tidemark, table):
    """The server crashes with the write on its way. What has the thread's number afterwards is
    another one."""
    proxy = tidemark(cluster, split=True)
    conn = proxy.connect()
    with waiting_write(cluster, conn, table) as (_, holder, lost):
        cluster.kill(0)
        assert lost() == 2013
    cluster.up(0)
    cluster.heal()
    proxy.wait_split(30)
    until(lambda: served_by(conn) != 0, 30, what="a read on a replica")
    assert value(conn, table) == 0


def test_an_account_that_sees_only_its_own_threads_proves_nothing(cluster, tidemark, relay, table):
    granted = ("REPLICATION CLIENT, SLAVE MONITOR, BINLOG MONITOR, SELECT, SHOW VIEW"
               if cluster.flavor == "mariadb" else "REPLICATION CLIENT, SELECT, SHOW VIEW")
    cluster.sql(0, f"CREATE USER blind IDENTIFIED BY 'blind'; GRANT {granted} ON *.* TO blind")
    cluster.wait_caught_up()
    try:
        proxy = tidemark(cluster, settings(relay, user="blind", password="blind"), split=True)
        conn = proxy.connect()
        with waiting_write(cluster, conn, table) as (port, holder, lost):
            relay.cut(port)
            relay.let_go(port)
            assert lost() == 2013
            stays_on_the_primary(conn, 1)
            assert value(conn, table) == 0
            query(holder, "COMMIT")
        until(lambda: value(conn, table) == 2, what="the lost write")
        stays_on_the_primary(conn, 1)
        assert proxy.log_text().count("threads are not shown") == 1
    finally:
        cluster.sql(0, "DROP USER blind")


def test_nothing_is_asked_about_threads_without_need(cluster, tidemark, table):
    cluster.sql(0, "SET GLOBAL general_log = 1, GLOBAL log_output = 'TABLE'")
    try:
        cluster.sql(0, "TRUNCATE mysql.general_log")
        proxy = tidemark(cluster, split=True)
        conn = proxy.connect()
        query(conn, f"UPDATE {table} SET n = 1")
        until(lambda: served_by(conn) != 0, what="a read on a replica")
        time.sleep(0.5)
        asked = cluster.scalar(0, """SELECT COUNT(*) FROM mysql.general_log
            WHERE user_host LIKE 'mon%%' AND argument LIKE '%%PROCESSLIST%%'""")
        assert asked == 0
    finally:
        cluster.sql(0, "SET GLOBAL general_log = 0")
