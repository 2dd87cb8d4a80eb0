"""The examples do what they say: configurations load, programs write, read, and reach a replica."""

import os
import re
import subprocess

import pytest

from world import TOP, tidemark_program

EXAMPLES = TOP / "examples"
PASSWORDS = {"MONITOR_PASSWORD": "m", "APP_PASSWORD": "a", "REPORTS_PASSWORD": "r"}

PROGRAMS = {
    "python": ["/usr/bin/python3", "python/example.py"],
    "go": ["go", "run", "go/main.go"],
    "php": ["php", "php/example.php"],
    "java": ["java", "-cp", "/usr/share/java/mariadb-java-client.jar", "java/Example.java"],
    "node": ["node", "node/example.js"],
}


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*.ini")))
def test_configuration_loads(name):
    done = subprocess.run(
        [tidemark_program(), "--check", "--config", EXAMPLES / name],
        env={**os.environ, **PASSWORDS}, capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 0, done.stderr


def test_a_secret_that_is_not_there_is_named():
    env = {k: v for k, v in os.environ.items() if k not in PASSWORDS}
    done = subprocess.run(
        [tidemark_program(), "--check", "--config", EXAMPLES / "read-write-split.ini"],
        env=env, capture_output=True, text=True, timeout=30,
    )
    assert done.returncode == 1
    for name in PASSWORDS:
        assert name in done.stderr


@pytest.mark.parametrize("language", PROGRAMS)
def test_program(language, cluster, proxy, tmp_path):
    program = [word if "/" not in word or word[0] == "/" else str(EXAMPLES / word)
               for word in PROGRAMS[language]]
    done = subprocess.run(
        program, capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env={
            **os.environ,
            "TIDEMARK_HOST": "127.0.0.1", "TIDEMARK_PORT": str(proxy.port),
            "DB_USER": "app", "DB_PASSWORD": "app", "DB_NAME": "test",
            "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
            "GOCACHE": str(TOP / "build" / "go-cache"),
            "NODE_PATH": str(TOP / "tests" / "live" / "node" / "node_modules"),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert re.fullmatch(r'wrote row \d+, read back "hello from \w+"', lines[0]), lines
    assert re.fullmatch(r"right after the write: (primary|replica \d)", lines[1]), lines
    assert re.fullmatch(r"a moment later: replica \d", lines[2]), lines
