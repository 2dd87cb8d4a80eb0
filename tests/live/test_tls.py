"""TLS on both sides: who may come in how, what servers are asked for, certificates that change."""

import contextlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import zlib

import pymysql
import pytest

import rawclient
from test_drivers import DRIVERS, SEEN_BY_ALL, built, clean_slate, run_driver  # noqa: F401
from world import free_ports, ini_text, overlay, plain_program, query, served_by, until

ANY = {"check_hostname": False}  # PyMySQL: TLS, whoever the server is


def pem(cluster, name):
    """A file of the cluster's throw-away authority (tests/cluster/common.sh)."""
    return str(cluster.folder / "0" / "data" / f"{name}.pem")


def cipher(conn):
    """Of the server connection that answers: "" is clear text."""
    return query(conn, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1]


def make_certificate(folder, name):
    """A pair signed by itself, as (certificate, key)."""
    paths = folder / f"{name}.pem", folder / f"{name}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-batch", "-days", "2", "-subj", f"/CN={name}", "-out", str(paths[0]),
         "-keyout", str(paths[1])], check=True, capture_output=True)
    return paths


def s_client(port, *options):
    done = subprocess.run(
        ["openssl", "s_client", "-starttls", "mysql", "-connect", f"127.0.0.1:{port}", *options],
        input=b"", capture_output=True, timeout=20)
    return done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")


def refusal(proxy, **options):
    with pytest.raises(pymysql.err.MySQLError) as error:
        proxy.connect(**options)
    return error.value.args


# --- towards clients ---------------------------------------------------------------------------


def test_client_modes(cluster, tidemark):
    preferred = tidemark(cluster, split=True)
    for options in ({}, {"ssl": ANY}):
        assert query(preferred.connect(**options), "SELECT 1") == ((1,),)

    required = tidemark(cluster, {"tls": {"client": "required"}}, split=False)
    until(lambda: "primary" in required.log_text(), what="a primary")
    assert query(required.connect(ssl=ANY), "SELECT 1") == ((1,),)
    # What a server with require_secure_transport answers: MariaDB has no error of its own for it.
    expected = 3159 if cluster.flavor == "mysql" else 1045
    assert refusal(required)[0] == expected
    assert refusal(required, password="wrong")[0] == 1045
    cluster.sql(0, "SET GLOBAL require_secure_transport = ON")
    try:
        with pytest.raises(pymysql.err.MySQLError) as direct:
            cluster.connect(0)
    finally:
        cluster.sql(0, "SET GLOBAL require_secure_transport = OFF")
    assert direct.value.args == refusal(required)

    disabled = tidemark(cluster, {"tls": {"client": "disabled"}}, split=True)
    assert query(disabled.connect(), "SELECT 1") == ((1,),)
    assert "no SSL support" in s_client(disabled.port) or \
        "Cipher is (NONE)" in s_client(disabled.port)


def test_user_requirements(cluster, tidemark, tmp_path):
    cert, key = make_certificate(tmp_path, "stranger")
    proxy = tidemark(cluster, {
        "tls": {"verify_client": "optional", "client_ca": pem(cluster, "ca")},
        "user app": {"require": "x509"}, "user app2": {"require": "ssl"}}, split=False)
    until(lambda: "primary" in proxy.log_text(), what="a primary")
    other = {"user": "app2", "password": "app2"}
    own = {"cert": pem(cluster, "client-cert"), "key": pem(cluster, "client-key"), **ANY}
    assert refusal(proxy, **other)[0] == 1045
    assert query(proxy.connect(ssl=ANY, **other), "SELECT 1") == ((1,),)
    assert refusal(proxy)[0] == 1045
    assert refusal(proxy, ssl=ANY)[0] == 1045
    assert query(proxy.connect(ssl=own), "SELECT 1") == ((1,),)
    # A certificate of somebody else is worse than none.
    with pytest.raises((pymysql.err.MySQLError, OSError)):
        proxy.connect(ssl={"cert": str(cert), "key": str(key), **ANY})
    until(lambda: "the certificate is not accepted: self-signed" in proxy.log_text(),
          what="the reason in the log")


def test_client_certificates_required(mariadb_cluster, tidemark):
    cluster = mariadb_cluster
    proxy = tidemark(cluster, {"tls": {"verify_client": "required", "client_ca": pem(cluster, "ca"),
                                       "client": "required"}}, split=False)
    until(lambda: "primary" in proxy.log_text(), what="a primary")
    with pytest.raises((pymysql.err.MySQLError, OSError)):
        proxy.connect(ssl=ANY)
    own = {"cert": pem(cluster, "client-cert"), "key": pem(cluster, "client-key"), **ANY}
    assert query(proxy.connect(ssl=own), "SELECT 1") == ((1,),)


def test_versions_and_resumption(mariadb_cluster, tidemark, tmp_path):
    proxy = tidemark(mariadb_cluster, split=True)
    for version, option in (("TLSv1.2", "-tls1_2"), ("TLSv1.3", "-tls1_3")):
        session = tmp_path / f"session{option}"
        # With several workers the second one mostly lands on another.
        first = s_client(proxy.port, option, "-sess_out", str(session), "-ign_eof") \
            if version == "TLSv1.2" else None
        if first is not None:
            assert "New, " + version in first
            for _ in range(4):
                assert "Reused, " + version in s_client(proxy.port, option, "-sess_in",
                                                        str(session))
        else:
            assert "New, " + version in s_client(proxy.port, option)
    assert "Cipher is (NONE)" in s_client(proxy.port, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")


def test_resumption_across_workers_in_tls13(mariadb_cluster, tidemark):
    """TLS 1.3's tickets come behind the handshake, so this one logs in."""
    proxy = tidemark(mariadb_cluster, split=True)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    def connect(session):
        raw = socket.create_connection(("127.0.0.1", proxy.port), 10)
        raw.recv(4096)
        raw.sendall(b"\x20\0\0\1" + struct.pack("<IIB", rawclient.BASE | rawclient.SSL, 1 << 24, 45)
                    + bytes(23))
        tls = context.wrap_socket(raw, session=session)
        login = struct.pack("<IIB", rawclient.BASE | rawclient.SSL, 1 << 24, 45) + bytes(23)
        login += b"nobody\0\0" + b"mysql_native_password\0"
        tls.sendall(struct.pack("<I", len(login))[:3] + b"\2" + login)
        assert b"Access denied" in tls.recv(4096)
        reused, session = tls.session_reused, tls.session
        tls.close()
        return reused, session

    reused, session = connect(None)
    assert not reused
    for _ in range(4):
        reused, session = connect(session)
        assert reused


def ask_for_tls(proxy):
    conn = socket.create_connection(("127.0.0.1", proxy.port), 10)
    assert conn.recv(4096)[4] == 10
    request = struct.pack("<IIB", rawclient.BASE | rawclient.SSL, 1 << 24, 45) + bytes(23)
    return conn, struct.pack("<I", len(request))[:3] + b"\1" + request


@pytest.mark.parametrize("together", [True, False])
def test_clear_text_behind_the_request_is_not_taken(mariadb_cluster, tidemark, together):
    """Who can put bytes before the client's first encrypted ones must gain nothing."""
    proxy = tidemark(mariadb_cluster, split=True)
    conn, request = ask_for_tls(proxy)
    login = struct.pack("<IIB", rawclient.BASE, 1 << 24, 45) + bytes(23) + b"app\0\0"
    injected = struct.pack("<I", len(login))[:3] + b"\2" + login
    if together:
        conn.sendall(request + injected)
    else:
        conn.sendall(request)
        conn.sendall(injected)
    told = b""
    with contextlib.suppress(ConnectionError):
        while more := conn.recv(4096):
            told += more
    assert told == b"" or told[0] == 21, told  # at most a TLS alert
    assert query(proxy.connect(), "SELECT 1") == ((1,),)
    assert re.search(r"reason=.*TLS: ", proxy.log_text())


# --- towards servers ---------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["disabled", "preferred", "required", "verify_ca",
                                  "verify_identity"])
def test_server_modes(mode, cluster, tidemark):
    proxy = tidemark(cluster, {"tls": {"server": mode, "ca": pem(cluster, "ca")}}, split=True)
    conn = proxy.connect()
    assert bool(cipher(conn)) == (mode != "disabled")
    # The monitors' connections are what the others are.
    if mode != "disabled":
        id_of = "SELECT id FROM information_schema.processlist WHERE user = 'mon'"
        assert cluster.sql(0, id_of)


@pytest.mark.parametrize("mode", ["verify_ca", "verify_identity"])
def test_a_server_of_another_authority(mode, cluster, tidemark, tmp_path):
    other, _ = make_certificate(tmp_path, "other")
    proxy = tidemark(cluster, {"tls": {"server": mode, "ca": str(other)},
                               "proxy": {"server_version": "1.2.3", "failover_wait_ms": 100}},
                     split=False)
    until(lambda: "server db0: down: " in proxy.log_text(), what="the reason in the log")
    assert re.search("server db0: down: .*(certificate|SSL|TLS)", proxy.log_text())
    with contextlib.closing(proxy.connect(database=None)) as conn:
        with pytest.raises(pymysql.err.MySQLError):
            query(conn, "SELECT 1")


def test_identity_is_checked(tidemark, own_cluster, tmp_path):
    """The certificate is trusted, but has not the address that is configured."""
    cluster = own_cluster("mariadb", replicas=0)
    cert, key = make_certificate(tmp_path, "somebody.else")
    options = cluster.folder / "0" / "my.cnf"
    text = re.sub("ssl_cert.*", f"ssl_cert = {cert}", options.read_text())
    options.write_text(re.sub("ssl_key.*", f"ssl_key = {key}", text))
    cluster.restart(0)
    proxy = tidemark(cluster, {"tls": {"server": "verify_ca", "ca": str(cert)},
                               "proxy": {"failover_wait_ms": 100}}, split=False)
    until(lambda: "db0: primary" in proxy.log_text(), what="a primary")
    assert cipher(proxy.connect())
    proxy.settings = overlay(proxy.settings, {"tls": {"server": "verify_identity"}})
    proxy.config.write_text(ini_text(proxy.settings))
    proxy.send_signal(signal.SIGHUP)
    until(lambda: "tls.server: verify_ca -> verify_identity" in proxy.log_text(), what="a reload")
    until(lambda: re.search("server db0: [a-z]+: .*certificate", proxy.log_text()),
          what="the monitor's complaint")


def test_a_server_without_tls(mariadb_cluster, tidemark, own_cluster):
    cluster = own_cluster("mariadb", replicas=0)
    options = cluster.folder / "0" / "my.cnf"
    options.write_text(re.sub("ssl_.*\n", "", options.read_text()) + "skip_ssl\n")
    cluster.restart(0)
    preferred = tidemark(cluster, {"tls": {"server": "preferred"}}, split=False)
    until(lambda: "primary" in preferred.log_text(), what="a primary")
    assert not cipher(preferred.connect())
    required = tidemark(cluster, {"tls": {"server": "required"}}, split=False)
    until(lambda: "server db0: down: the server does not offer TLS, which is required"
          in required.log_text(), what="the reason in the log")


# --- certificates that change ------------------------------------------------------------------


def shown_name(port):
    return re.search(r"subject=.*?CN ?= ?(\S+)", s_client(port)).group(1)


def test_certificates_are_reloaded(cluster, tidemark, tmp_path):
    cert, key = make_certificate(tmp_path, "first")
    proxy = tidemark(cluster, {"tls": {"cert": str(cert), "key": str(key)}}, split=False)
    until(lambda: "primary" in proxy.log_text(), what="a primary")
    conn = proxy.connect(ssl=ANY)
    assert shown_name(proxy.port) == "first"

    for path, new in zip((cert, key), make_certificate(tmp_path, "second")):
        path.write_bytes(new.read_bytes())
    assert shown_name(proxy.port) == "first"
    proxy.send_signal(signal.SIGHUP)
    until(lambda: shown_name(proxy.port) == "second", what="the new certificate")
    assert query(conn, "SELECT 1") == ((1,),)

    # One that cannot be used changes nothing, and is said.
    cert.write_text("rubbish")
    proxy.send_signal(signal.SIGHUP)
    until(lambda: f"[tls] cert: {cert}: no start line" in proxy.log_text(), what="the complaint")
    assert shown_name(proxy.port) == "second"
    assert query(conn, "SELECT 1") == ((1,),)
    assert query(proxy.connect(ssl=ANY), "SELECT 1") == ((1,),)


def test_key_log(mariadb_cluster, tidemark, tmp_path):
    log = tmp_path / "keys"
    proxy = tidemark(mariadb_cluster, {"tls": {"keylog_file": str(log)}}, split=True)
    proxy.connect(ssl=ANY)
    assert log.stat().st_mode & 0o777 == 0o600
    assert "CLIENT_TRAFFIC_SECRET_0 " in log.read_text()
    assert "keylog_file is set" in proxy.log_text()


# --- all of it ---------------------------------------------------------------------------------


def test_admin_port(mariadb_cluster, tidemark):
    port = free_ports()
    proxy = tidemark(mariadb_cluster, {"proxy": {"admin": f"127.0.0.1:{port}"}}, split=True)
    for options in ({}, {"ssl": ANY}):
        conn = proxy.connect(port=port, user="admin", password="admin", database=None, **options)
        assert query(conn, "SELECT 1") == ((1,),)


@pytest.mark.parametrize("driver", ["client-mariadb", "client-mysql", "pymysql", "go", "java-text",
                                    "java-prepared", "node-mysql2", "node-mariadb"])
def test_driver_over_tls(driver, cluster, tidemark, built):  # noqa: F811
    """The drivers' whole scenario, in clear text for nobody."""
    proxy = tidemark(cluster, {"tls": {"client": "required", "server": "verify_identity",
                                       "ca": pem(cluster, "ca")}}, split=False)
    until(lambda: "db0: primary" in proxy.log_text(), what="a primary")
    conn = proxy.connect(ssl=ANY)
    until(lambda: served_by(conn) != 0, what="a read on a replica")
    conn.close()
    clean_slate(cluster)
    lines = run_driver(DRIVERS[driver], built, proxy.port, tries=200, DRIVER_TLS="1")
    for text in SEEN_BY_ALL:
        assert any(text in line for line in lines), f"{text} is missing"
    assert any(line in ("who: 1", "who: 2") for line in lines), "no replica answered"


def test_large_results_and_writes(cluster, tidemark):
    """More than any buffer, both ways, and a reader that takes its time."""
    proxy = tidemark(cluster, {"tls": {"client": "required", "server": "required"}}, split=False)
    until(lambda: "primary" in proxy.log_text(), what="a primary")
    conn = proxy.connect(ssl=ANY)
    text = "0123456789abcdef" * (1 << 18)
    assert query(conn, "SELECT LENGTH(%s), CRC32(%s)", (text, text)) == \
        ((len(text), zlib.crc32(text.encode())),)
    assert query(conn, "SELECT REPEAT('x', 8000000)")[0][0] == "x" * 8000000


def test_idle_clients_are_small(mariadb_cluster, tidemark):
    proxy = tidemark(mariadb_cluster, {"proxy": {"max_clients": 2000, "workers": 1}}, split=True,
                     program=plain_program())
    first = [proxy.connect(ssl=ANY) for _ in range(50)]
    before = proxy.resident_kib()
    many = [proxy.connect(ssl=ANY) for _ in range(500)]
    per_client = (proxy.resident_kib() - before) / len(many)
    print(f"{per_client:.1f} KiB per idle TLS client")
    assert per_client < 32
    assert len(first) == 50
