"""Real drivers see through Tidemark what they see at the primary.

Each program of drivers/ (its README has the scenario) runs straight at the primary and through
Tidemark, and must print the same, except who answered a plain read.
"""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from world import TOP

HERE = Path(__file__).resolve().parent / "drivers"
CONNECTOR_J = "/usr/share/java/mariadb-java-client.jar"
PYTHON = "/usr/bin/python3"

# What runs; {built} is where compiled programs are, the rest is relative to drivers/.
DRIVERS = {
    "pymysql": [PYTHON, "pymysql_driver.py"],
    "mysqlclient": [PYTHON, "mysqlclient_driver.py"],
    "go": ["{built}/go-driver"],
    "mysqli": ["php", "mysqli.php"],
    "pdo-emulated": ["php", "pdo.php", "emulated"],
    "pdo-prepared": ["php", "pdo.php", "prepared"],
}

# Drivers that cannot log in to a server of that kind, with or without Tidemark.
NOT_FOR = {}

# What everybody's output must hold: the scenario was gone through, not just equally broken.
SEEN_BY_ALL = ["1062", "1064", "1146", "1045", "1049", "Grüße 🐬", "-12345.678901", "still here",
               "meins", "anders", "20480 rows"]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """The folder of compiled programs, and how to compile one: built("go-driver")."""
    folder = tmp_path_factory.mktemp("drivers")
    recipes = {
        "go-driver": ["go", "build", "-o", folder / "go-driver", HERE / "driver.go"],
    }
    made = set()

    def build(program):
        if program in recipes and program not in made:
            done = subprocess.run(
                recipes[program], capture_output=True, text=True, timeout=300,
                env={**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                     "GOCACHE": str(TOP / "build" / "go-cache")},
            )
            assert done.returncode == 0, done.stderr
            made.add(program)
        return str(folder / program)

    return build


def run_driver(command, built, port, tries):
    program = [built(word[len("{built}/"):]) if word.startswith("{built}") else word
               for word in command]
    # Interpreter and script, or a compiled program; what follows is the mode.
    size = 1 if command[0].startswith("{built}") else 2
    done = subprocess.run(
        [*program[:size], "127.0.0.1", str(port), "app", "app", *program[size:]],
        cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, timeout=120,
        env={**os.environ, "WHO_TRIES": str(tries), "PYTHONDONTWRITEBYTECODE": "1",
             "LC_ALL": "C.UTF-8",
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
    """MySQL's cache of checked passwords: after this, the next login is a full exchange."""
    for server in cluster.servers:
        cluster.sql(server, "FLUSH LOCAL PRIVILEGES")


@pytest.mark.parametrize("driver", DRIVERS)
def test_driver(driver, cluster, proxy, built):
    if cluster.flavor in NOT_FOR.get(driver, ()):
        pytest.skip(f"{driver} cannot log in to {cluster.flavor}")
    clean_slate(cluster)
    direct = run_driver(DRIVERS[driver], built, cluster.port(0), tries=1)
    clean_slate(cluster)
    forget_passwords(cluster)
    through = run_driver(DRIVERS[driver], built, proxy.port, tries=200)

    for text in SEEN_BY_ALL:
        assert any(text in line for line in direct), f"{text} is missing"
    answered = {line for line in through if line.startswith("who:")}
    assert any(line[-1] in "12" for line in answered), answered
    assert [line for line in through if not line.startswith("who:")] == [
        line for line in direct if not line.startswith("who:")]
