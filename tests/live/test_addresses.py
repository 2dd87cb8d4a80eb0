"""Where clients come from and servers are: PROXY headers in both directions, IPv6, Unix sockets."""

import contextlib
import shutil
import socket
import subprocess

import pymysql
import pytest
from world import free_ports, overlay, query, until


def admin_rows(proxy, sql):
    port = int(proxy.settings["proxy"]["admin"].rsplit(":", 1)[1])
    conn = pymysql.connect(host="127.0.0.1", port=port, user="admin", password="admin",
                           autocommit=True)
    with contextlib.closing(conn):
        return query(conn, sql)


@pytest.fixture
def haproxy(tmp_path):
    """Starts HAProxy: haproxy("bind …", "server …") gives a process that ends with the test."""
    assert shutil.which("haproxy"), "haproxy is missing: make deps"
    running = []

    def start(*sections):
        config = tmp_path / f"haproxy{len(running)}.cfg"
        text = ["global", "    maxconn 200", "defaults", "    mode tcp", "    timeout connect 5s",
                "    timeout client 1m", "    timeout server 1m"]
        for number, section in enumerate(sections):
            text += [f"listen l{number}", *(f"    {line}" for line in section)]
        config.write_text("\n".join(text) + "\n")
        log = open(tmp_path / f"haproxy{len(running)}.log", "w")
        process = subprocess.Popen(["haproxy", "-db", "-f", str(config)], stdout=log, stderr=log)
        running.append(process)
        port = int(sections[-1][0].rsplit(":", 1)[1].split()[0])
        family = socket.AF_INET6 if "::1" in sections[-1][0] else socket.AF_INET
        host = "::1" if family == socket.AF_INET6 else "127.0.0.1"

        def accepts():
            assert process.poll() is None, open(log.name).read()
            with socket.socket(family) as s:
                return s.connect_ex((host, port)) == 0

        until(accepts, what="HAProxy")

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


def with_admin(settings=None):
    return overlay({"proxy": {"admin": f"127.0.0.1:{free_ports()}"}}, settings)


# --- PROXY headers from load balancers ----------------------------------------------------------


@pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2", "send-proxy-v2 crc32c-opt"])
def test_clients_behind_haproxy(cluster, tidemark, haproxy, version):
    """Sessions table, log and refusals show the client, not the balancer."""
    version = version.replace("crc32c-opt", "proxy-v2-options crc32c,unique-id")
    proxy = tidemark(cluster, with_admin(
        {"proxy": {"proxy_protocol_networks": "127.0.0.1/32"}}), split=True)
    port = free_ports()
    haproxy([f"bind 127.0.0.1:{port}", "unique-id-format %{+X}o%ci",
             f"server s {proxy.address} {version} check inter 200ms"])
    conn = proxy.connect(port=port, bind_address="127.0.0.5")
    assert query(conn, "SELECT 1") == ((1,),)
    clients = {row[0].rsplit(":", 1)[0]
               for row in admin_rows(proxy, "SELECT client FROM sessions WHERE user = 'app'")}
    assert clients == {"127.0.0.5"}
    assert "logged in client=127.0.0.5:" in proxy.log_text()
    with pytest.raises(pymysql.err.OperationalError) as refused:
        proxy.connect(port=port, bind_address="127.0.0.6", password="wrong")
    assert refused.value.args == (
        1045, "Access denied for user 'app'@'127.0.0.6' (using password: YES)")
    direct = proxy.connect()  # from the same network, without a header
    assert query(direct, "SELECT 1") == ((1,),)


def test_clients_behind_haproxy_on_a_socket(mariadb_cluster, tidemark, haproxy, tmp_path):
    path = tmp_path / "t.sock"
    proxy = tidemark(mariadb_cluster, with_admin(
        {"proxy": {"listen": f"unix:{path}", "proxy_protocol_networks": "unix"}}))
    port = free_ports()
    haproxy([f"bind 127.0.0.1:{port}", f"server s unix@{path} send-proxy-v2"])
    conn = proxy.connect(port=port, bind_address="127.0.0.5")
    assert query(conn, "SELECT 1") == ((1,),)
    rows = admin_rows(proxy, "SELECT client FROM sessions WHERE user = 'app'")
    assert rows[0][0].startswith("127.0.0.5:")


def test_header_from_elsewhere(mariadb_cluster, tidemark, haproxy):
    """Whoever is not listed cannot give itself an address."""
    proxy = tidemark(mariadb_cluster, {"proxy": {"proxy_protocol_networks": "127.0.0.9/32"}},
                     split=True)
    port = free_ports()
    haproxy([f"bind 127.0.0.1:{port}", f"server s {proxy.address} send-proxy"])
    with pytest.raises(pymysql.err.MySQLError):
        proxy.connect(port=port)
    assert "Bad handshake" in proxy.log_text()


# --- PROXY headers to servers -------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_servers_that_insist_on_a_header(cluster, tidemark, haproxy, version):
    """HAProxy's accept-proxy ends connections that begin otherwise, the monitor's too."""
    base = free_ports(3)
    haproxy(*([f"bind 127.0.0.1:{base + i} accept-proxy", f"server s {cluster.address(i)}"]
              for i in cluster.servers))
    servers = {f"server db{i}": {"address": f"127.0.0.1:{base + i}", "proxy_protocol": version}
               for i in cluster.servers}
    proxy = tidemark(cluster, servers, split=True)
    table = cluster.create_table("id INT PRIMARY KEY")
    conn = proxy.connect()
    query(conn, f"INSERT INTO {table} VALUES (7)")
    assert query(conn, f"SELECT id FROM {table}") == ((7,),)


@pytest.mark.parametrize("version", ["off", "v1", "v2"])
def test_mariadb_takes_headers(mariadb_cluster, tidemark, version):
    """proxy_protocol_networks of MariaDB: with a header or without, it sees the proxy itself."""
    for server in mariadb_cluster.servers:
        mariadb_cluster.sql(server, "SET GLOBAL proxy_protocol_networks = '127.0.0.1'")
    try:
        servers = {f"server db{i}": {"proxy_protocol": version} for i in mariadb_cluster.servers}
        proxy = tidemark(mariadb_cluster, servers, split=True)
        conn = proxy.connect()
        assert query(conn, "SELECT USER()") == (("app@localhost",),) or \
            query(conn, "SELECT USER()") == (("app@127.0.0.1",),)
    finally:
        for server in mariadb_cluster.servers:
            mariadb_cluster.sql(server, "SET GLOBAL proxy_protocol_networks = ''")


# --- IPv6 and Unix sockets ----------------------------------------------------------------------


def test_ip6_and_sockets_everywhere(cluster, tidemark, haproxy, tmp_path):
    """Every listener and both kinds of server addresses, over IPv6 and Unix sockets."""
    base = free_ports(6)
    haproxy([f"bind [::1]:{base + 3}", f"server s {cluster.address(1)}"],
            [f"bind [::1]:{base}", f"server s {cluster.address(0)}"])
    path = tmp_path / "t.sock"
    settings = {
        "proxy": {"listen": f"127.0.0.1:{base + 1}, [::1]:{base + 1}, unix:{path}",
                  "admin": f"[::1]:{base + 2}", "http": f"[::1]:{base + 4}"},
        "server db0": {"address": f"[::1]:{base}"},
        "server db1": {"address": f"[::1]:{base + 3}"},
        "server db2": {"address": f"unix:{cluster.socket_path(2)}"},
    }
    proxy = tidemark(cluster, settings)
    proxy.port = base + 1
    proxy.wait_split()
    for where in ({"host": "::1", "port": base + 1}, {"host": "127.0.0.1", "port": base + 1},
                  {"unix_socket": str(path)}):
        conn = proxy.connect(**where)
        seen = {query(conn, "SELECT id FROM test.whoami")[0][0] for _ in range(20)}
        assert seen <= {0, 1, 2}
    assert "client=::1:" in proxy.log_text()
    assert "client=localhost" in proxy.log_text()
    with pytest.raises(pymysql.err.OperationalError) as refused:
        proxy.connect(host="::1", port=base + 1, password="wrong")
    assert refused.value.args[1] == "Access denied for user 'app'@'::1' (using password: YES)"
    admin = pymysql.connect(host="::1", port=base + 2, user="admin", password="admin",
                            autocommit=True)
    with contextlib.closing(admin):
        until(lambda: query(admin, "SELECT name FROM servers WHERE state = 'up' ORDER BY name") ==
              (("db0",), ("db1",), ("db2",)), what="all three being up")
    with socket.create_connection(("::1", base + 4)) as s:
        s.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200")


def test_servers_by_name(cluster, tidemark):
    """A name may have addresses at which nothing listens; the servers are on 127.0.0.1 only."""
    proxy = tidemark(cluster, {f"server db{i}": {"address": f"localhost:{cluster.port(i)}"}
                               for i in cluster.servers}, split=True)
    conn = proxy.connect()
    assert query(conn, "SELECT 1") == ((1,),)
