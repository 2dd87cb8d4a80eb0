"""What a user does before the first query: install it, build its image, try the demo."""

import contextlib
import os
import re
import signal
import subprocess
import time

import pymysql
import pytest

from world import TOP, free_ports, query, tidemark_program, until

NAME = "localhost/tidemark-test"


def as_root(*words):
    return [*([] if os.getuid() == 0 else ["sudo", "-n"]), *map(str, words)]


def run(*words, **options):
    done = subprocess.run(
        [str(w) for w in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, **{"timeout": 600, **options},
    )
    assert done.returncode == 0, f"{words[0]} {words[1]}:\n{done.stdout[-3000:]}"
    return done.stdout


def test_install(tmp_path):
    """make install puts the program and its papers below DESTDIR and PREFIX."""
    # A build folder of its own: the sanitized program is not what is installed.
    run("make", "-C", TOP, f"BUILD={TOP}/build", f"DESTDIR={tmp_path}", "PREFIX=/opt/t",
        "SAN=", "install", env=plain_environment())
    program = tmp_path / "opt/t/bin/tidemark"
    shared = tmp_path / "opt/t/share"
    assert re.search(r"\d+\.\d+", run(program, "--version"))
    run(program, "--check", "--config", shared / "doc/tidemark/examples/minimal.ini")
    assert (shared / "man/man1/tidemark.1").is_file()


def plain_environment():
    """Without what an outer make hands to an inner one."""
    return {k: v for k, v in os.environ.items()
            if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "SAN", "BUILD", "TIDEMARK")}


class Builder:
    """buildah with its store in a folder of the test's own, without daemon or kernel features."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, *words):
        return run(*as_root("buildah", "--root", self.folder / "store", "--runroot",
                            self.folder / "run", "--storage-driver", "vfs", *words))


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The image of the Dockerfile, on a base made from Debian's own packages."""
    folder = tmp_path_factory.mktemp("image")
    base = run(TOP / "tests/cluster/debian-image.sh").splitlines()[-1]
    buildah = Builder(folder)
    try:
        container = buildah("from", "--name", "base", "scratch").splitlines()[-1]
        buildah("add", "--quiet", container, base, "/")
        buildah("commit", "--quiet", "--rm", container, "localhost/debian-base")
        buildah("build", "--isolation", "chroot", "--build-arg", "BASE=localhost/debian-base",
                "--tag", NAME, TOP)
        yield buildah
    finally:
        subprocess.run(as_root("rm", "-rf", folder), check=False)


def test_image_is_lean_and_not_root(image):
    settings = image("inspect", "--type", "image", "--format",
                     "{{.OCIv1.Config.User}} {{.OCIv1.Config.StopSignal}}", NAME)
    assert settings.split() == ["65532:65532", "SIGTERM"]
    container = image("from", "--name", "look", NAME).splitlines()[-1]
    try:
        inside = image("run", "--isolation", "chroot", container, "--", "/bin/sh", "-c",
                       "id -u; ls -d /source; command -v gcc; true")
    finally:
        image("rm", container)
    assert inside.split()[0] == "65532"
    assert "gcc" not in inside.replace("ls: cannot access", "")


def test_image_starts(image):
    container = image("from", "--name", "start", NAME).splitlines()[-1]
    try:
        said = image("run", "--isolation", "chroot", container, "--",
                     "/usr/bin/tidemark", "--version")
        assert re.search(r"\d+\.\d+", said)
        image("run", "--isolation", "chroot", container, "--",
              "/usr/bin/tidemark", "--check", "--config", "/etc/tidemark/tidemark.ini")
    finally:
        image("rm", container)


def test_demo(tmp_path):
    """make run's second half: the demo starts, serves a read and a write, and leaves nothing."""
    build = tmp_path / "b"
    build.mkdir()
    # A program that is slow to start, and the log of an earlier demo, which says that it listens.
    (build / "tidemark").write_text(f'#!/bin/sh\nsleep 1\nexec {tidemark_program()} "$@"\n')
    (build / "tidemark").chmod(0o755)
    (build / "demo").mkdir()
    (build / "demo/tidemark.log").write_text("an earlier demo was listening on a port\n")
    port, servers = free_ports(), free_ports(3)
    env = {**plain_environment(), "PORT": str(port), "SERVER_PORT": str(servers)}
    with open(tmp_path / "output", "w+") as output:
        demo = subprocess.Popen(
            [TOP / "tests/cluster/demo.sh", build], env=env, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True)
        try:
            said = lambda: (tmp_path / "output").read_text()  # noqa: E731
            until(lambda: "Ctrl-C stops" in said() or demo.poll() is not None, 60, what="the demo")
            assert demo.poll() is None, said()
            assert f"--port={port}" in said()
            conn = pymysql.connect(host="127.0.0.1", port=port, user="app", password="app",
                                   database="test", autocommit=True)
            with contextlib.closing(conn):
                query(conn, "CREATE TABLE notes (id INT PRIMARY KEY, note TEXT)")
                query(conn, "INSERT INTO notes VALUES (1, 'hello')")
                assert query(conn, "SELECT note FROM notes") == (("hello",),)
                until(lambda: query(conn, "SELECT id FROM whoami")[0][0] != 0, what="a replica")
        finally:
            # As a terminal does it: the whole group hears of Ctrl-C.
            if demo.poll() is None:
                os.killpg(demo.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                demo.wait(60)
        assert demo.returncode == 0, said()
    assert not (build / "demo" / "cluster").exists()
    time.sleep(0.1)
    assert free_again(port) and free_again(servers)


def free_again(port):
    with contextlib.suppress(pymysql.err.OperationalError):
        pymysql.connect(host="127.0.0.1", port=port, user="app", password="app")
        return False
    return True
