"""Few server connections for many clients: limits, waiting, errors, what is kept, who is chosen."""

import contextlib
import re
import threading
import time

import pymysql
import pytest

from world import query, served_by, until


def at_most(cluster, servers, **limits):
    """Settings that limit connections to some servers."""
    return {f"server db{i}": limits for i in servers}


class Watch:
    """Looks all the time how many connections the application has on each server."""

    def __init__(self, cluster, user="app"):
        self.cluster = cluster
        self.user = user
        self.highest = dict.fromkeys(cluster.servers, 0)
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in cluster.servers]

    def _run(self, server):
        with contextlib.closing(self.cluster.root(server)) as root:
            while not self.over.wait(0.005):
                rows = query(root, "SELECT COUNT(*) FROM information_schema.processlist"
                                   f" WHERE user = '{self.user}'")
                self.highest[server] = max(self.highest[server], rows[0][0])

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def together(count, work):
    """Runs work(number) in `count` threads; returns what they raised."""
    errors = []

    def guarded(number):
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


# --- limits ----------------------------------------------------------------------------------


def test_max_connections_is_a_hard_limit(cluster, tidemark):
    """Two workers, fifty clients, writes and transactions and reads: never one connection more."""
    limits = at_most(cluster, cluster.servers, max_connections=5)
    proxy = tidemark(cluster, limits, split=True)
    table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY, n INT")
    end = time.monotonic() + 3
    counts = [0] * 50

    def client(number):
        with contextlib.closing(proxy.connect()) as conn:
            while time.monotonic() < end:
                query(conn, f"INSERT INTO {table} (n) VALUES ({number})")
                query(conn, f"SELECT COUNT(*) FROM {table} WHERE id = {number}")
                query(conn, "BEGIN")
                query(conn, f"UPDATE {table} SET n = n + 1 WHERE id = {number}")
                query(conn, "COMMIT")
                counts[number] += 1

    with Watch(cluster) as watch:
        errors = together(50, client)
    print(f"{cluster.flavor}: most connections at once {watch.highest}, {sum(counts)} rounds,"
          f" {min(counts)} to {max(counts)} each")
    assert not errors, errors[:5]
    assert max(watch.highest.values()) <= 5, watch.highest
    assert watch.highest[0] >= 4, "the limit was not even reached"
    # Nobody starved.
    assert min(counts) > 0


def test_a_limit_of_one_serves_many(cluster, tidemark):
    """A permit moves between workers: with one connection in all, clients of both get through."""
    proxy = tidemark(cluster, {**at_most(cluster, cluster.servers, max_connections=1),
                               "proxy": {"workers": 3}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY, n INT")
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (1, 0)")

    def client(_):
        with contextlib.closing(proxy.connect()) as conn:
            for _ in range(20):
                query(conn, f"UPDATE {table} SET n = n + 1 WHERE id = 1")

    with Watch(cluster) as watch:
        errors = together(20, client)
    assert not errors, errors[:5]
    assert watch.highest[0] == 1, watch.highest
    assert cluster.scalar(0, f"SELECT n FROM test.{table}") == 400


def test_the_limit_holds_as_the_server_counts(cluster, tidemark):
    """The account may have as many connections as the proxy may open. Sessions with and without a
    schema, and with other capabilities, need other connections: one is closed for each that is
    opened, and the server must never count both."""
    proxy = tidemark(cluster, {**at_most(cluster, [0], max_connections=2),
                               "consistency": {"default": "strong"}})
    until(lambda: connects(proxy, user="app2", password="app2"))
    for connection in cluster.connections_of(0, "app2"):
        cluster.sql(0, f"KILL {connection}")
    with limited_account(cluster, "app2", 2):
        def client(number):
            flags = pymysql.constants.CLIENT.FOUND_ROWS if number % 3 == 0 else 0
            with contextlib.closing(proxy.connect(
                    user="app2", password="app2", client_flag=flags,
                    database="test" if number % 2 else None)) as conn:
                for _ in range(10):
                    query(conn, "SELECT id FROM test.whoami FOR UPDATE")

        errors = together(8, client)
    assert not errors, errors[:5]


@contextlib.contextmanager
def limited_account(cluster, user, limit):
    def set_limit(number):
        with contextlib.closing(cluster.root(0)) as root:
            query(root, "SET sql_log_bin = 0")
            query(root, f"ALTER USER {user} WITH MAX_USER_CONNECTIONS {number}")
    set_limit(limit)
    try:
        yield
    finally:
        set_limit(0)


def test_many_clients_share_few_connections(cluster, tidemark):
    proxy = tidemark(cluster)
    conns = [proxy.connect() for _ in range(100)]
    for _ in range(3):
        for conn in conns:
            served_by(conn)
            query(conn, "SELECT @@port")
    for server in cluster.servers:
        assert len(cluster.connections_of(server)) <= 4, server


def test_full_with_a_deadline_says_why(cluster, tidemark):
    proxy = tidemark(cluster, {**at_most(cluster, [0], max_connections=2),
                               "pool": {"wait_timeout_ms": 500}}, split=True)
    holders, waiting = [proxy.connect() for _ in range(2)], proxy.connect()
    for holder in holders:
        query(holder, "BEGIN")
        query(holder, "SELECT @@port")
    before = time.monotonic()
    with pytest.raises(pymysql.err.MySQLError) as caught:
        query(waiting, "SELECT @@port")
    assert 0.4 < time.monotonic() - before < 2
    print(caught.value)
    code, text = caught.value.args
    assert code == 1203 or code == 1040, caught.value
    assert "db0" in text and re.search(r"\b2\b", text), text
    # The session lives on, and gets through once there is room.
    query(holders[0], "COMMIT")
    assert query(waiting, "SELECT @@port")[0][0] == cluster.port(0)


def test_waiters_come_in_the_order_in_which_they_came(cluster, tidemark):
    proxy = tidemark(cluster, {**at_most(cluster, [0], max_connections=1),
                               "proxy": {"workers": 2}}, split=True)
    holder = proxy.connect()
    conns = [proxy.connect() for _ in range(10)]
    query(holder, "BEGIN")
    query(holder, "SELECT @@port")
    table = cluster.create_table("place INT AUTO_INCREMENT PRIMARY KEY, n INT")
    threads = []
    for number, conn in enumerate(conns):
        threads.append(threading.Thread(
            target=query, args=(conn, f"INSERT INTO {table} (n) VALUES ({number})")))
        threads[-1].start()
        time.sleep(0.05)
    query(holder, "COMMIT")
    for thread in threads:
        thread.join()
    # The server's order, not that of the threads here; on a busy machine two may swap on their way.
    order = [row[0] for row in cluster.sql(0, f"SELECT n FROM test.{table} ORDER BY place")]
    assert all(abs(place - number) <= 1 for place, number in enumerate(order)), f"{order}"


def test_a_waiter_that_leaves_is_forgotten(cluster, tidemark):
    proxy = tidemark(cluster, at_most(cluster, [0], max_connections=1), split=True)
    holder, last = proxy.connect(), proxy.connect()
    leavers = [proxy.connect() for _ in range(5)]
    query(holder, "BEGIN")
    query(holder, "SELECT @@port")
    for gone in leavers:
        gone._execute_command(3, "SELECT @@port")
        gone._force_close()
    done = threading.Event()
    thread = threading.Thread(target=lambda: (query(last, "SELECT @@port"), done.set()))
    thread.start()
    time.sleep(0.2)
    query(holder, "COMMIT")
    thread.join(10)
    assert done.is_set()


def test_a_refused_login_shows_the_servers_text(cluster, tidemark):
    """The proxy lets the user in, the server does not."""
    proxy = tidemark(cluster, {"user app2": {"password": "not the server's"}}, split=True)
    with pytest.raises(pymysql.err.MySQLError) as caught:
        conn = proxy.connect(user="app2", password="not the server's", database=None)
        query(conn, "SELECT @@port")
    print(caught.value)
    assert caught.value.args[0] == 1045
    assert "Access denied for user 'app2'" in caught.value.args[1]


def test_a_users_own_limit(cluster, tidemark):
    proxy = tidemark(cluster, {"user app": {"max_connections": 2}}, split=True)
    # The connection that found reads on a replica may still be on its way out.
    first, second = (until(lambda: connected(proxy), what="room for two") for _ in range(2))
    with pytest.raises(pymysql.err.MySQLError) as caught:
        proxy.connect()
    print(caught.value)
    assert caught.value.args[0] in (1040, 1203, 1226)
    proxy.connect(user="app2", password="app2")
    first.close()
    until(lambda: connects(proxy), what="room after one has left")
    second.close()


def connected(proxy, **options):
    try:
        return proxy.connect(**options)
    except pymysql.err.MySQLError:
        return None


def connects(proxy, **options):
    conn = connected(proxy, **options)
    if conn is not None:
        conn.close()
    return conn is not None


# --- what is kept ----------------------------------------------------------------------------


def test_idle_connections_go_down_to_min_idle(cluster, tidemark):
    proxy = tidemark(cluster, {"pool": {"min_idle": 2, "idle_timeout_ms": 1000},
                               "proxy": {"workers": 1}}, split=True)
    conns = [proxy.connect() for _ in range(8)]
    for conn in conns:
        query(conn, "BEGIN")
        query(conn, "SELECT @@port")
    assert len(cluster.connections_of(0)) >= 8
    for conn in conns:
        query(conn, "COMMIT")
    time.sleep(0.2)
    assert len(cluster.connections_of(0)) >= 8, "idle connections are kept for a while"
    until(lambda: len(cluster.connections_of(0)) == 2, timeout=10, what="two idle connections")
    time.sleep(1.5)
    assert len(cluster.connections_of(0)) == 2


def test_connections_are_renewed_after_their_lifetime(cluster, tidemark):
    proxy = tidemark(cluster, {"pool": {"max_lifetime_ms": 800, "min_idle": 1},
                               "proxy": {"workers": 1}}, split=True)
    conn = proxy.connect()
    query(conn, "SELECT @@port")
    first = set(cluster.connections_of(0))
    assert first

    def renewed():
        query(conn, "SELECT @@port")
        return not first & set(cluster.connections_of(0))

    until(renewed, timeout=6, what="new connections")
    # Not under a transaction.
    query(conn, "BEGIN")
    query(conn, "SELECT @@port")
    held = cluster.scalar(0, "SELECT id FROM information_schema.processlist WHERE user = 'app' "
                             "AND id IN (SELECT trx_mysql_thread_id FROM "
                             "information_schema.innodb_trx) LIMIT 1") \
        if query(conn, "SELECT COUNT(*) FROM test.first_write FOR UPDATE") else None
    time.sleep(2)
    assert held in cluster.connections_of(0)
    query(conn, "COMMIT")


def test_a_connection_that_the_server_closed_is_not_used(cluster, tidemark):
    proxy = tidemark(cluster)
    conn = proxy.connect()
    for _ in range(3):
        query(conn, "SELECT @@port")
        served_by(conn)
        for server in cluster.servers:
            for number in cluster.connections_of(server):
                with contextlib.suppress(pymysql.err.MySQLError):
                    cluster.sql(server, f"KILL {number}")
        time.sleep(0.2)
        assert query(conn, "SELECT @@port")[0][0] == cluster.port(0)
        served_by(conn)


def test_nothing_stays_behind(cluster, tidemark):
    """Clients of every kind of end leave no descriptor, no thread, no server connection in use."""
    proxy = tidemark(cluster, {"pool": {"min_idle": 0, "idle_timeout_ms": 500}}, split=True)
    served_by(proxy.connect())
    descriptors, threads = proxy.steady_descriptors(), proxy.threads()

    def client(number):
        for turn in range(5):
            conn = proxy.connect()
            query(conn, "BEGIN" if number % 2 else "SELECT 1")
            query(conn, "SELECT @@port")
            if turn % 2:
                conn._force_close()
            else:
                conn.close()

    errors = together(20, client)
    assert not errors, errors[:3]
    until(lambda: proxy.descriptors() <= descriptors + 3, timeout=10,
          what=f"descriptors back at {descriptors}")
    assert proxy.threads() == threads


# --- who is chosen ---------------------------------------------------------------------------


def shares(cluster, proxy, clients=8, rounds=40):
    """How the reads of some clients spread over the servers."""
    counts = dict.fromkeys(cluster.servers, 0)
    lock = threading.Lock()

    def client(_):
        with contextlib.closing(proxy.connect()) as conn:
            for _ in range(rounds):
                server = served_by(conn)
                with lock:
                    counts[server] += 1

    errors = together(clients, client)
    assert not errors, errors[:3]
    total = sum(counts.values())
    return {server: count / total for server, count in counts.items()}


@pytest.mark.parametrize("balance", ["round_robin", "least_connections", "least_latency"])
def test_reads_spread_over_the_replicas(cluster, tidemark, balance):
    proxy = tidemark(cluster, {"pool": {"balance": balance}}, split=True)
    spread = shares(cluster, proxy)
    print(f"{cluster.flavor} {balance}: {spread}")
    assert spread[0] == 0, "the primary is no replica"
    if balance != "least_latency":
        assert min(spread[1], spread[2]) > 0.25, spread


@pytest.mark.parametrize("balance", ["round_robin", "least_connections"])
def test_weight_counts(cluster, tidemark, balance):
    proxy = tidemark(cluster, {"pool": {"balance": balance}, "server db1": {"weight": 3},
                               "proxy": {"workers": 1}}, split=True)
    for server in cluster.replicas:
        until(lambda: f"server db{server}: replica" in proxy.log_text())
    first = []
    for _ in range(40):
        with contextlib.closing(proxy.connect()) as conn:
            first.append(served_by(conn))
    share = first.count(1) / len(first)
    print(f"{cluster.flavor} {balance}: {share}")
    assert 0.65 <= share <= 0.85, f"weight 3 to 1 gave {share}"


def test_weight_0_serves_only_when_nothing_else_may(cluster, tidemark):
    proxy = tidemark(cluster, {"server db1": {"weight": 0}}, split=True)
    assert shares(cluster, proxy, 4, 20)[1] == 0
    cluster.stop(2)
    conn = proxy.connect()

    def on_the_first():
        with contextlib.suppress(pymysql.err.MySQLError):
            return served_by(conn) == 1

    until(on_the_first, timeout=5)


def test_client_hash_keeps_a_client_on_its_server(cluster, tidemark):
    """The same address and user: the same replica, over all connections."""
    proxy = tidemark(cluster, {"pool": {"balance": "client_hash"}}, split=True)
    seen = set()
    for _ in range(10):
        with contextlib.closing(proxy.connect()) as conn:
            seen.add(served_by(conn))
    assert len(seen) == 1 and 0 not in seen, seen


def test_a_session_keeps_its_replica(cluster, tidemark):
    proxy = tidemark(cluster)
    conn = proxy.connect()
    seen = [served_by(conn) for _ in range(50)]
    assert len(set(seen)) == 1, seen


def test_full_replicas_make_reads_wait_not_move_to_the_primary(cluster, tidemark):
    proxy = tidemark(cluster, at_most(cluster, cluster.replicas, max_connections=1), split=True)
    spread = shares(cluster, proxy, 20, 20)
    assert spread[0] == 0, spread
