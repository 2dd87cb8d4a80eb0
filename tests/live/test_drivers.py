"""Real drivers see through Tidemark what they see at the primary.

Each program of drivers/ (its README has the scenario) runs straight at the primary and through
Tidemark, and must print the same, except who answered a plain read.
"""

import contextlib
import functools
import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from world import TOP

HERE = Path(__file__).resolve().parent / "drivers"
CONNECTOR_J = "/usr/share/java/mariadb-java-client.jar"
PYTHON = "/usr/bin/python3"


@functools.cache
def mysql_root():
    """Where the unpacked MySQL is: only tests/cluster knows."""
    folder = TOP / "tests" / "cluster"
    return subprocess.run(["bash", "-c", ". ./common.sh; . ./mysql.sh; echo \"$MYSQL_ROOT\""],
                          cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


# What runs; {built} is where compiled programs are, the rest is relative to drivers/.
DRIVERS = {
    "client-mariadb": ["bash", "client.sh", "mariadb"],
    "client-mysql": ["bash", "client.sh", "mysql"],
    "pymysql": [PYTHON, "pymysql_driver.py"],
    "mysqlclient": [PYTHON, "mysqlclient_driver.py"],
    "go": ["{built}/go-driver"],
    "java-text": ["{built}/Driver.jar", "text"],
    "java-prepared": ["{built}/Driver.jar", "prepared"],
    "mysqli": ["php", "mysqli.php"],
    "pdo-emulated": ["php", "pdo.php", "emulated"],
    "pdo-prepared": ["php", "pdo.php", "prepared"],
    "dbd-mysql-text": ["perl", "dbi.pl", "mysql-text"],
    "dbd-mysql-prepared": ["perl", "dbi.pl", "mysql-prepared"],
    "dbd-mariadb-text": ["perl", "dbi.pl", "MariaDB-text"],
    "dbd-mariadb-prepared": ["perl", "dbi.pl", "MariaDB-prepared"],
    "ruby": ["ruby", "driver.rb"],
    "node-mysql2": ["node", "driver.js", "mysql2"],
    "node-mysql": ["node", "driver.js", "mysql"],
    "node-mariadb": ["node", "driver.js", "mariadb"],
    "c": ["{built}/c-driver"],
}

# Drivers without caching_sha2_password cannot log in to MySQL. Through Tidemark they can: it takes
# mysql_native_password from its clients, whatever the servers do.
ONLY_THROUGH_TIDEMARK = {("node-mysql", "mysql")}

# What everybody's output must hold: the scenario was gone through, not just equally broken.
SEEN_BY_ALL = ["1062", "1064", "1146", "1045", "1049", "Grüße 🐬", "-12345.678901", "still here",
               "meins", "anders", "20480 rows"]


def compile_program(name, folder):
    target = folder / name
    environment = dict(os.environ)
    if name == "go-driver":
        command = ["go", "build", "-o", target, HERE / "driver.go"]
        environment |= {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                        "GOCACHE": str(TOP / "build" / "go-cache")}
    elif name == "Driver.jar":
        command = ["javac", "-encoding", "UTF-8", "-d", folder, HERE / "Driver.java"]
    else:
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libmariadb"], check=True,
                               capture_output=True, text=True).stdout.split()
        command = ["gcc", "-Wall", "-O1", HERE / "driver.c", "-o", target, *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    if name == "Driver.jar":
        return ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{CONNECTOR_J}:{folder}", "Driver"]
    return [str(target)]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """built("go-driver"): the words that run that program, which is compiled at the first call."""
    folder = tmp_path_factory.mktemp("drivers")
    return functools.cache(lambda name: compile_program(name, folder))


def run_driver(command, built, port, tries, **environment):
    if command[0].startswith("{built}/"):
        program, mode = built(command[0][len("{built}/"):]), command[1:]
    else:
        program, mode = command[:2], command[2:]
    done = subprocess.run(
        [*program, "127.0.0.1", str(port), "app", "app", *mode],
        cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        env={**os.environ, "WHO_TRIES": str(tries), "PYTHONDONTWRITEBYTECODE": "1",
             "LC_ALL": "C.UTF-8", "MYSQL_ROOT": mysql_root(), **environment,
             "NODE_PATH": str(HERE.parent / "node" / "node_modules")},
    )
    output = done.stdout.decode(errors="backslashreplace")
    assert done.returncode == 0, output[-2000:] + done.stderr.decode(errors="replace")
    return output.splitlines()


def clean_slate(cluster):
    with contextlib.closing(cluster.root(0)) as conn, conn.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS test.items, test.numbers")
        cursor.execute("DROP PROCEDURE IF EXISTS test.two_results")
        cursor.execute("DROP DATABASE IF EXISTS elsewhere")


def forget_passwords(cluster):
    """Empties MySQL's cache of checked passwords: the next login is a full exchange."""
    for server in cluster.servers:
        cluster.sql(server, "FLUSH LOCAL PRIVILEGES")


def without_who(lines):
    return [line for line in lines if not line.startswith("who:")]


@pytest.fixture
def proxy(cluster, tidemark):
    """One for each driver: the failed logins of one would slow down those of the next."""
    return tidemark(cluster)


@pytest.mark.parametrize("driver", DRIVERS)
def test_driver(driver, cluster, proxy, built):
    command = DRIVERS[driver]
    direct = None
    if (driver, cluster.flavor) not in ONLY_THROUGH_TIDEMARK:
        clean_slate(cluster)
        direct = run_driver(command, built, cluster.port(0), tries=1)
    clean_slate(cluster)
    forget_passwords(cluster)
    through = run_driver(command, built, proxy.port, tries=200)

    for text in SEEN_BY_ALL:
        assert any(text in line for line in through), f"{text} is missing"
    assert any(line in ("who: 1", "who: 2") for line in through), "no replica answered"
    if direct is not None:
        assert without_who(through) == without_who(direct)


@pytest.mark.parametrize("driver", ["client-mysql", "go", "c", "node-mysql2"])
def test_login_against_a_stored_hash(driver, mariadb_cluster, tidemark, built):
    """password_hash: what the proxy needs towards the servers it learns from the client's login."""
    digest = hashlib.sha1(hashlib.sha1(b"app").digest()).hexdigest().upper()
    proxy = tidemark(mariadb_cluster,
                     {"user app": {"password": None, "password_hash": f"*{digest}"}}, split=False)
    clean_slate(mariadb_cluster)
    lines = run_driver(DRIVERS[driver], built, proxy.port, tries=200)
    for text in SEEN_BY_ALL:
        assert any(text in line for line in lines), f"{text} is missing"
