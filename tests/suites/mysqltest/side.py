"""One of the two ways to run a test: a server of its own, and how mysqltest reaches it.

Both sides have a server with the same options and the same history, so that whatever differs in what
a test prints comes from the way it reached its server.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "live"))

import pymysql  # noqa: E402
from pymysql.constants import CLIENT  # noqa: E402
from suite import HERE  # noqa: E402
from world import Tidemark, free_ports, query, until  # noqa: E402

SERVER_SH = HERE / "server.sh"
OWN_SCHEMAS = {"mysql", "information_schema", "performance_schema", "sys", "test", "mtr"}
# Global variables that move by themselves, or that go back with others.
MOVING = re.compile(r"gtid_(executed|purged|current|binlog|slave)|timestamp|^pseudo|^last_", re.I)
# As the driver has it; passwords go encrypted with the server's key, which is Tidemark's too.
MYSQL_CLIENTS = """[mysqltest]
default-character-set = utf8mb4
ssl-mode = DISABLED
server-public-key-path = {key}
[mysql]
default-character-set = utf8mb4
[mysqlshow]
default-character-set = utf8mb4
[mysqlimport]
default-character-set = utf8mb4
[mysqlcheck]
default-character-set = utf8mb4
"""
SKIPPED = 62  # mysqltest's exit status for a test that says it cannot run here


class Outcome:
    """What a run of one test gave. `text` is all that it printed, without what differs by nature."""

    def __init__(self, status, seconds, text, ok):
        self.status, self.seconds, self.text, self.ok = status, seconds, text, ok

    @property
    def kind(self):
        if self.ok:
            return "passes"
        return {0: "other result", SKIPPED: "skipped", None: "timeout"}.get(self.status, "fails")


class Side:
    """A server, and in front of it Tidemark when `proxied`."""

    def __init__(self, suite, folder, proxied, replicas=0, protocol=None):
        self.suite, self.proxied, self.replicas = suite, proxied, replicas
        self.folder = Path(folder)
        self.protocol = protocol
        self.proxy = None
        self.var = self.folder / "var"

    # life

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(3):
            self.server_port = free_ports(1 + self.replicas)
            started = subprocess.run(
                [str(SERVER_SH), "start", str(self.folder / "servers"), self.suite.flavor,
                 str(self.suite.folder), str(self.server_port), str(self.replicas)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if started.returncode == 0:
                break
            self._stop_servers()
            if attempt == 2:
                raise RuntimeError(f"server.sh start failed:\n{started.stdout}")
        self.port = self.server_port
        self.socket = str(self.folder / "servers/0/s.sock")
        with self.admin() as conn:
            self._users = self._list_users(conn)
            self._variables = self._list_variables(conn)
        if self.proxied:
            self._start_proxy()

    def _start_proxy(self):
        socket = str(self.folder / "t.sock")
        settings = {
            **{f"user {user}": {"password": password}
               for user, password in self.suite.logins().items()},
            "user app": None, "user app2": None, "user root": {"password": ""},
            "monitor": {"user": "root", "password": ""},
            # Tests wait until the server has as few connections again as before.
            "pool": {"min_idle": 0, "idle_timeout_ms": 1000},
        }
        for server in range(1 + self.replicas):
            # A server alone stays the primary while a test makes it read-only.
            settings[f"server db{server}"] = {
                "address": f"127.0.0.1:{self.server_port + server}",
                "role": "auto" if self.replicas else "primary"}
        self.proxy = Tidemark(self.folder / "tidemark", None, settings)
        self.proxy.settings["proxy"]["listen"] += f", unix:{socket}"
        key = self.folder / "servers/0/data/private_key.pem"
        if key.exists():
            self.proxy.settings["proxy"]["rsa_private_key"] = key
        self.proxy.start()
        self.port, self.socket = self.proxy.port, socket

        def primary_seen():
            with contextlib.suppress(pymysql.err.MySQLError):
                with contextlib.closing(pymysql.connect(unix_socket=socket, user="root")) as conn:
                    return query(conn, "SELECT 1")
        until(primary_seen, 20, 0.05, "the primary behind Tidemark")

    def stop(self):
        """Ends everything; raises when the proxy did not end well."""
        proxy, self.proxy = self.proxy, None
        try:
            if proxy:
                proxy.stop()
        finally:
            self._stop_servers()

    def _stop_servers(self):
        subprocess.run([str(SERVER_SH), "stop", str(self.folder / "servers")], check=False)

    def anew(self):
        self.stop()
        self.start()

    @contextlib.contextmanager
    def admin(self):
        """Root, straight to the server over its socket."""
        conn = pymysql.connect(unix_socket=str(self.folder / "servers/0/s.sock"), user="root",
                               autocommit=True, connect_timeout=5, read_timeout=20,
                               client_flag=CLIENT.MULTI_STATEMENTS)
        with contextlib.closing(conn):
            yield conn

    # between two tests

    def reset(self):
        """The server as it was before; False when only a new one will do."""
        try:
            with self.admin() as conn:
                self._reset_variables(conn)
                query(conn, "SET foreign_key_checks = 0")
                for schema, in query(conn, "SHOW DATABASES"):
                    if schema not in OWN_SCHEMAS:
                        query(conn, "DROP DATABASE `" + schema.replace("`", "``") + "`")
                query(conn, "DROP DATABASE IF EXISTS test")
                query(conn, "CREATE DATABASE test")
                for user, host in self._list_users(conn) - self._users:
                    query(conn, "DROP USER IF EXISTS %s@%s", (user, host))
                return self._list_users(conn) == self._users
        except (pymysql.err.Error, OSError):
            return False

    @staticmethod
    def _list_users(conn):
        return set(query(conn, "SELECT user, host FROM mysql.user"))

    def _list_variables(self, conn):
        return {name.lower(): value for name, value in query(conn, "SHOW GLOBAL VARIABLES")
                if not MOVING.search(name)}

    def _reset_variables(self, conn):
        now = self._list_variables(conn)
        for name, value in self._variables.items():
            if now.get(name) == value:
                continue
            bare = re.fullmatch(r"-?[0-9.]+", value)
            try:
                query(conn, f"SET GLOBAL {name} = " + (value if bare else conn.literal(value)))
            except pymysql.err.Error:
                with contextlib.suppress(pymysql.err.Error):
                    query(conn, f"SET GLOBAL {name} = DEFAULT")

    # running a test

    def _client_config(self):
        path = self.folder / "client.cnf"
        path.write_text(
            "[client]\nuser = root\npassword =\nhost = 127.0.0.1\nprotocol = tcp\n"
            f"port = {self.port}\nsocket = {self.socket}\n"
            f"character-sets-dir = {self.suite.share}/charsets\n"
            f"loose-plugin-dir = {self.suite.plugins}\n"
            + (MYSQL_CLIENTS.format(key=self.folder / "servers/0/data/public_key.pem")
               if self.suite.flavor == "mysql" else ""))
        return path

    def _program(self, name):
        first, *rest = words = self.suite.program(name)
        at = len(self.suite.run_with) + 1
        return " ".join([*words[:at], f"--defaults-file={self.folder / 'client.cnf'}", *words[at:]])

    def _environment(self):
        suite, var = self.suite, str(self.var)
        plain = {name: value for name, value in os.environ.items()
                 if name in ("PATH", "HOME", "TMPDIR")}
        programs = {
            "MYSQL": "mysql", "MYSQL_DUMP": "mysqldump", "MYSQL_CHECK": "mysqlcheck",
            "MYSQL_IMPORT": "mysqlimport", "MYSQL_SHOW": "mysqlshow", "MYSQL_SLAP": "mysqlslap",
            "MYSQL_BINLOG": "mysqlbinlog",
        }
        data = str(self.folder / "servers/0/data") + "/"
        return {
            **plain, **{name: self._program(program) for name, program in programs.items()},
            "MYSQLADMIN": (" ".join(suite.program("mysqladmin")) if suite.flavor == "mysql"
                           else self._program("mysqladmin")),
            "EXE_MYSQL": " ".join(suite.program("mysql")),
            "MYSQL_TEST": self._program("mysqltest"),
            "MYSQL_TEST_DIR": str(suite.folder), "MYSQLTEST_VARDIR": var,
            "MYSQLTEST_REAL_VARDIR": var, "MYSQL_TMP_DIR": var + "/tmp",
            "MYSQLD_DATADIR": data, "MYSQLTEST_FILE": "",
            "MASTER_MYPORT": str(self.port), "SERVER_MYPORT_1": str(self.port),
            "MASTER_MYSOCK": self.socket, "DEFAULT_MASTER_PORT": "3306",
            "MYSQL_SHAREDIR": str(suite.share), "MYSQL_CHARSETSDIR": str(suite.share / "charsets"),
            "MYSQL_LIBDIR": str(suite.share), "CHARSETSDIR": str(suite.share / "charsets"),
            "MYSQL_TEST_LOGIN_FILE": var + "/tmp/.mylogin.cnf", "SECURE_LOAD_PATH": str(
                suite.folder / "std_data"),
            "LC_ALL": "C", "LC_COLLATE": "C", "LC_CTYPE": "C", "TZ": "GMT-3", "USER": "root",
            "UMASK": "0660", "UMASK_DIR": "0770", "USE_RUNNING_SERVER": "1", "MTR_VERSION": "1",
            "PURGE_SYSTEM_LOGS": "0", "VALGRIND_TEST": "0", "ENABLED_DEBUG_SYNC": "0",
            "MTR_RECORD": "0", "MARIADB_TEST": "1", "OPENSSL_ENABLE_SHA1_SIGNATURES": "1",
            **({"LD_LIBRARY_PATH": str(suite.folder / "lib-of-bin")}
               if suite.flavor == "mariadb" else {}),
        }

    def run(self, name, timeout):
        """Runs one test. Its result is recorded and compared here, because a result that differs
        from the suite's is still worth comparing with the other side's."""
        suite, var = self.suite, self.var
        shutil.rmtree(var, ignore_errors=True)
        for folder in ("tmp", "log", "run"):
            (var / folder).mkdir(parents=True)
        (var / "std_data_ln").symlink_to(suite.folder / "std_data")
        (var / "std_data").symlink_to(suite.folder / "std_data")
        config, result = self._client_config(), var / "recorded.result"
        command = [
            *suite.program("mysqltest"), f"--defaults-file={config}", "--silent",
            f"--tmpdir={var}/tmp", f"--logdir={var}/log", "--database=test",
            f"--timer-file={var}/log/timer", "--tail-lines=20", "--record",
            f"--result-file={result}", f"--test-file={suite.tests / name}.test",
            *([f"--suite-dir={suite.tests}/"] if suite.flavor == "mariadb" else []),
            *([f"--{self.protocol}-protocol"] if self.protocol else []),
        ]
        begun = time.monotonic()
        process = subprocess.Popen(command, cwd=suite.folder, env=self._environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            said, status = process.communicate(timeout=timeout)[0], process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, status = process.communicate()[0], None
        seconds = time.monotonic() - begun
        printed = result.read_bytes() if result.exists() else b""
        ok = status == 0 and printed == suite.expected(name)
        log = var / "log/recorded.log"
        if status != 0 and log.exists():
            printed = log.read_bytes()
        return Outcome(status, seconds, self._neutral(printed + b"\n--\n" + said), ok)

    def _neutral(self, text):
        """Without this side's own paths and ports."""
        text = text.decode("utf-8", "backslashreplace")
        text = text.replace(str(self.folder), "SIDE")
        for port in {self.port, self.server_port}:
            text = re.sub(rf"\b{port}\b", "PORT", text)
        return text
