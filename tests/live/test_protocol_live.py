"""The protocol as clients and servers really speak it: commands, sizes, capabilities, errors, and
input that no client would send."""

import contextlib
import random
import socket
import struct
import time

import pymysql
import pytest

import rawclient
from rawclient import Closed, RawClient, ServerError
from world import query, until

MIB = 1 << 20
SEED = 20261120

CAPABILITIES = {
    "modern": rawclient.MODERN,
    "eof": rawclient.BASE,
    "deprecate eof only": rawclient.BASE | rawclient.DEPRECATE_EOF,
    "session track only": rawclient.BASE | rawclient.SESSION_TRACK,
}


@pytest.fixture(params=CAPABILITIES)
def capabilities(request):
    return CAPABILITIES[request.param]


@pytest.fixture
def pair(cluster, proxy, capabilities):
    """The same client through the proxy and straight to the primary."""
    with RawClient(proxy.port, capabilities=capabilities) as through, \
            RawClient(cluster.port(0), capabilities=capabilities) as direct:
        yield through, direct


def outcome(action):
    """What a client sees of it: the value, or the error."""
    try:
        return action()
    except ServerError as error:
        return ("error", error.code, error.sqlstate)


# --- commands --------------------------------------------------------------------------------


def test_greeting_is_the_servers(cluster, proxy):
    with RawClient(proxy.port) as through, RawClient(cluster.port(0)) as direct:
        assert through.greeting.version == direct.greeting.version
        assert through.greeting.plugin == direct.greeting.plugin
        assert through.greeting.charset == direct.greeting.charset
        assert through.greeting.protocol == 10
        assert through.greeting.scramble != direct.greeting.scramble
        assert all(1 <= c < 128 for c in through.greeting.scramble)


def test_the_logins_ok_is_the_servers(cluster, proxy, capabilities):
    seen = []
    for port in (cluster.port(0), proxy.port):
        client = RawClient(port, capabilities=capabilities, login=False)
        client.read_greeting()
        client.send(client.response())
        result = client.finish_login(client.greeting.plugin, client.greeting.scramble)
        trackers = [t for t in result.trackers if t[0] == 1]
        seen.append((result.affected, result.insert_id, result.status & 0x3FFF, result.warnings,
                     trackers))
        client.close()
    assert seen[0] == seen[1]


def test_answers_are_the_servers(pair):
    through, direct = pair
    for text in ("SELECT 1", "SELECT NULL, '', 'a'", "DO 1", "SELECT * FROM whoami WHERE 1 = 0",
                 "SELECT nosuch", "SELECT", "", " ", ";", "SELECT 1;", "/* only a comment */",
                 "USE nosuch", "USE test", "SET @a = 1", "INSERT INTO nosuch VALUES (1)",
                 "SELECT 1/0", "SHOW TABLES LIKE 'nosuch'", "CREATE DATABASE test"):
        wanted, got = (outcome(lambda c=client: described(c, text)) for client in (direct, through))
        assert got == wanted, text


def described(client, text):
    result = client.results(text)[0]
    return (result.rows, result.columns, result.affected, result.warnings, result.info,
            result.status & 0x200B)


def test_init_db_ping_statistics_set_option(cluster, pair):
    through, direct = pair
    assert through.ok(rawclient.PING).status == direct.ok(rawclient.PING).status
    through.ok(rawclient.INIT_DB, b"mysql")
    assert through.query("SELECT DATABASE()") == [("mysql",)]
    for client in pair:
        with pytest.raises(ServerError) as caught:
            client.ok(rawclient.INIT_DB, b"nosuch")
        assert (caught.value.code, caught.value.sqlstate) == (1049, "42000")
    assert through.query("SELECT DATABASE()") == [("mysql",)]
    through.command(rawclient.STATISTICS)
    assert through.read_packet().startswith(b"Uptime: ")
    for option in (0, 1, 0):
        through.command(rawclient.SET_OPTION, struct.pack("<H", option))
        direct.command(rawclient.SET_OPTION, struct.pack("<H", option))
        wanted, got = direct.read_packet(), through.read_packet()
        assert got[0] == wanted[0] and len(got) == len(wanted), (got, wanted)
        two = outcome(lambda: len(through.results("SELECT 1; SELECT 2")))
        assert two == (2 if option == 0 else ("error", 1064, "42000"))
        direct_two = outcome(lambda: len(direct.results("SELECT 1; SELECT 2")))
        assert direct_two == two
    for client in pair:
        client.command(rawclient.SET_OPTION, struct.pack("<H", 7))
        assert client.read_packet()[:3] == b"\xff\x17\x04"
    assert through.query("SELECT 1") == [("1",)]


def test_field_list(pair):
    answers = []
    for client in pair:
        client.command(rawclient.FIELD_LIST, b"whoami\0%")
        packets = [client.read_packet()]
        while packets[-1][0] not in (0xFE, 0xFF):
            packets.append(client.read_packet())
        answers.append(packets)
    through, direct = answers
    # A server without the command answers with an error; then so does the proxy.
    assert through[:-1] == direct[:-1] and through[-1][:3] == direct[-1][:3]
    assert pair[0].query("SELECT 1") == [("1",)]


# PROCESS_INFO (10), DEBUG (13), and what no server knows any more.
@pytest.mark.parametrize("code", [0, 5, 6, 10, 11, 13, 15, 16, 19, 20, 29, 100, 255])
def test_other_commands_are_the_servers(pair, code):
    answers = []
    for client in pair:
        client.command(code, b"\x01\0\0\0")
        payload = client.read_packet()
        if payload[0] in (0, 0xFE, 0xFF):
            answers.append(payload)
        else:  # a result set
            columns = client.read_columns(payload[0])
            if not client.capabilities & rawclient.DEPRECATE_EOF:
                client.read_eof()
            while not client._is_end(client.read_packet()):
                pass
            answers.append(columns)
        assert client.query("SELECT 1") == [("1",)]
    if code == 13 and answers[0][0] != 0xFF:
        # MySQL's count of warnings is that of whatever ran on the server connection before.
        answers = [(answer[0], len(answer)) for answer in answers]
    assert answers[0] == answers[1]


# REFRESH of the logs, SHUTDOWN.
@pytest.mark.parametrize("code", [7, 8])
@pytest.mark.parametrize("has_right", [False, True])
def test_commands_by_the_users_right(cluster, tidemark, code, has_right):
    if code == 8 and has_right:
        pytest.skip("the cluster is needed by others")
    cluster.sql(0, "CREATE USER IF NOT EXISTS plain IDENTIFIED BY 'plain'")
    cluster.sql(0, "GRANT SELECT ON test.* TO plain")
    cluster.wait_caught_up()
    user = "app" if has_right else "plain"
    proxy = tidemark(cluster, {"user plain": {"password": "plain"}}, split=True)
    answers = []
    for port in (proxy.port, cluster.port(0)):
        with RawClient(port, user=user, password=user) as client:
            client.command(code, b"\x02")
            answers.append(client.read_packet())
            assert client.query("SELECT 1") == [("1",)]
    cluster.sql(0, "DROP USER plain")
    assert answers[0] == answers[1]


@pytest.mark.parametrize("code", [32, 200])
def test_a_command_that_is_not_served(proxy, code):
    with RawClient(proxy.port) as client:
        client.command(code, b"\x01\0\0\0")
        payload = client.read_packet()
        error = ServerError(payload)
        assert payload[0] == 0xFF and error.code == 1047 and error.sqlstate == "08S01"
        assert client.query("SELECT 1") == [("1",)]


def test_an_empty_packet(proxy):
    with RawClient(proxy.port) as client:
        client.sequence = 0
        client.send(b"")
        with contextlib.suppress(Closed, ConnectionError):
            assert client.read_packet()[0] == 0xFF
    with RawClient(proxy.port) as client:
        assert client.query("SELECT 1") == [("1",)]


def test_quit_ends_at_once(proxy):
    client = RawClient(proxy.port)
    client.command(rawclient.QUIT)
    assert client.until_closed(3) == []


def test_multi_statements_and_multi_results(pair, cluster):
    table = cluster.create_table("id INT AUTO_INCREMENT PRIMARY KEY")
    cluster.sql(0, f"CREATE PROCEDURE test.p_{table}() BEGIN SELECT 1; SELECT 2, 3; END")
    for client in pair:
        client.command(rawclient.SET_OPTION, struct.pack("<H", 0))
        client.read_packet()
    # Every row, column, count and more-follows bit, part for part.
    for text in ("SELECT 1; SELECT 2; DO 1; SELECT 3",
                 f"INSERT INTO {table} VALUES (); SELECT COUNT(*) > 0 FROM {table}",
                 f"CALL p_{table}()", f"CALL p_{table}(); SELECT 4",
                 "SELECT 1; SELECT nosuch; SELECT 3", "SELECT 1;", "SELECT 1; ",
                 "BEGIN; SELECT 1; COMMIT", "SELECT 1; SELECT 2 WHERE 1 = 0"):
        wanted, got = ([], [])
        for client, seen in ((pair[0], got), (pair[1], wanted)):
            client.command(rawclient.QUERY, text.encode())
            try:
                while not seen or seen[-1][-1] & rawclient.MORE_RESULTS:
                    r = client.read_result()
                    seen.append((r.rows, r.columns, r.affected, r.warnings, r.status & 0x200B))
            except ServerError as error:
                seen.append((error.code, error.sqlstate, error.text))
        assert got == wanted, text


def test_several_commands_in_one_write(proxy, cluster):
    """Pipelined commands are answered one after the other, in order."""
    table = cluster.create_table("id INT PRIMARY KEY")
    with RawClient(proxy.port) as client:
        texts = [f"INSERT INTO {table} VALUES (1)", f"SELECT COUNT(*) FROM {table}",
                 "SELECT id FROM whoami WHERE id < 9", "SELECT nosuch",
                 f"INSERT INTO {table} VALUES (2)", f"SELECT COUNT(*) FROM {table}"]
        client.send_raw(b"".join(struct.pack("<I", len(t) + 1) + b"\x03" + t.encode()
                                 for t in texts))
        answers = []
        for _ in texts:
            client.sequence = 1
            answers.append(outcome(lambda: client.read_result().rows))
        assert answers[1] == [(b"1",)] and answers[5] == [(b"2",)]
        assert answers[3] == ("error", 1054, "42S22") and answers[4] is None


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [MIB, 0xFFFFFF - 60, 0xFFFFFF - 30, 0xFFFFFF, 0xFFFFFF + 1,
                                  17 * MIB, 2 * 0xFFFFFF, 40 * MIB])
def test_large_statements_and_results(cluster, proxy, size):
    """Both directions, around every packet's limit, content checked."""
    table = cluster.create_table("id INT PRIMARY KEY, b LONGBLOB")
    data = bytes(random.Random(size).choices(b"abcdefghijklmnopqrstuvwxyz0123456789", k=4096))
    data = (data * (size // len(data) + 1))[:size]
    with RawClient(proxy.port) as client:
        head = f"INSERT INTO {table} VALUES (1, '".encode()
        # The command's payload, its code byte included, is exactly `size`.
        blob = data[:size - len(head) - len(b"')") - 1]
        client.command(rawclient.QUERY, head + blob + b"')")
        assert client.read_result().affected == 1
        client.command(rawclient.QUERY, f"SELECT b FROM {table} WHERE id = 1".encode())
        assert client.read_result().rows == [(blob,)]
        assert client.query("SELECT 1") == [("1",)]
    cluster.sql(0, f"DROP TABLE test.{table}")


@pytest.mark.parametrize("size", [0xFFFFFF - 5, 0xFFFFFF - 4, 0xFFFFFF - 3, 2 * 0xFFFFFF - 4])
def test_rows_around_a_packets_limit(proxy, capabilities, size):
    """A row of exactly one full packet is followed by an empty one."""
    with RawClient(proxy.port, capabilities=capabilities) as client:
        client.command(rawclient.QUERY, f"SELECT REPEAT('r', {size}), 'x'".encode())
        rows = client.read_result().rows
        assert len(rows[0][0]) == size and rows[0][1] == b"x"
        assert client.query("SELECT 2") == [("2",)]


def test_a_statement_beyond_max_allowed_packet(cluster, proxy):
    """The server refuses it and hangs up; the client gets an error, others go on."""
    with RawClient(proxy.port) as client:
        with pytest.raises((ServerError, Closed, ConnectionError)) as caught:
            client.command(rawclient.QUERY, b"SELECT '" + b"x" * (70 * MIB) + b"'")
            client.read_result()
        if isinstance(caught.value, ServerError):
            assert caught.value.code in (1153, 2006, 2013, 1105, 1053), caught.value
    with RawClient(proxy.port) as client:
        assert client.query("SELECT 1") == [("1",)]


def test_pymysql_moves_large_values(cluster, proxy):
    table = cluster.create_table("id INT PRIMARY KEY, b LONGBLOB")
    blob = random.Random(7).randbytes(20 * MIB)
    conn = proxy.connect(max_allowed_packet=64 * MIB)
    query(conn, f"INSERT INTO {table} VALUES (1, %s)", (blob,))
    assert query(conn, f"SELECT b FROM {table}") == ((blob,),)
    conn.close()
    cluster.sql(0, f"DROP TABLE test.{table}")


# --- errors at login -------------------------------------------------------------------------


@pytest.mark.parametrize("user,password,database", [
    ("app", "wrong", "test"), ("app", "", "test"), ("nosuch", "x", "test"), ("nosuch", "", None),
    ("app", "app", "nosuch"), ("app", "wrong", "nosuch"),
])
def test_refused_logins_are_refused_as_the_server_does(cluster, proxy, user, password, database):
    seen = []
    for port in (cluster.port(0), proxy.port):
        with pytest.raises(pymysql.err.MySQLError) as caught:
            pymysql.connect(host="127.0.0.1", port=port, user=user, password=password,
                            database=database).close()
        code, text = caught.value.args[:2]
        seen.append((code, text.replace("localhost", "127.0.0.1")))
    assert seen[0] == seen[1]


def test_sqlstates_of_refused_logins(cluster, proxy):
    for arguments in ({"password": "wrong"}, {"user": "nosuch"}, {"database": "nosuch"},
                      {"user": "", "password": "", "database": None}):
        seen = []
        for port in (cluster.port(0), proxy.port):
            with pytest.raises(ServerError) as caught:
                RawClient(port, **arguments)
            seen.append((caught.value.code, caught.value.sqlstate))
        assert seen[0] == seen[1], arguments


def test_a_malformed_handshake_response_gets_the_servers_bytes(cluster, proxy):
    said = struct.pack("<IIB23x", rawclient.BASE, 1 << 24, 45)
    for payload in (b"", b"\1", said[:10], said[:32], said + b"app",
                    struct.pack("<H", rawclient.BASE & 0xFDFF) + b"\0\0\1ap"):
        answers = []
        for port in (cluster.port(0), proxy.port):
            client = RawClient(port, login=False)
            client.read_greeting()
            client.send(payload)
            answers.append(client.read_packet())
            assert client.until_closed(3) == []
            client.close()
        assert answers[0] == answers[1], payload


def test_too_many_clients(cluster, tidemark):
    proxy = tidemark(cluster, {"proxy": {"max_clients": 3}})
    clients = [RawClient(proxy.port) for _ in range(3)]
    for _ in range(3):
        with pytest.raises(ServerError) as caught:
            RawClient(proxy.port)
        assert caught.value.code == 1040
        assert caught.value.sqlstate in ("08004", ""), "a greeting's error has no SQLSTATE"
    clients.pop().close()
    until(lambda: isinstance(outcome(lambda: RawClient(proxy.port)), RawClient), timeout=5)


def test_another_plugin_is_switched(cluster, proxy):
    """A client that begins with another plugin than the account's."""
    for plugin in ("mysql_native_password", "caching_sha2_password", "dialog",
                   "mysql_clear_password"):
        client = RawClient(proxy.port, login=False)
        client.read_greeting()
        client.send(client.response(plugin))
        client.finish_login(plugin, client.greeting.scramble)
        assert client.query("SELECT CURRENT_USER()") == [("app@%",)]
        client.close()


def test_full_authentication_without_tls(mysql_cluster, tidemark):
    """The first login of caching_sha2_password asks for the public key; later ones need not."""
    proxy = tidemark(mysql_cluster)
    for _ in range(2):
        with pymysql.connect(host="127.0.0.1", port=proxy.port, user="app2", password="app2",
                             database="test") as conn:
            assert query(conn, "SELECT CURRENT_USER()") == (("app2@%",),)


def test_change_user(cluster, proxy, capabilities):
    with RawClient(proxy.port, capabilities=capabilities) as client:
        client.query("SET @a = 1")
        client.change_user("app2", "app2", "mysql")
        assert client.query("SELECT CURRENT_USER(), DATABASE(), @a") == [("app2@%", "mysql", None)]
        with pytest.raises(ServerError) as caught:
            client.change_user("app", "wrong", "test")
        assert (caught.value.code, caught.value.sqlstate) == (1045, "28000")


# --- input that no client sends --------------------------------------------------------------


def still_serves(proxy):
    with RawClient(proxy.port) as client:
        assert client.query("SELECT 1") == [("1",)]


def test_every_prefix_of_a_handshake_response(proxy):
    sample = RawClient(proxy.port, login=False)
    sample.read_greeting()
    whole = sample.response()
    sample.close()
    for size in range(0, len(whole), 3):
        client = RawClient(proxy.port, login=False, timeout=5)
        client.read_greeting()
        client.send(client.response()[:size])
        with contextlib.suppress(Closed, ConnectionError, ServerError):
            payload = client.read_packet()
            assert payload[0] in (0xFF, 0xFE, 0, 1), payload
        client.close()
    still_serves(proxy)


def test_connections_cut_at_every_byte_of_a_login(proxy):
    for size in range(0, 90, 4):
        client = RawClient(proxy.port, login=False)
        client.read_greeting()
        client.send_raw(client.frames_of(client.response())[:size])
        client.close()
    still_serves(proxy)


def test_random_bytes_at_every_stage(proxy):
    rnd = random.Random(SEED)
    for turn in range(60):
        client = RawClient(proxy.port, login=False, timeout=3)
        noise = rnd.randbytes(rnd.choice((1, 4, 5, 40, 400, 5000)))
        with contextlib.suppress(Closed, ConnectionError, ServerError, TimeoutError):
            if turn % 3 == 0:
                client.send_raw(noise)
            elif turn % 3 == 1:
                client.read_greeting()
                client.send(noise)
            else:
                client.login()
                client.sequence = 0
                client.send(noise)
            client.sock.settimeout(0.05)
            client.sock.recv(1000)
        client.close()
    still_serves(proxy)


def test_a_wrong_sequence_number(proxy):
    client = RawClient(proxy.port)
    client.sequence = 5
    client.send(b"\x03SELECT 1")
    errors = client.until_closed(5)
    assert [e.code for e in errors] in ([1156], [])
    client = RawClient(proxy.port, login=False)
    client.read_greeting()
    client.sequence = 9
    client.send(client.response())
    client.until_closed(5)
    still_serves(proxy)


def test_an_endless_login_packet(proxy):
    """A login of 16 MiB is not collected."""
    before = proxy.resident_kib()
    client = RawClient(proxy.port, login=False, timeout=5)
    client.read_greeting()
    with contextlib.suppress(ConnectionError, TimeoutError):
        client.send_raw(b"\xff\xff\xff\x01" + b"A" * (16 * MIB))
    with contextlib.suppress(ConnectionError, TimeoutError, AssertionError):
        client.until_closed(3)
    client.close()
    assert proxy.resident_kib() - before < 8 * 1024
    still_serves(proxy)


def test_a_client_that_says_nothing(cluster, tidemark):
    proxy = tidemark(cluster, {"proxy": {"login_timeout_ms": 500}})
    client = RawClient(proxy.port, login=False)
    client.read_greeting()
    begun = time.monotonic()
    client.until_closed(5)
    assert time.monotonic() - begun < 3
    still_serves(proxy)


def test_a_client_that_vanishes_in_the_middle(proxy, cluster):
    """While its statement is half sent, while its answer is half read."""
    for sent in (1, 3, 4, 5, 10):
        client = RawClient(proxy.port)
        client.send_raw((struct.pack("<I", 1000) + b"\x03SELECT 1" + b" " * 991)[:sent])
        client.close()
    for text in ("SELECT REPEAT('x', 30000000)", "SELECT SLEEP(1)", "DO SLEEP(1)"):
        client = RawClient(proxy.port)
        client.command(rawclient.QUERY, text.encode())
        time.sleep(0.1)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    client = RawClient(proxy.port)
    client.send_raw(b"\xff\xff\xff\0\x03INSERT INTO whoami VALUES ('" + b"x" * MIB)
    client.close()
    still_serves(proxy)


def test_malformed_bodies_of_commands(proxy):
    """Each too short, and each with noise instead."""
    rnd = random.Random(SEED)
    codes = [rawclient.INIT_DB, rawclient.FIELD_LIST, rawclient.CHANGE_USER,
             rawclient.STMT_PREPARE, rawclient.STMT_EXECUTE, rawclient.STMT_SEND_LONG_DATA,
             rawclient.STMT_CLOSE, rawclient.STMT_RESET, rawclient.STMT_FETCH,
             rawclient.SET_OPTION, rawclient.RESET_CONNECTION, rawclient.STATISTICS]
    for code in codes:
        for size in (0, 1, 3, 4, 9, 200):
            client = RawClient(proxy.port, timeout=0.3)
            client.command(code, rnd.randbytes(size))
            # SEND_LONG_DATA and CLOSE have no answer.
            with contextlib.suppress(Closed, ConnectionError, TimeoutError):
                assert client.read_packet() is not None
            client.close()
    still_serves(proxy)
