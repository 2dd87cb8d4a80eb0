"""Authentication plugins beside native and caching_sha2: MariaDB's ed25519, MySQL's sha256_password."""

import subprocess

import pymysql
import pytest
from world import query

PASSWORD = "a passphrase of more than thirty-two bytes"


def client(proxy, sql, *options, password=PASSWORD):
    """MariaDB's command-line client, whose library knows client_ed25519."""
    return subprocess.run(
        ["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{proxy.port}", "-ued", f"-p{password}",
         "-NB", "-e", sql, *options, "test"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=30)


@pytest.fixture
def with_ed25519(own_cluster, tidemark):
    """An account that its servers let in by ed25519 only."""
    cluster = own_cluster("mariadb")
    for server in cluster.servers:
        cluster.sql(server, "INSTALL SONAME 'auth_ed25519'")
    cluster.sql(0, f"CREATE USER ed IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}')")
    cluster.sql(0, "GRANT ALL ON test.* TO ed")
    cluster.wait_caught_up()
    return tidemark(cluster, {"user ed": {"password": PASSWORD}}, split=True)


def test_ed25519_on_both_sides(with_ed25519):
    proxy = with_ed25519
    for _ in range(3):
        done = client(proxy, "SELECT USER()", "--default-auth=client_ed25519")
        assert (done.returncode, done.stdout) == (0, "ed@127.0.0.1\n"), done.stderr
    conn = proxy.connect(user="ed", password=PASSWORD)  # by another plugin
    assert query(conn, "SELECT CURRENT_USER()") == (("ed@%",),)
    denied = client(proxy, "SELECT 1", "--default-auth=client_ed25519", password="wrong")
    assert "ERROR 1045 (28000): Access denied for user 'ed'@'127.0.0.1' (using password: YES)" in \
        denied.stderr


def test_sha256_password(mysql_cluster, tidemark):
    mysql_cluster.sql(0, f"CREATE USER sha IDENTIFIED WITH sha256_password BY '{PASSWORD}'")
    try:
        mysql_cluster.sql(0, "GRANT ALL ON test.* TO sha")
        mysql_cluster.wait_caught_up()
        proxy = tidemark(mysql_cluster, {"user sha": {"password": PASSWORD}}, split=True)
        conn = proxy.connect(user="sha", password=PASSWORD)
        assert query(conn, "SELECT CURRENT_USER()") == (("sha@%",),)
        with pytest.raises(pymysql.err.OperationalError):
            proxy.connect(user="sha", password="wrong")
    finally:
        mysql_cluster.sql(0, "DROP USER sha")
