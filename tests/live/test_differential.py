"""Random sequences, on a direct connection and through Tidemark, answer by answer the same.

`statements.py` makes the sequences. Through Tidemark each server has two connections only, and
between any two statements others take the one that the session has just used, so that the next
statement runs on the other one unless the session is pinned; whether it is, the admin port says.

    DIFFERENTIAL_SECONDS=600 DIFFERENTIAL_SEED=random make live PYTEST_ARGS='-s -k differential'

runs longer and with a seed of its own, which is printed. A sequence that fails is shrunk and
printed; DIFFERENTIAL_SEED=7/123 repeats one, DIFFERENTIAL_FAILURES=10 goes on until ten have failed.
"""

import contextlib
import os
import random
import re
import struct
import time

import pymysql
import pytest

import rawclient
from rawclient import RawClient, ServerError
from statements import IN_BULK, SCHEMA, SETUP, sequence
from world import free_ports, query

SECONDS = float(os.environ.get("DIFFERENTIAL_SECONDS", "20"))
SEED = os.environ.get("DIFFERENTIAL_SEED", "1")
# Without wishes of somebody who asked by hand: the same sequences each time.
SEQUENCES = 10**9 if "DIFFERENTIAL_SECONDS" in os.environ else 60
MAX_FAILURES = int(os.environ.get("DIFFERENTIAL_FAILURES", "1"))
SHRINK_SECONDS = 30
PATIENCE = 10  # seconds for one answer: nothing here takes long, unless it waits for a lock
SCHEMAS = ("diff_d", "diff_p")  # for the direct connection, and through the proxy
SCHEMA_NAME = re.compile(r"diff_[dp]|d\\x00i\\x00f\\x00f\\x00_\\x00[dp]")  # the latter in ucs2
QUERY_WAS_SLOW = 0x800

# What is known to differ, and is left out of the comparison: (reason, what makes it equal). It has
# its place in the README's Limits too. Of the sequences themselves these are left out: the first
# ROW_COUNT() or FOUND_ROWS() of a session (see `sequence`), sql_auto_is_null, and CONNECTION_ID()
# inside a longer statement.
KNOWN = [
    ("the id of a column's collation, where MySQL derives it from the one named at login: utf8mb4's"
     " default one is told for others of utf8mb4",
     lambda answer: answer.replace(r"\x0c\xff\x00", r"\x0c-\x00")),
]


def tracker(kind, content):
    """A tracker, without the numbers that count what all clients of the server do."""
    if kind == 3 or content.startswith((b"\x09last_gtid", b"\x0cstatement_id")):
        content = re.sub(rb"(?<=[-:])\d+|(?<=statement_id).*", b"", content[2 if kind == 3 else 1:])
    return kind, content

CAPABILITIES = [
    rawclient.MODERN | rawclient.MULTI_STATEMENTS,
    rawclient.MODERN | rawclient.MULTI_STATEMENTS | rawclient.FOUND_ROWS,
    rawclient.BASE | rawclient.MULTI_STATEMENTS | rawclient.SESSION_TRACK,
    rawclient.BASE,
]


class Session(RawClient):
    """A client that takes steps and describes the answers in full."""

    def __init__(self, port, schema, capabilities):
        self.packets = []
        self.schema = schema
        self.prepared = {}
        super().__init__(port, database=schema, capabilities=capabilities, timeout=PATIENCE)

    def read_packet(self):
        self.packets.append(super().read_packet())
        return self.packets[-1]

    def read_columns(self, count):
        before = len(self.packets)
        columns = super().read_columns(count)
        self.definitions += self.packets[before:]
        return columns

    def describe(self, result):
        # Their order is that of a table in the server, by what it tracks.
        shown = sorted(tracker(*t) for t in result.trackers)
        status = result.status & ~QUERY_WAS_SLOW
        # MySQL sets the flag also where it turns out that there is nothing to tell.
        if not shown:
            status &= ~rawclient.SESSION_STATE_CHANGED
        return (result.columns and len(result.columns), result.rows, result.affected,
                result.insert_id, result.warnings, hex(status), result.info, shown)

    def step(self, text):
        """Takes one step. The answer is a list of things that have to be equal."""
        self.definitions = []
        answers = []
        try:
            self.take(text.replace("{d}", self.schema), answers)
        except ServerError as error:
            answers.append(("error", error.code, error.sqlstate, error.text))
        except TimeoutError:
            raise rawclient.Closed("no answer") from None
        answers.append(self.definitions)
        return SCHEMA_NAME.sub("{d}", repr(answers))

    def take(self, text, answers):
        if not text.startswith("/"):
            self.command(rawclient.QUERY, text.encode())
            self.take_results(answers, False)
            return
        word, _, rest = text[1:].partition(" ")
        result = getattr(self, "take_" + word)(answers, *rest.split(" ", 1 if word == "prepare" else -1)
                                               if rest else [])
        if result is not None:
            answers.append(self.describe(result))

    def take_results(self, answers, binary):
        more = True
        while more:
            result = self.read_result(binary)
            answers.append(self.describe(result))
            more = result.status & rawclient.MORE_RESULTS

    def take_reset(self, _):
        self.prepared.clear()
        return self.ok(rawclient.RESET_CONNECTION)

    def take_change_user(self, _, user):
        self.prepared.clear()
        return self.change_user(user, user, self.schema)

    def take_init_db(self, _, schema):
        return self.ok(rawclient.INIT_DB, schema.encode())

    def take_ping(self, _):
        return self.ok(rawclient.PING)

    def take_option(self, _, number):
        return self.ok(rawclient.SET_OPTION, struct.pack("<H", int(number)))

    def take_prepare(self, answers, number, sql):
        self.prepared.pop(number, None)
        prepared = self.prepared[number] = self.prepare(sql)
        answers.append((prepared.column_count, prepared.param_count, prepared.warnings))

    def take_close(self, answers, number):
        prepared = self.prepared.pop(number, None)
        if prepared:
            self.close_statement(prepared)

    def take_stmt_reset(self, answers, number):
        if number in self.prepared:
            return self.reset_statement(self.prepared[number])

    def take_long(self, answers, number, index, data):
        if number in self.prepared and int(index) < self.prepared[number].param_count:
            self.send_long_data(self.prepared[number], int(index), data.encode())
            self.prepared[number].long_data = True

    def take_execute(self, answers, number, *values, flags=0):
        prepared = self.prepared.get(number)
        if not prepared:
            return
        known = {"NULL": None, "1": 1, "2": 2, "3": 3, "7": 7, "2.5": 2.5}
        values = [known.get(v, v) for v in values if v]
        values = (values + [1, "x", None])[:prepared.param_count]
        # Types are sent when they are others than the last time, as drivers do.
        types = [type(v) for v in values]
        again = types == getattr(prepared, "types", None) and not hasattr(prepared, "long_data")
        prepared.types = types
        long_data = (0,) if hasattr(prepared, "long_data") else ()
        if long_data:
            del prepared.long_data, prepared.types
        self.command(rawclient.STMT_EXECUTE, self.execute_body(
            prepared.id, values, types=not again, long_data=long_data, flags=flags))
        if not flags:
            self.take_results(answers, True)
            return
        payload = self.read_packet()
        if payload[0] == 0xFF:
            raise ServerError(payload)
        if payload[0] == 0:
            return rawclient.Result().read_ok(payload, self.capabilities)
        prepared.fetched = self.read_columns(payload[0])
        result = self._read_end(rawclient.Result(), self.read_packet())
        if not result.status & 0x40:
            # No cursor was opened: the rows follow.
            while not self._is_end(self.read_packet()):
                pass
            answers.append(self.packets[-5:])
        return result

    def take_bulk(self, answers, number, *values):
        prepared = self.prepared.get(number)
        if not prepared or hasattr(prepared, "long_data"):
            return
        values = [{"1": 1, "2": 2, "3": 3, "7": 7}.get(v, v) for v in values if v != "NULL"]
        values = (values + [1, "x"])[:prepared.param_count]
        types = [type(v) for v in values]
        again = types == getattr(prepared, "types", None)
        prepared.types = None
        body = struct.pack("<IH", prepared.id, 0 if again else 128)
        if not again:
            body += b"".join(b"\x08\0" if isinstance(v, int) else b"\xfd\0" for v in values)
        row = b"".join(b"\0" + (struct.pack("<q", v) if isinstance(v, int) else
                                rawclient.lenenc(len(v)) + v.encode()) for v in values)
        self.command(rawclient.STMT_BULK_EXECUTE, body + row + b"\1" * len(values) + row)
        self.take_results(answers, True)
        prepared.types = types

    def take_cursor(self, answers, number, *values):
        return self.take_execute(answers, number, *values, flags=1)

    def take_fetch(self, answers, number, count):
        prepared = self.prepared.get(number)
        if not prepared or not hasattr(prepared, "fetched"):
            return
        self.command(rawclient.STMT_FETCH, struct.pack("<II", prepared.id, int(count)))
        while True:
            payload = self.read_packet()
            if payload[0] == 0xFF:
                raise ServerError(payload)
            if self._is_end(payload):
                return self._read_end(rawclient.Result(), payload)
            answers.append(payload)


class Rivals:
    """Others, who take the connections that the session used and leave them changed."""

    STATES = ("SET sql_mode = 'ANSI', time_zone = '+09:00', group_concat_max_len = 4",
              "SET NAMES cp1251", "SET sql_mode = '', sql_select_limit = 77")

    def __init__(self, proxy):
        self.proxy = proxy
        self.admin = pymysql.connect(
            host="127.0.0.1", port=int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1]),
            user="admin", password="admin", autocommit=True)
        self.pairs = []
        self.moved = self.stayed = 0

    def begin(self, capabilities):
        """Connections are shared by those of the same capabilities."""
        self.end()
        for begin in ("BEGIN", "START TRANSACTION READ ONLY"):
            pair = [RawClient(self.proxy.port, capabilities=capabilities) for _ in range(2)]
            pair[0].query(self.STATES[0])
            pair[0].query(self.STATES[1])
            pair[1].query(self.STATES[2])
            pair[0].query(begin)
            self.pairs.append((begin, pair))

    def where(self, session):
        """The session's state and pins, once it rests."""
        for _ in range(200):
            rows = query(self.admin, "SELECT state, pins, server FROM sessions WHERE id = %s",
                         (session,))
            if rows and rows[0][0] in ("ready", "idle"):
                return rows[0]
            time.sleep(0.002)
        raise AssertionError(f"session {session} does not come to rest: {rows}")

    def push(self, session):
        """Whatever connection the session has left is taken, and the other one is free now.

        One that it holds only until values of user variables are read back is given up to others
        who wait.
        """
        if self.where(session)[1] not in ("", "user-variable"):
            self.stayed += 1
            return
        self.moved += 1
        for begin, pair in self.pairs:
            pair[1].query(begin)
            pair[0].results("SELECT id FROM whoami UNION SELECT 17 UNION SELECT 18")
            if begin == "BEGIN":
                pair[0].results("INSERT INTO rival (n) VALUES (1), (2), (3), (4), (5)")
            pair[0].results("COMMIT")
            pair.reverse()

    def end(self):
        for _, pair in self.pairs:
            for client in pair:
                client.close()
        self.pairs.clear()

    def close(self):
        self.end()
        self.admin.close()


def masked(answer):
    for _, make_equal in KNOWN:
        answer = make_equal(answer)
    return answer


def clean(cluster):
    """Ends what prepared transactions a run has left: their locks would stop the next one."""
    for row in cluster.sql(0, "XA RECOVER"):
        xid = row[3] if isinstance(row[3], str) else row[3].decode()
        if xid.startswith("diff_"):
            for _ in range(100):
                try:
                    cluster.sql(0, f"XA ROLLBACK '{xid}'")
                    break
                except pymysql.err.MySQLError:
                    time.sleep(0.02)


def run(cluster, steps, port, schema, capabilities, between=None):
    """Answers of a whole sequence."""
    answers = []
    try:
        with Session(port, schema, capabilities) as session:
            for text in steps:
                answers.append(session.step(text))
                if between:
                    between(session.greeting.connection_id)
    except (rawclient.Closed, OSError) as error:
        answers.append(f"connection lost: {error!r}")
    finally:
        clean(cluster)
    return answers


class Both:
    def __init__(self, cluster, proxy):
        self.cluster, self.proxy = cluster, proxy
        self.rivals = Rivals(proxy)

    def differences(self, steps, capabilities):
        """(number of the step, text, direct answer, answer through the proxy) of all that differ."""
        direct = run(self.cluster, steps, self.cluster.port(0), SCHEMAS[0], capabilities)
        self.rivals.begin(capabilities)
        proxied = run(self.cluster, steps, self.proxy.port, SCHEMAS[1], capabilities,
                      self.rivals.push)
        count = max(len(direct), len(proxied))
        direct += ["(none)"] * (count - len(direct))
        proxied += ["(none)"] * (count - len(proxied))
        return [(i, text, want, got)
                for i, (text, want, got) in enumerate(zip(steps, direct, proxied))
                if text != SETUP[0] and masked(want) != masked(got)]

    def shrink(self, steps, capabilities):
        """As few steps as still show the first difference, found within SHRINK_SECONDS."""
        until = time.monotonic() + SHRINK_SECONDS
        found = self.differences(steps, capabilities)
        steps = steps[:found[0][0] + 1] if found else steps
        first = 1 if steps[0].startswith("DO ROW_COUNT") else 0  # see KNOWN
        size = max(1, len(steps) // 2)
        while size and time.monotonic() < until:
            at = len(steps) - 1 - size
            while at >= first and time.monotonic() < until:
                fewer = steps[:at] + steps[at + size:]
                left = self.differences(fewer, capabilities)
                if left and left[0][1] == steps[-1]:
                    steps, found = fewer[:left[0][0] + 1], left
                at -= size
            size //= 2
        return steps, found


@pytest.fixture(scope="module")
def both(cluster, tmp_path_factory):
    from conftest import _factory

    for schema in SCHEMAS:
        cluster.sql(0, f"DROP DATABASE IF EXISTS {schema}")
        cluster.sql(0, f"CREATE DATABASE {schema} CHARACTER SET utf8mb4")
        cluster.sql(0, f"DROP DATABASE IF EXISTS {schema}_o")
        cluster.sql(0, f"CREATE DATABASE {schema}_o CHARACTER SET latin1")
        cluster.sql(0, f"CREATE TABLE {schema}_o.a (id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
        with contextlib.closing(cluster.root(0)) as conn:
            for text in (f"USE {schema}", *SCHEMA):
                query(conn, text)
    cluster.sql(0, "CREATE TABLE IF NOT EXISTS test.rival "
                   "(id INT AUTO_INCREMENT PRIMARY KEY, n INT)")
    cluster.wait_caught_up()
    with contextlib.ExitStack() as stack:
        start = _factory(tmp_path_factory.mktemp("differential"), stack)
        proxy = start(cluster, {
            "proxy": {"workers": 1, "admin": f"127.0.0.1:{free_ports()}"},
            "pool": {"wait_timeout_ms": 5000}, "server db2": None,
            **{f"server db{i}": {"max_connections": 2} for i in (0, 1)},
        }, split=True)
        found = Both(cluster, proxy)
        stack.callback(found.rivals.close)
        yield found


def test_random_sequences(cluster, both):
    check(cluster, both, CAPABILITIES, sequence, SEQUENCES)


def test_random_bulks(cluster, both):
    """Executions in bulk among the others."""
    if cluster.flavor != "mariadb":
        pytest.skip("only MariaDB has them")
    check(cluster, both, [rawclient.MARIADB | rawclient.MULTI_STATEMENTS],
          lambda seed, number: sequence(seed, number, avoid=["prepared", "counts"], also=IN_BULK),
          SEQUENCES // 4)


def check(cluster, both, all_capabilities, sequence, most):
    seed, _, only = SEED.partition("/")
    if seed == "random":
        seed = str(random.randrange(10**9))
    until = time.monotonic() + SECONDS
    number = int(only or 0)
    steps_taken = 0
    failures = []
    while time.monotonic() < until and len(failures) < MAX_FAILURES and \
            number < most:
        steps, name = sequence(seed, number)
        capabilities = all_capabilities[number % len(all_capabilities)]
        found = both.differences(steps, capabilities)
        if found:
            fewer, again = both.shrink(steps, capabilities)
            failures.append(report(cluster, name, fewer if again else steps, again or found))
            print(failures[-1], flush=True)
        steps_taken += len(steps)
        number += 1
        if only:
            break
    print(f"\n{cluster.flavor}: seed {seed}, {number} sequences, {steps_taken} statements; "
          f"{both.rivals.moved} times on another connection, {both.rivals.stayed} pinned")
    assert not failures, "\n\n".join(failures)
    assert only or both.rivals.moved > both.rivals.stayed / 10


def report(cluster, name, steps, found):
    lines = [f"{cluster.flavor}, sequence {name}:"]
    lines += [f"   {text}" for text in steps if text not in SETUP]
    for _, text, want, got in found[:3]:
        lines += [f"{text}", f"   direct: {want}", f"   proxy:  {got}"]
    return "\n".join(lines)
