"""No [user] sections: passwords are checked by logging in to the primary."""

import concurrent.futures
import contextlib
import ssl
import struct
import subprocess

import pymysql
import pytest
import rawclient
from rawclient import RawClient
from world import dumped_memory, plain_program, query, served_by, until

NO_USERS = {"user app": None, "user app2": None}
ANY = {"ssl": {"check_hostname": False, "verify_mode": ssl.CERT_NONE}}
TTL_MS = 400


def denial(connect, *args, **options):
    """The error that a login ends in."""
    with pytest.raises(pymysql.err.OperationalError) as caught:
        connect(*args, **options).close()
    return caught.value.args


def works(connect, **options):
    """Whether a statement of a new connection does."""
    try:
        with contextlib.closing(connect(**options)) as conn:
            return query(conn, "SELECT 1") == ((1,),)
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1045, error
        return False


@pytest.fixture
def guests(cluster, tidemark):
    """A proxy without configured users, where what is kept of a password is soon checked again."""
    return tidemark(cluster, {**NO_USERS, "proxy": {"credential_ttl_ms": TTL_MS}}, split=True)


@pytest.fixture
def account(cluster):
    """Makes accounts, which go when the test ends."""
    made = []

    def create(name, password, how="IDENTIFIED BY", require=""):
        cluster.sql(0, f"CREATE USER {name} {how} '{password}' {require}")
        made.append(name)
        cluster.sql(0, f"GRANT ALL ON test.* TO {name}")
        cluster.wait_caught_up()

    yield create
    for name in made:
        cluster.sql(0, f"DROP USER IF EXISTS {name}")


def test_right_wrong_unknown_and_empty(cluster, guests, account):
    account("bare", "")
    conn = guests.connect()
    assert query(conn, "SELECT CURRENT_USER()") == (("app@%",),)
    until(lambda: served_by(conn) != 0, what="a read on a replica")
    cases = (("app", "wrong"), ("app", ""), ("nobody", "app"), ("nobody", ""), ("bare", "x"))
    for number, (user, password) in enumerate(cases):
        # An address each, because failed logins slow down the next ones from there.
        options = {"user": user, "password": password, "bind_address": f"127.0.0.{20 + number}"}
        expected = denial(cluster.connect, 0, **options)
        assert expected[0] == 1045
        assert denial(guests.connect, **options) == expected
    assert query(guests.connect(user="bare", password=""), "SELECT CURRENT_USER()") == (
        ("bare@%",),)
    assert works(guests.connect)


def test_change_user(guests, account):
    account("other", "quite other")
    with RawClient(guests.port) as client:
        client.change_user("other", "quite other", "test")
        assert client.query("SELECT CURRENT_USER()") == [("other@%",)]
        client.change_user("app", "app", "test")
        assert client.query("SELECT CURRENT_USER()") == [("app@%",)]
        with pytest.raises(rawclient.ServerError) as denied:
            client.change_user("other", "quite wrong", "test")
        assert denied.value.code == 1045


def test_changed_password(cluster, guests, account):
    account("fickle", "first")
    old = guests.connect(user="fickle", password="first")
    assert query(old, "SELECT 1") == ((1,),)
    cluster.sql(0, "ALTER USER fickle IDENTIFIED BY 'second'")
    # The new one is right at once, whatever is kept.
    assert works(guests.connect, user="fickle", password="second")
    until(lambda: not works(guests.connect, user="fickle", password="first"), 5, 0.3,
          "the old password is refused")
    assert works(guests.connect, user="fickle", password="second")


def test_dropped_account(cluster, guests, account):
    account("gone", "soon")
    conn = guests.connect(user="gone", password="soon")
    assert query(conn, "SELECT 1") == ((1,),)
    cluster.sql(0, "DROP USER gone")

    def is_over():
        try:
            query(conn, "SELECT 1")
        except pymysql.err.MySQLError:
            return True
        return False

    until(is_over, 5, what="the session of a dropped account ends")
    assert not works(guests.connect, user="gone", password="soon")
    until(lambda: not cluster.connections_of(0, "gone"), what="its idle connections are closed")


def test_what_is_kept_is_used_between_checks(cluster, tidemark):
    proxy = tidemark(cluster, {**NO_USERS, "pool": {"min_idle": 0}}, split=True)

    def seen():
        return int(cluster.status(0, "Connections"))

    assert works(proxy.connect)
    before, mine = seen(), 0
    for _ in range(5):
        proxy.connect(database=None).close()
    assert seen() - before == 1 + mine  # only the one that asks


def test_many_at_once(guests, account):
    account("crowd", "of clients")

    def log_in(_):
        return works(guests.connect, user="crowd", password="of clients")

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        assert all(pool.map(log_in, range(120)))


def test_server_restart_with_a_cold_cache(own_cluster, tidemark):
    cluster = own_cluster("mysql")
    for settings, options in ((NO_USERS, {}), (NO_USERS, ANY), ({}, {}),
                              ({**NO_USERS, "tls": {"server": "disabled"}}, {})):
        proxy = tidemark(cluster, settings, split=True)
        conn = proxy.connect(**options)
        query(conn, "DO 1")
        cluster.restart(0)  # what its cache held of passwords is gone, and all connections
        until(lambda c=conn: _answers(c), 20, 0.1, "the session goes on")
        assert works(proxy.connect, **options)
        proxy.stop()


def _answers(conn):
    with contextlib.suppress(pymysql.err.MySQLError):
        return query(conn, "DO 1") == ()
    conn.ping(reconnect=True)
    return False


class ClearClient(RawClient):
    """Comes with mysql_clear_password, over TLS or not."""

    def __init__(self, port, tls, **options):
        super().__init__(port, login=False, **options)
        self.read_greeting()
        if tls:
            self.capabilities |= rawclient.SSL
            self.send(struct.pack("<IIB23x", self.capabilities, 1 << 24, self.charset))
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self.send(self.response("mysql_clear_password"))

    def answer(self, plugin, scramble):
        if plugin == "mysql_clear_password":
            return self.password + b"\0"
        return super().answer(plugin, scramble)


def test_clear_text_password(cluster, tidemark, account):
    account("clear", "for all to read")
    options = {"user": "clear", "password": "for all to read"}
    for settings in (NO_USERS, {"user clear": {"password": options["password"]}}):
        proxy = tidemark(cluster, settings, split=True)
        with ClearClient(proxy.port, True, **options) as client:
            client.finish_login("mysql_clear_password", client.greeting.scramble)
            assert client.query("SELECT CURRENT_USER()") == [("clear@%",)]
        with ClearClient(proxy.port, True, **{**options, "password": "wrong"}) as client:
            with pytest.raises(rawclient.ServerError) as denied:
                client.finish_login("mysql_clear_password", client.greeting.scramble)
            assert denied.value.code == 1045
        with ClearClient(proxy.port, False, **options) as client:
            # Not taken: as a server does, the proxy asks for a plugin that keeps secrets.
            asked = client.read_packet()
            assert asked[0] == 0xFE and asked[1:].partition(b"\0")[0] in (
                b"mysql_native_password", b"caching_sha2_password")


def test_require_ssl_of_the_account(cluster, guests, account):
    account("careful", "with wires", require="REQUIRE SSL")
    options = {"user": "careful", "password": "with wires"}
    assert works(guests.connect, **options, **ANY)
    assert denial(guests.connect, **options)[0] == 1045
    assert works(guests.connect, **options, **ANY)


def test_locked_account(cluster, guests, account):
    account("locked", "in")
    options = {"user": "locked", "password": "in"}
    assert works(guests.connect, **options)
    cluster.sql(0, "ALTER USER locked ACCOUNT LOCK")
    expected = denial(cluster.connect, 0, **options)

    def is_refused():
        try:
            guests.connect(**options).close()
        except pymysql.err.OperationalError as error:
            return error.args
        return None

    assert until(is_refused, 5, 0.1, "the locked account is refused") == expected


@pytest.mark.parametrize("tls", [False, True])
def test_ed25519_account(own_cluster, tidemark, tls):
    cluster = own_cluster("mariadb")
    for server in cluster.servers:
        cluster.sql(server, "INSTALL SONAME 'auth_ed25519'")
    cluster.sql(0, "CREATE USER ed IDENTIFIED VIA ed25519 USING PASSWORD('an ed password')")
    cluster.sql(0, "GRANT ALL ON test.* TO ed")
    cluster.wait_caught_up()
    proxy = tidemark(cluster, NO_USERS, split=True)
    options = {"user": "ed", "password": "an ed password", **(ANY if tls else {})}
    for _ in range(2):
        assert query(proxy.connect(**options), "SELECT CURRENT_USER()") == (("ed@%",),)
    assert denial(proxy.connect, **{**options, "password": "wrong"})[0] == 1045
    for plugin in ("client_ed25519", "mysql_native_password"):
        done = subprocess.run(
            ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{proxy.port}", "-ued",
             "-pan ed password", f"--default-auth={plugin}", "-NBe", "SELECT USER()"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        assert (done.returncode, done.stdout) == (0, "ed@127.0.0.1\n"), done.stderr


def test_monitor_that_may_not_read_accounts(cluster, tidemark, account):
    cluster.sql(0, "CREATE USER blind IDENTIFIED BY 'blind'")
    try:
        for grant in ("REPLICATION CLIENT", "REPLICATION SLAVE", "PROCESS"):
            cluster.sql(0, f"GRANT {grant} ON *.* TO blind")
        if cluster.flavor == "mariadb":
            cluster.sql(0, "GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO blind")
        cluster.wait_caught_up()
        proxy = tidemark(cluster, {**NO_USERS, "monitor": {"user": "blind", "password": "blind"}})
        # By the password itself, which the client says encrypted.
        until(lambda: works(proxy.connect), what="a login")
        assert "the monitor's user cannot read mysql.user" in proxy.log_text()
    finally:
        cluster.sql(0, "DROP USER blind")


def test_secrets_stay_where_they_belong(cluster, tidemark, account, tmp_path):
    """Not in logs, not on the admin port, and nowhere in memory that a core dump would have."""
    secret = "zq-8812-unlikely-elsewhere"
    account("keeper", secret)
    given = tmp_path / "password"
    given.write_text("xv-7731-configured-in-a-file")
    for settings in ({**NO_USERS}, {"user filed": {"password_file": given}}):
        proxy = tidemark(cluster, {**settings, "proxy": {"log_level": "debug"}},
                         split=True, program=plain_program())
        if settings == NO_USERS:
            for options in ({}, ANY):
                with contextlib.closing(proxy.connect(user="keeper", password=secret,
                                                      **options)) as conn:
                    assert query(conn, "SELECT 1") == ((1,),)
        for word in (secret, given.read_text()):
            assert word not in proxy.log_text()
            assert word.encode() not in dumped_memory(proxy.pid)
        if settings != NO_USERS:  # the look into memory does find what is there
            assert given.read_text().encode() in dumped_memory(proxy.pid, everything=True)
