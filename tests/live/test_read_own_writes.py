"""The promise: a session reads its own writes, whatever replication does.

Every test here that asserts "no stale read" has a twin that sees stale reads when the promise is
switched off, so that nothing passes because the test cannot see.
"""

import contextlib
import os
import random
import threading
import time

import pymysql
import pytest

from world import plain_program, query, served_by, until

SEED = int(os.environ.get("TIDEMARK_TEST_SEED", random.randrange(1 << 30)))
CLIENTS = 16
SECONDS = 2.0


class Disturbance:
    """Stops and starts the replicas' appliers at random while it lasts."""

    def __init__(self, cluster, seed):
        self.cluster = cluster
        self.random = random.Random(seed)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.error = None

    def _run(self):
        word = "SLAVE" if self.cluster.flavor == "mariadb" else "REPLICA"
        with contextlib.ExitStack() as stack:
            roots = {i: stack.enter_context(contextlib.closing(self.cluster.root(i)))
                     for i in self.cluster.replicas}
            running = dict.fromkeys(roots, True)
            try:
                while not self.over.wait(self.random.uniform(0.02, 0.25)):
                    server = self.random.choice(self.cluster.replicas)
                    running[server] = not running[server]
                    verb = "START" if running[server] else "STOP"
                    query(roots[server], f"{verb} {word} SQL_THREAD")
            except Exception as error:  # shown by __exit__, in the test's own thread
                self.error = error

    def __enter__(self):
        # One is behind from the start: also a test of a few statements sees staleness.
        self.cluster.stop_replication(self.cluster.replicas[0])
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        for server in self.cluster.replicas:
            self.cluster.start_replication(server)
        assert self.error is None, self.error


class Tally:
    def __init__(self):
        self.writes = self.reads = self.stale = self.on_replicas = 0
        self.examples = []

    def add(self, other):
        self.writes += other.writes
        self.reads += other.reads
        self.stale += other.stale
        self.on_replicas += other.on_replicas
        self.examples += other.examples

    def __str__(self):
        return (f"{self.writes} writes, {self.reads} reads, {self.on_replicas} of them on replicas,"
                f" {self.stale} stale")


def write(conn, rnd, table, row, value):
    """One of the ways an application writes."""
    way = rnd.randrange(4)
    if way == 0:
        query(conn, f"UPDATE {table} SET n = {value} WHERE id = {row}")
    elif way == 1:
        query(conn, f"REPLACE INTO {table} VALUES ({row}, {value})")
    elif way == 2:
        query(conn, "BEGIN")
        query(conn, f"SELECT n FROM {table} WHERE id = {row} FOR UPDATE")
        query(conn, f"UPDATE {table} SET n = {value} WHERE id = {row}")
        query(conn, "COMMIT")
    else:
        query(conn, f"INSERT INTO {table} VALUES ({row}, {value}) "
                    f"ON DUPLICATE KEY UPDATE n = {value}")


def work(proxy, table, row, seed, end, history=None):
    """One client: writes and reads its own row at random until `end`."""
    rnd = random.Random(seed)
    tally = Tally()
    value = 0
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES ({row}, {value})")
    while time.monotonic() < end:
        if rnd.random() < 0.3:
            value += 1
            write(conn, rnd, table, row, value)
            tally.writes += 1
            if history is not None:
                history.append((time.monotonic(), value))
        else:
            before = time.monotonic()
            rows = query(conn, f"SELECT t.n, w.id FROM {table} t, whoami w WHERE t.id = {row}")
            seen, server = rows[0] if rows else (-1, "a replica without the row")
            tally.reads += 1
            tally.on_replicas += server != 0
            due = value if history is None else committed_before(history, before - MAX_STALENESS)
            if seen < due:
                tally.stale += 1
                tally.examples.append(f"row {row}: {seen} from {server}, not {due}")
        if rnd.random() < 0.05:
            time.sleep(rnd.random() * 0.05)
    return tally


def hammer(cluster, proxy, seed, bounded=False):
    table = cluster.create_table("id INT PRIMARY KEY, n INT")
    total, errors, lock = Tally(), [], threading.Lock()
    end = time.monotonic() + SECONDS

    def client(number):
        try:
            tally = work(proxy, table, number, seed + number, end, [] if bounded else None)
            with lock:
                total.add(tally)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=client, args=(i,)) for i in range(CLIENTS)]
    with Disturbance(cluster, seed):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"seed {seed}, {cluster.flavor}: {total}")
    assert not errors, errors
    assert total.writes > 100 and total.reads > 100, total
    return total


MAX_STALENESS = 0.5


def committed_before(history, moment):
    return max((value for at, value in history if at <= moment), default=-1)


def settings(mode, **more):
    return {"consistency": {"default": mode, "max_lag_ms": 0, **more}}


def test_session_never_reads_behind_its_writes(cluster, tidemark):
    proxy = tidemark(cluster, settings("session"), split=True)
    total = Tally()
    # On a busy machine replicas may hardly ever catch up: the longer they need, the longer we look.
    for round_number in range(5):
        total.add(hammer(cluster, proxy, SEED + 100 * round_number))
        if total.on_replicas > 50:
            break
    assert total.stale == 0, total.examples[:10]
    assert total.on_replicas > 50, f"hardly a read left the primary: {total}"


def test_eventual_does_read_behind_its_writes(cluster, tidemark):
    """The twin: the same load without a floor. It must see what the floor prevents."""
    total = hammer(cluster, tidemark(cluster, settings("eventual"), split=True), SEED)
    assert total.stale > 0, "the test does not see stale reads"


def test_monotonic_also_reads_its_own_writes(cluster, tidemark):
    total = hammer(cluster, tidemark(cluster, settings("monotonic"), split=True), SEED)
    assert total.stale == 0, total.examples[:10]


def test_strong_reads_on_the_primary_only(cluster, tidemark):
    proxy = tidemark(cluster, settings("strong"))
    total = hammer(cluster, proxy, SEED)
    assert total.stale == 0 and total.on_replicas == 0, total


def test_bounded_reads_nothing_older_than_its_bound(cluster, tidemark):
    """Own writes may be missing, but none that was committed max_staleness_ms before the read."""
    proxy = tidemark(
        cluster, settings("bounded", max_staleness_ms=int(MAX_STALENESS * 1000)), split=True)
    total = hammer(cluster, proxy, SEED, bounded=True)
    assert total.stale == 0, total.examples[:10]
    assert total.on_replicas > 50, f"hardly a read left the primary: {total}"


@pytest.mark.parametrize("user_mode", ["session", "eventual"])
def test_a_users_own_mode_comes_before_the_default(cluster, tidemark, user_mode):
    default = "eventual" if user_mode == "session" else "session"
    proxy = tidemark(cluster, {"consistency": {"default": default, "max_lag_ms": 0},
                               "user app": {"consistency": user_mode}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    for server in cluster.replicas:
        cluster.stop_replication(server)
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (1)")
    if user_mode == "eventual":
        # Not at once: a table that the monitor has not listed yet is read on the primary.
        until(lambda: len(query(conn, f"SELECT id FROM {table}")) == 0)
    else:
        end = time.monotonic() + 1
        while time.monotonic() < end:
            assert len(query(conn, f"SELECT id FROM {table}")) == 1


# --- going back in time ----------------------------------------------------------------------


def backward_steps(cluster, proxy, seed):
    """Readers watch a counter that somebody else counts up; how often did one see it go down?"""
    table = cluster.create_table("id INT PRIMARY KEY, n INT")
    end = time.monotonic() + SECONDS
    steps, errors = [], []
    query_direct = cluster.connect(0)
    query(query_direct, f"INSERT INTO {table} VALUES (1, 0)")
    cluster.wait_caught_up()

    def count():
        n = 0
        while time.monotonic() < end:
            n += 1
            query(query_direct, f"UPDATE {table} SET n = {n} WHERE id = 1")
            time.sleep(0.002)

    def read():
        try:
            conn = proxy.connect()
            last = 0
            while time.monotonic() < end:
                n, server = query(conn, f"SELECT t.n, w.id FROM {table} t, whoami w")[0]
                if n < last:
                    steps.append((last, n, server))
                last = n
                time.sleep(0.001)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=count)]
    threads += [threading.Thread(target=read) for _ in range(CLIENTS)]
    with Disturbance(cluster, seed):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    query_direct.close()
    print(f"seed {seed}, {cluster.flavor}: {len(steps)} steps back")
    assert not errors, errors
    return steps


def test_monotonic_never_goes_back_in_time(cluster, tidemark):
    proxy = tidemark(cluster, settings("monotonic"), split=True)
    steps = backward_steps(cluster, proxy, SEED)
    assert not steps, steps[:10]


# --- leaving the primary again ---------------------------------------------------------------


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def return_times(proxy, table, rounds):
    """Milliseconds from each write's OK until a read was answered by a replica."""
    times = []
    conn = proxy.connect()
    rnd = random.Random(1)
    for n in range(rounds):
        query(conn, f"INSERT INTO {table} VALUES ({n})")
        done = time.perf_counter()
        first = served_by(conn)
        while (first if first is not None else served_by(conn)) == 0:
            first = None
            assert time.perf_counter() - done < 5, "the session stays on the primary"
        times.append((time.perf_counter() - done) * 1000)
        time.sleep(rnd.uniform(0.01, 0.06))
    return times


def test_a_session_is_soon_back_on_a_replica(cluster, tidemark, capsys):
    """On an idle cluster, after a write: median below 20 ms."""
    proxy = tidemark(cluster, {"monitor": {"poll_ms": 1000}}, split=True, program=plain_program())
    table = cluster.create_table("id INT PRIMARY KEY")
    return_times(proxy, cluster.create_table("id INT PRIMARY KEY"), 5)
    times = return_times(proxy, table, 80)
    with capsys.disabled():
        print(f"\n{cluster.flavor}: back on a replica after a write, ms:"
              f" p50 {percentile(times, .5):.1f} p90 {percentile(times, .9):.1f}"
              f" p99 {percentile(times, .99):.1f} max {max(times):.1f}")
    assert percentile(times, 0.5) < 20


def test_everybody_is_soon_back_on_a_replica(cluster, tidemark):
    """With several sessions pinned at once too."""
    proxy = tidemark(cluster, {"monitor": {"poll_ms": 1000}}, split=True, program=plain_program())
    times, errors = [], []

    def client(table):
        try:
            times.extend(return_times(proxy, table, 20))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=client, args=(cluster.create_table("id INT PRIMARY KEY"),))
               for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    print(f"{cluster.flavor}: p50 {percentile(times, .5):.1f} p90 {percentile(times, .9):.1f}")
    assert percentile(times, 0.5) < 60


# --- what the monitor costs ------------------------------------------------------------------


@contextlib.contextmanager
def monitor_statements(cluster):
    """Collects what the monitor's account sends: {server: [(seconds, statement)]}, after the block.
    """
    seen = {}
    since = {}
    for server in cluster.servers:
        cluster.sql(server, "SET GLOBAL log_output = 'TABLE'")
        since[server] = cluster.scalar(server, "SELECT NOW(6)")
        cluster.sql(server, "SET GLOBAL general_log = ON")
    try:
        yield seen
    finally:
        for server in cluster.servers:
            cluster.sql(server, "SET GLOBAL general_log = OFF")
            rows = cluster.sql(server, """
                SELECT event_time, CONVERT(argument USING utf8mb4) FROM mysql.general_log
                WHERE user_host LIKE 'mon[%%' AND command_type IN ('Query', 'Execute')
                  AND event_time > %s
                ORDER BY event_time""", (since[server],))
            seen[server] = [(at.timestamp(), text) for at, text in rows]


def bursts(events, gap):
    """Groups of statements that follow each other within `gap` seconds."""
    groups = []
    for at, text in events:
        if not groups or at - groups[-1][-1][0] > gap:
            groups.append([])
        groups[-1].append((at, text))
    return groups


def test_the_monitor_only_polls_while_nobody_is_pinned(cluster, tidemark):
    proxy = tidemark(cluster, {"monitor": {"poll_ms": 500}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (1)")
    while served_by(conn) == 0:
        pass
    time.sleep(1)
    seconds = 4
    with monitor_statements(cluster) as seen:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert served_by(conn) != 0
            time.sleep(0.01)
    for server, events in seen.items():
        looks = bursts(events, 0.2)
        assert seconds / 0.5 - 2 <= len(looks) <= seconds / 0.5 + 2, (server, looks)
        assert max(map(len, looks)) <= 4, (server, max(looks, key=len))
        assert not any("WAIT" in text.upper() for _, text in events), events


def test_the_monitor_does_not_flood_while_sessions_are_pinned(cluster, tidemark):
    """A pinned session that reads on and on costs the primary a sample each sample_min_ms, and a
    replica one waiting query at a time."""
    proxy = tidemark(cluster, {"monitor": {"poll_ms": 500, "sample_min_ms": 50}}, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    for server in cluster.replicas:
        cluster.stop_replication(server)
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (1)")
    seconds = 2
    with monitor_statements(cluster) as seen:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert served_by(conn) == 0
            time.sleep(0.002)
    for server, events in seen.items():
        allowed = (seconds / 0.05 + 4) + (seconds / 0.5 + 2) * 4
        assert len(events) <= allowed, (server, len(events), allowed, events[:20])


def test_a_lost_answer_keeps_the_session_on_the_primary(cluster, tidemark):
    """The server thread of a write is killed while the write waits for a lock: whether it committed
    is unknown to the session, which may not read behind it."""
    proxy = tidemark(cluster, settings("session"), split=True)
    table = cluster.create_table("id INT PRIMARY KEY, n INT")
    cluster.sql(0, f"INSERT INTO test.{table} VALUES (1, 0)")
    cluster.wait_caught_up()
    for server in cluster.replicas:
        cluster.stop_replication(server)
    with contextlib.closing(cluster.root(0)) as holder:
        query(holder, "BEGIN")
        query(holder, f"UPDATE test.{table} SET n = 1 WHERE id = 1")
        conn = proxy.connect()
        errors = []

        def update():
            try:
                query(conn, f"UPDATE {table} SET n = 2 WHERE id = 1")
            except pymysql.err.MySQLError as error:
                errors.append(error)

        thread = threading.Thread(target=update)
        thread.start()
        deadline = time.monotonic() + 10
        while thread.is_alive() and time.monotonic() < deadline:
            for (number,) in cluster.sql(0, """SELECT id FROM information_schema.processlist
                                               WHERE user = 'app' AND info LIKE 'UPDATE%%'"""):
                with contextlib.suppress(pymysql.err.MySQLError):
                    cluster.sql(0, f"KILL {number}")
            time.sleep(0.05)
        thread.join()
        query(holder, "COMMIT")
    assert errors, "the write went through although its connection was killed"
    conn.ping(reconnect=False)
    assert served_by(conn) == 0
