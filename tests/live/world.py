"""The world of the live tests: real clusters, and Tidemark processes in front of them.

A test asks for fixtures (conftest.py) and gets objects of the two classes here. README.md beside
this file shows how.
"""

import contextlib
import itertools
import os
import random
import re
import signal
import socket
import subprocess
import time
import warnings
from pathlib import Path

import pymysql
from pymysql.constants import CLIENT

TOP = Path(__file__).resolve().parents[2]
CLUSTER_SH = TOP / "tests" / "cluster" / "cluster.sh"

# What a sanitizer says when it has found something.
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Thread)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
)


# --- small helpers ---------------------------------------------------------------------------


def free_ports(count=1):
    """The first of `count` consecutive ports of 127.0.0.1 that nobody holds.

    TIDEMARK_TEST_PORTS (first-last) says where to look; by default below the range that the
    kernel gives to outgoing connections, so that none of those can take a port in between.
    """
    first, last = map(int, os.environ.get("TIDEMARK_TEST_PORTS", "20000-31999").split("-"))
    for _ in range(200):
        base = random.randrange(first, last - count + 2)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(base, base + count):
                    s = stack.enter_context(socket.socket())
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(("127.0.0.1", port))
            except OSError:
                continue
        return base
    raise RuntimeError(f"no {count} free ports between {first} and {last}")


def until(predicate, timeout=10.0, interval=0.02, what="the condition"):
    """Polls until predicate() is true and returns its value; fails after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {timeout} s")
        time.sleep(interval)


def query(conn, text, args=None):
    """Runs one statement and returns its rows as a tuple of tuples (empty for none)."""
    with conn.cursor() as cursor:
        cursor.execute(text, args)
        return tuple(cursor.fetchall())


def served_by(conn):
    """The number of the server that answers a plain read on this connection (0: the primary).

    Each server keeps its own number in test.whoami, written past replication. Asking for
    @@server_id or @@port would not do: system variables are read on the primary.
    """
    return query(conn, "SELECT id FROM test.whoami")[0][0]


# --- clusters --------------------------------------------------------------------------------


class Cluster:
    """A primary (server 0) and its replicas (1…), on loopback."""

    def __init__(self, folder, flavor, replicas=2, offset=False):
        self.folder = Path(folder)
        self.flavor = flavor
        self.replicas = list(range(1, replicas + 1))
        self.servers = list(range(replicas + 1))
        self.offset = offset
        self.base_port = None
        self._dirty = False
        self._tables = itertools.count(1)

    def __repr__(self):
        return f"<{self.flavor} cluster at {self.base_port}>"

    def _script(self, *words):
        done = subprocess.run(
            [str(CLUSTER_SH), *map(str, words)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        if done.returncode != 0:
            raise RuntimeError(f"cluster.sh {words[0]} failed:\n{done.stdout}")
        return done.stdout

    def start(self):
        # Somebody may take a port between our look and the servers' bind: then another try.
        for attempt in range(3):
            self.base_port = free_ports(len(self.servers))
            try:
                self._script("start", self.folder, self.flavor, self.base_port,
                             len(self.replicas), "offset" if self.offset else "gtid")
                break
            except RuntimeError:
                self._script("destroy", self.folder)
                if attempt == 2:
                    raise
        return self

    def destroy(self):
        self._script("destroy", self.folder)

    # addresses

    def port(self, server):
        return self.base_port + server

    def address(self, server):
        return f"127.0.0.1:{self.port(server)}"

    @property
    def addresses(self):
        return [self.address(i) for i in self.servers]

    def socket_path(self, server):
        return str(self.folder / str(server) / "s.sock")

    def log_text(self, server):
        return (self.folder / str(server) / "log").read_text(errors="replace")

    # talking to a server directly, past Tidemark

    def connect(self, server, **options):
        """A PyMySQL connection straight to one server (app/app over TCP, autocommit)."""
        options = {"user": "app", "password": "app", "database": "test", "autocommit": True,
                   "host": "127.0.0.1", "port": self.port(server), **options}
        return pymysql.connect(**options)

    def root(self, server):
        """A connection as root over the server's socket."""
        return pymysql.connect(unix_socket=self.socket_path(server), user="root", password="",
                               autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)

    def sql(self, server, text, args=None):
        """Runs `text` as root on one server; returns the rows of its first result."""
        with contextlib.closing(self.root(server)) as conn:
            rows = query(conn, text, args)
            return rows

    def scalar(self, server, text, args=None):
        return self.sql(server, text, args)[0][0]

    def create_table(self, columns, **options):
        """A new table in `test`, present on all servers when this returns. Returns its name."""
        name = f"t{os.getpid()}_{next(self._tables)}"
        self.sql(0, f"CREATE TABLE test.{name} ({columns}) {options.get('suffix', '')}")
        self.wait_caught_up()
        return name

    def status(self, server, name):
        """A global status value as text, for example 'Questions'."""
        return self.sql(server, f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1]

    def connections_of(self, server, user="app"):
        """Ids of this user's connections to one server."""
        rows = self.sql(server, "SELECT id FROM information_schema.processlist WHERE user = %s",
                        (user,))
        return [row[0] for row in rows]

    @property
    def version(self):
        """The server's version string, as its greeting has it."""
        with contextlib.closing(self.connect(0)) as conn:
            return conn.get_server_info()

    # replication

    def _word(self):
        return "SLAVE" if self.flavor == "mariadb" else "REPLICA"

    def stop_replication(self, server):
        """Stops applying on a replica; it goes on receiving."""
        self._dirty = True
        self.sql(server, f"STOP {self._word()} SQL_THREAD")

    def start_replication(self, server):
        self.sql(server, f"START {self._word()} SQL_THREAD")

    def delay_replication(self, server, seconds):
        """Applies everything `seconds` late (whole seconds; 0 takes it back)."""
        self._dirty = True
        self.sql(server, f"STOP {self._word()}")
        if self.flavor == "mariadb":
            self.sql(server, f"CHANGE MASTER TO MASTER_DELAY = {seconds}")
        else:
            self.sql(server, f"CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {seconds}")
        self.sql(server, f"START {self._word()}")

    def wait_caught_up(self, timeout=10):
        """Until every replica has applied what the primary has committed now."""
        show = "SHOW MASTER STATUS" if self.flavor == "mariadb" else "SHOW BINARY LOG STATUS"
        wait = "MASTER_POS_WAIT" if self.flavor == "mariadb" else "SOURCE_POS_WAIT"
        log, position = self.sql(0, show)[0][:2]
        for server in self.replicas:
            answer = self.scalar(server, f"SELECT {wait}('{log}', {position}, {timeout})")
            assert answer is not None and answer >= 0, (
                f"replica {server} did not catch up: {self.replication_status(server)}")

    # the servers' processes

    def pid(self, server):
        return int((self.folder / str(server) / "pid").read_text())

    def stop(self, server):
        self._dirty = True
        self._script("stop", self.folder, server)

    def kill(self, server):
        """Ends a server as a crash would."""
        self._dirty = True
        self._script("crash", self.folder, server)

    def up(self, *servers):
        """Starts servers that were stopped or killed (all, when none is named)."""
        self._script("up", self.folder, *servers)

    def restart(self, server):
        self.stop(server)
        self.up(server)

    def freeze(self, server):
        """The server's process stands still: it accepts and answers nothing."""
        self._dirty = True
        os.kill(self.pid(server), signal.SIGSTOP)

    def thaw(self, server):
        os.kill(self.pid(server), signal.SIGCONT)

    def heal(self):
        """Undoes what tests did to the cluster. The fixtures call it after each test.

        What cannot be undone (a replica that is broken for good) fails the test that did it, and
        the cluster is made anew at the same addresses, so that only that test fails.
        """
        self._thaw_all()  # before anything is asked: a frozen server never answers
        own = self._with_own_transactions()
        if not self._dirty and not own and self._all_follow():
            return
        try:
            for server in own:
                self._forget_own_transactions(server)
            self._undo()
        except Exception as error:
            told = []
            for server in self.replicas:
                with contextlib.suppress(Exception):
                    told.append(f"replica {server}: {self.replication_status(server)}")
            self.destroy()
            self._script("start", self.folder, self.flavor, self.base_port,
                         len(self.replicas), "offset" if self.offset else "gtid")
            raise AssertionError("\n".join(
                [f"{self} could not be healed and was made anew: {error}", *told])) from error
        finally:
            self._dirty = False

    def _thaw_all(self):
        for server in self.servers:
            with contextlib.suppress(OSError, ValueError):
                self.thaw(server)

    def _undo(self):
        self.up()
        for server in self.replicas:
            self.delay_replication(server, 0)
        until(self._all_follow, what=f"replication in {self}")
        self.wait_caught_up()

    def _with_own_transactions(self):
        """MariaDB's replicas whose binary log holds transactions that the primary has not.

        A read-only replica still accepts and logs what is no change to its data: temporary tables,
        ANALYZE, FLUSH. The next transaction from the primary then fails on it in strict mode.
        """
        if self.flavor != "mariadb" or self.offset:
            return []
        try:
            return [server for server in self.replicas
                    if f"-{self.port(server)}-" in self.scalar(server, "SELECT @@gtid_binlog_state")]
        except pymysql.err.MySQLError:
            return []

    def _forget_own_transactions(self, server):
        warnings.warn(f"{self}: replica {server} logged transactions of its own: "
                      + self.scalar(server, "SELECT @@gtid_binlog_state"), stacklevel=2)
        self.sql(server, "STOP SLAVE")
        self.sql(server, "RESET MASTER")
        self.sql(server, "START SLAVE")

    def replication_status(self, server):
        """What a replica says of its replication, as a dictionary."""
        with contextlib.closing(self.root(server)) as conn:
            with conn.cursor(pymysql.cursors.DictCursor) as cursor:
                cursor.execute(f"SHOW {self._word()} STATUS")
                row = cursor.fetchone() or {}
        told = ("_IO_Running", "_SQL_Running", "_Error", "_Running_State", "SQL_Delay")
        return {key: row[key] for key in row if key.endswith(told)}

    def _all_follow(self):
        try:
            return all(
                [value for key, value in self.replication_status(server).items()
                 if key.endswith(("_IO_Running", "_SQL_Running"))] == ["Yes", "Yes"]
                for server in self.replicas)
        except pymysql.err.MySQLError:
            return False


# --- Tidemark --------------------------------------------------------------------------------


def tidemark_program():
    """The program under test: $TIDEMARK, or the newest there is in build/."""
    named = os.environ.get("TIDEMARK")
    if named:
        return Path(named).resolve()
    built = [p for p in (TOP / "build/san/tidemark", TOP / "build/tidemark") if p.exists()]
    if not built:
        raise RuntimeError("no build/tidemark: run make, or set TIDEMARK")
    return max(built, key=lambda p: p.stat().st_mtime)


def plain_program():
    """The program without sanitizers, for tests that measure memory or time: $TIDEMARK_PLAIN, or
    build/tidemark (`make test` builds it before the live tests)."""
    program = Path(os.environ.get("TIDEMARK_PLAIN", TOP / "build/tidemark")).resolve()
    if not program.exists():
        raise RuntimeError(f"{program} is missing: run make, or set TIDEMARK_PLAIN")
    return program


def dumped_memory(pid, everything=False):
    """What a core dump of the process would hold of its writable memory; or all of that."""
    held, wanted = [], None
    with open(f"/proc/{pid}/smaps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            place = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                wanted = (int(place[1], 16), int(place[2], 16)) if place else None
            elif line.startswith("VmFlags:") and wanted and (everything or " dd" not in line):
                memory.seek(wanted[0])
                with contextlib.suppress(OSError):
                    held.append(memory.read(wanted[1] - wanted[0]))
    return b"".join(held)


def ini_text(settings):
    """{'server db1': {'weight': 2}} as the text of a configuration file."""
    lines = []
    for section, keys in settings.items():
        lines.append(f"[{section}]")
        lines += [f"{key} = {value}" for key, value in keys.items()]
        lines.append("")
    return "\n".join(lines)


def overlay(base, changes):
    """`base` with `changes` laid over it, section by section; None removes a key or a section."""
    merged = {section: dict(keys) for section, keys in base.items()}
    for section, keys in (changes or {}).items():
        if keys is None:
            merged.pop(section, None)
            continue
        target = merged.setdefault(section, {})
        for key, value in keys.items():
            if value is None:
                target.pop(key, None)
            else:
                target[key] = value
    return merged


def default_settings(cluster, port):
    """What a test gets without asking: two workers, the cluster's servers, its application users,
    and a monitor that looks often enough for a test's patience."""
    settings = {
        "proxy": {"listen": f"127.0.0.1:{port}", "workers": 2, "log_level": "info",
                  "drain_timeout_ms": 2000},
        "monitor": {"user": "mon", "password": "mon", "poll_ms": 200},
        "user app": {"password": "app"},
        "user app2": {"password": "app2"},
    }
    for server in cluster.servers if cluster else []:
        settings[f"server db{server}"] = {"address": cluster.address(server)}
    return settings


class Tidemark:
    """A running proxy process. Made by the fixture `tidemark`, which also ends it."""

    def __init__(self, folder, cluster=None, settings=None, flags=(), env=None,
                 program=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cluster = cluster
        self.program = Path(program or tidemark_program())
        self.port = free_ports()
        self.settings = overlay(default_settings(cluster, self.port), settings)
        self.config = self.folder / "tidemark.ini"
        self.log = self.folder / "tidemark.log"
        self.flags = list(flags)
        self.env = dict(env or {})
        self.process = None
        self._connections = []

    # life

    def start(self, timeout=15):
        self.config.write_text(ini_text(self.settings))
        env = {**os.environ, **self.env}
        env.setdefault("ASAN_OPTIONS", "detect_leaks=1:exitcode=99:detect_stack_use_after_return=1")
        env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        env.setdefault("TSAN_OPTIONS", "exitcode=99")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(self.program), "--config", str(self.config), *self.flags],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=self.folder,
            )
        deadline = time.monotonic() + timeout
        while not self._accepts():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"tidemark ended with {self.process.returncode}:\n{self.log_text()}")
            if time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError(f"tidemark does not listen:\n{self.log_text()}")
            time.sleep(0.02)
        return self

    def _accepts(self):
        # Its own line first: a connection to a port tells nothing about whose it is, and would
        # show up as a client that broke off its login.
        return "proxy: started workers=" in self.log_text()

    def stop(self, timeout=30):
        """SIGTERM, then: it must end by itself, with status 0, and no sanitizer may complain."""
        for conn in self._connections:
            with contextlib.suppress(Exception):
                conn.close()
        self._connections.clear()
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            # The stacks of a hung process are worth more than its end.
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"tidemark did not end on SIGTERM:\n{self.log_tail()}") from None
        finally:
            self.check_log()
        self.process = None
        assert status == 0, f"tidemark ended with status {status}:\n{self.log_tail()}"

    def check_log(self):
        text = self.log_text()
        found = SANITIZER_REPORT.search(text)
        assert not found, "a sanitizer reports:\n" + text[max(0, found.start() - 200):][:8000]

    def send_signal(self, number):
        self.process.send_signal(number)

    # looking at it

    @property
    def pid(self):
        return self.process.pid

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines=60):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def descriptors(self):
        """How many file descriptors the process holds."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def steady_descriptors(self, quiet=1.0, timeout=15):
        """How many it holds once the number has stayed the same for `quiet` seconds: what it opens of
        its own accord after a start (monitors, connections kept ready) is in it by then."""
        seen, since = self.descriptors(), time.monotonic()
        deadline = since + timeout
        while time.monotonic() < since + quiet:
            assert time.monotonic() < deadline, f"the number of descriptors still changes: {seen}"
            time.sleep(0.02)
            if self.descriptors() != seen:
                seen, since = self.descriptors(), time.monotonic()
        return seen

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def resident_kib(self):
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", status).group(1))

    def cpu_seconds(self):
        """User and system time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # using it

    def connect(self, **options):
        """A PyMySQL connection through the proxy: app/app, schema test, autocommit on.

        PyMySQL's own default is autocommit=0, with which everything is in a transaction and reads
        stay on the primary; pass autocommit=False for that.
        """
        options = {"user": "app", "password": "app", "database": "test", "autocommit": True,
                   "host": "127.0.0.1", "port": self.port, "connect_timeout": 20,
                   "read_timeout": 60, **options}
        conn = pymysql.connect(**options)
        self._connections.append(conn)
        return conn

    def _wait_seen(self, patience=5):
        """Until every configured server has a role, for those tests where all of them can have one."""
        names = [section[7:] for section in self.settings if section.startswith("server ")]

        def all_seen():
            text = self.log_text()
            return all(re.search(rf" server {name}: (primary|replica)", text) for name in names)

        with contextlib.suppress(AssertionError):
            until(all_seen, patience, 0.02, "a role for every server")

    def wait_split(self, timeout=15):
        """Until a plain read is served by a replica: the monitor has seen the cluster."""
        def on_a_replica():
            with contextlib.suppress(pymysql.err.MySQLError):
                with contextlib.closing(self.connect()) as conn:
                    self._connections.remove(conn)
                    return served_by(conn) != 0
            return False
        try:
            until(on_a_replica, timeout, 0.05, "a read on a replica")
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.log_tail()}") from None
        self._wait_seen()
        return self
