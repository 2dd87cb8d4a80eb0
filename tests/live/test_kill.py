"""KILL with the ids that the proxy shows: what a direct connection sees, from the same and from
other workers, and nothing is hit that was not meant."""

import contextlib
import re
import struct
import threading
import time

import pytest

from programs import Terminal, address_words, program
from rawclient import Closed, RawClient, ServerError
from world import query, until

PROCESS_KILL = 12


@pytest.fixture(scope="module")
def plain_user(cluster):
    cluster.sql(0, "CREATE USER IF NOT EXISTS plain IDENTIFIED BY 'plain'")
    cluster.sql(0, "GRANT SELECT, INSERT, UPDATE ON test.* TO plain")
    cluster.wait_caught_up()
    yield "plain"
    cluster.sql(0, "DROP USER plain")


@pytest.fixture(scope="module")
def ports(cluster, plain_user, tmp_path_factory):
    """Straight to the primary, and through a proxy."""
    from conftest import _factory

    with contextlib.ExitStack() as stack:
        start = _factory(tmp_path_factory.mktemp("kill"), stack)
        proxy = start(cluster, {"user plain": {"password": "plain"}}, split=True)
        yield [cluster.port(0), proxy.port]


def outcome(client, action):
    """What a client sees, with its id and others' made equal."""
    try:
        results = action(client)
        return [(r.rows, r.affected, r.status & 0x200B, r.warnings, r.info) for r in results]
    except ServerError as error:
        return (error.code, error.sqlstate, re.sub(r"thread( id:)? \d+", r"thread\1 N", error.text))
    except (Closed, ConnectionError):
        return "closed"


def text(sql):
    return lambda client: client.results(sql)


def process_kill(number):
    return lambda client: [client.ok(PROCESS_KILL, struct.pack("<I", number))]


def number_of(client):
    return client.greeting.connection_id


def kill_while(port, sql, kill, **asker):
    """Runs `sql` on one connection and kills it from another; all that both see, and afterwards."""
    with RawClient(port) as victim, RawClient(port, **asker) as killer:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(outcome(victim, text(sql))))
        thread.start()
        time.sleep(0.5)
        begin = time.monotonic()
        told = outcome(killer, kill(number_of(victim)))
        thread.join(30)
        assert time.monotonic() - begin < 10
        return told, seen, outcome(victim, text("SELECT 1")), outcome(killer, text("SELECT 1"))


LONG = "SELECT COUNT(*) FROM {s}.columns a, {s}.columns b, {s}.columns c, {s}.columns d"


@pytest.mark.parametrize("kill", ["KILL {}", "KILL CONNECTION {}", "KILL QUERY {}",
                                  "kill /* it */ query {};"])
@pytest.mark.parametrize("sql", ["SELECT SLEEP(20)", LONG.format(s="information_schema"),
                                 "UPDATE locked SET a = 2"])
def test_a_running_statement(cluster, ports, sql, kill):
    if sql.startswith("UPDATE"):
        cluster.sql(0, "CREATE TABLE IF NOT EXISTS test.locked (a INT)")
        cluster.sql(0, "INSERT INTO test.locked VALUES (1)")
        locker = cluster.connect(0)
        query(locker, "BEGIN")
        query(locker, "UPDATE locked SET a = 3")
    wanted, got = (kill_while(port, sql, lambda n: text(kill.format(n))) for port in ports)
    if sql.startswith("UPDATE"):
        locker.close()
    assert got == wanted


def test_nothing_runs_on(cluster, ports):
    """A statement whose session is killed ends on the server too."""
    kill_while(ports[1], "SELECT SLEEP(20), 'runs on'", lambda n: text(f"KILL {n}"))
    for server in cluster.servers:
        until(lambda s=server: not cluster.sql(
            s, "SELECT 1 FROM information_schema.processlist "
               "WHERE info LIKE '%%runs on%%' AND info NOT LIKE '%%processlist%%'"))


@pytest.mark.parametrize("form", ["text", "command"])
def test_idle_sessions(ports, form):
    def play(port):
        seen = []
        with RawClient(port) as asker:
            for kill in ("KILL QUERY {}", "KILL {}"):
                with RawClient(port) as victim:
                    number = number_of(victim)
                    action = process_kill(number) if form == "command" else \
                        text(kill.format(number))
                    seen.append((outcome(asker, action), outcome(victim, text("SELECT 1")),
                                 outcome(asker, text("SELECT 1"))))
        return seen
    wanted, got = map(play, ports)
    assert got == wanted


@pytest.mark.parametrize("kill", ["KILL {}", "KILL QUERY {}", "KILL CONNECTION CONNECTION_ID()",
                                  "KILL QUERY CONNECTION_ID()"])
def test_oneself(ports, kill):
    def play(port):
        with RawClient(port) as client:
            return [outcome(client, text(kill.format(number_of(client)))),
                    outcome(client, text("SELECT 1"))]
    wanted, got = map(play, ports)
    assert got == wanted


@pytest.mark.parametrize("kill", [
    "KILL 99999999", "KILL QUERY 99999999", "KILL 0", "KILL HARD 99999999",
    "KILL SOFT QUERY 99999999", "KILL QUERY ID 99999999", "KILL SOFT CONNECTION 99999999"])
def test_nobody(ports, kill):
    wanted, got = (outcome_of(port, kill) for port in ports)
    assert got == wanted


def outcome_of(port, sql):
    with RawClient(port) as client:
        return outcome(client, text(sql)), outcome(client, text("SELECT 1"))


def test_others(ports):
    def play(port):
        with RawClient(port) as victim, RawClient(port, user="plain", password="plain") as asker:
            return [outcome(asker, text(kill.format(number_of(victim))))
                    for kill in ("KILL {}", "KILL QUERY {}")] + [
                        outcome(victim, text("SELECT 1"))]
    wanted, got = map(play, ports)
    assert got == wanted


@pytest.mark.parametrize("with_parameter", [True, False])
def test_prepared(cluster, ports, with_parameter):
    def play(port):
        with RawClient(port) as victim, RawClient(port) as asker:
            try:  # MySQL knows no parameters here
                prepared = asker.prepare("KILL ?" if with_parameter else
                                         f"KILL {number_of(victim)}")
            except ServerError as error:
                return str(error)
            values = [number_of(victim)] if with_parameter else []
            first = outcome(asker, lambda c: [c.execute(prepared, values)])
            again = outcome(asker, lambda c: [c.execute(prepared, values)])
            return first, outcome(victim, text("SELECT 1")), again
    wanted, got = map(play, ports)
    assert got == wanted


def test_in_a_transaction(cluster, ports):
    """Only the statement ends; what was done before it stays, and the session goes on."""
    def play(port):
        with RawClient(port) as victim, RawClient(port) as asker:
            victim.query("CREATE TEMPORARY TABLE mine (a INT)")
            victim.query("BEGIN")
            victim.query("INSERT INTO mine VALUES (1)")
            seen = []
            thread = threading.Thread(target=lambda: seen.append(
                outcome(victim, text("INSERT INTO mine SELECT SLEEP(20)"))))
            thread.start()
            time.sleep(0.4)
            seen.append(outcome(asker, text(f"KILL QUERY {number_of(victim)}")))
            thread.join(30)
            return sorted(map(str, seen)), victim.query("SELECT * FROM mine"), \
                victim.query("SELECT CONNECTION_ID()") == [(str(number_of(victim)),)]
    wanted, got = map(play, ports)
    assert got == wanted


def test_when_the_pool_is_full(cluster, tidemark):
    """Who fills it can be killed, from whichever worker, and KILL needs no room."""
    limits = {f"server db{i}": {"max_connections": 1} for i in cluster.servers}
    proxy = tidemark(cluster, {**limits, "proxy": {"workers": 4}})
    victims = [RawClient(proxy.port) for _ in range(4)]
    askers = [RawClient(proxy.port) for _ in range(4)]
    seen = []
    threads = [threading.Thread(target=lambda v=v: seen.append(
        outcome(v, text("UPDATE whoami SET id = id WHERE SLEEP(20)")))) for v in victims]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    begin = time.monotonic()
    for _ in range(3):  # who waited gets the connection, and is killed in its turn
        for victim, asker in zip(victims, askers):
            assert outcome(asker, text(f"KILL QUERY {number_of(victim)}"))[0][0] is None
        time.sleep(0.5)
    for thread in threads:
        thread.join(30)
    assert time.monotonic() - begin < 15
    assert len(seen) == 4
    for client in victims + askers:
        assert outcome(client, text("SELECT 1"))[0][0] == [(b"1",)]
        client.close()


def test_only_what_was_meant(cluster, ports):
    """KILL QUERY over and over at sessions whose statements take no time: others, which share the
    same server connections, never see it."""
    stop = time.monotonic() + 5
    wrong, hits, done = [], [0], [0]
    victims = [RawClient(ports[1]) for _ in range(4)]

    def be_victim(client):
        while time.monotonic() < stop:
            seen = outcome(client, text("SELECT 1 FROM whoami FOR UPDATE"))
            hits[0] += seen[:1] == (1317,)
            if seen[:1] != (1317,) and seen[0][0] != [(b"1",)]:
                wrong.append(seen)

    def be_other(client):
        while time.monotonic() < stop:
            seen = outcome(client, text("SELECT 2 FROM whoami FOR UPDATE"))
            done[0] += 1
            if seen[0] is None or seen[0][0] != [(b"2",)]:
                wrong.append(seen)

    def be_killer(client):
        while time.monotonic() < stop:
            for victim in victims:
                seen = outcome(client, text(f"KILL QUERY {number_of(victim)}"))
                if seen[0] is None or isinstance(seen[0], int):
                    wrong.append(seen)

    others, killers = ([RawClient(ports[1]) for _ in range(4)] for _ in range(2))
    threads = [threading.Thread(target=f, args=(c,)) for f, clients in
               ((be_victim, victims), (be_other, others), (be_killer, killers)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not wrong, wrong[:5]
    assert done[0] > 100
    for client in victims + others + killers:
        client.close()


# --- Ctrl-C in a terminal --------------------------------------------------------------------


@pytest.mark.parametrize("client", ["mariadb", "mysql"])
def test_control_c(cluster, ports, client):
    words = program(client, "client")
    if words is None:
        pytest.skip("MySQL's client is not unpacked here")

    def play(port):
        terminal = Terminal([*words, *address_words(port), "--prompt=ready> ", "test"])
        try:
            terminal.expect("ready> ")
            terminal.type("SELECT COUNT(*) FROM information_schema.columns a, "
                          "information_schema.columns b, information_schema.columns c, "
                          "information_schema.columns d;\n")
            time.sleep(1.5)
            begin = time.monotonic()
            terminal.type("\x03")
            seen = terminal.expect(r"ERROR \d+ .*?ready> ")
            assert time.monotonic() - begin < 10
            terminal.type("SELECT 6 * 7 AS answer;\n")
            after = terminal.expect(r"\d row.*?ready> ")
            assert re.search(r"\b42\b", after)
            return re.search(r"ERROR \d+ \(\w+\)[^\r\n]*", seen).group(0)
        finally:
            terminal.close()

    wanted, got = map(play, ports)
    assert "1317" in wanted
    assert got == wanted
