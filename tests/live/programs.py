"""The command-line programs of both kinds of server: where they are, and one in a terminal."""

import contextlib
import os
import pty
import re
import select
import shutil
import signal
import time
from pathlib import Path

# The same tool of both: MariaDB's name, MySQL's name.
NAMES = {
    "client": ("mariadb", "mysql"),
    "dump": ("mariadb-dump", "mysqldump"),
    "binlog": ("mariadb-binlog", "mysqlbinlog"),
}


def program(maker, tool):
    """The words that begin a command: MariaDB's program of this machine, or that of the unpacked
    MySQL, which finds its plugins there too. None when there is no such program."""
    if maker == "mariadb":
        path = shutil.which(NAMES[tool][0])
        return [path, "--no-defaults"] if path else None
    cache = Path(os.environ.get("TIDEMARK_CACHE", Path.home() / ".cache/tidemark"))
    for root in sorted(cache.glob("mysql-root-*"), key=lambda p: p.stat().st_mtime, reverse=True):
        loader = sorted(root.glob("lib64/ld-linux-*.so.*"))
        path = root / "usr/bin" / NAMES[tool][1]
        if loader and path.exists():
            libc = next((root / "usr/lib").glob("*/libc.so.6"))
            return [str(loader[0]), "--library-path", str(libc.parent), str(path), "--no-defaults",
                    f"--plugin-dir={root}/usr/lib/mysql/plugin"]
    return None


def address_words(port, user="app", password="app"):
    """What tells any of them where to log in, and as whom."""
    return ["--protocol=tcp", "-h127.0.0.1", f"-P{port}", f"-u{user}", f"-p{password}"]


class Terminal:
    """A command-line program in a pseudo-terminal."""

    def __init__(self, words):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", HOME="/nonexistent")
            os.execvp(words[0], words)
        self.text = ""

    def expect(self, pattern, timeout=20):
        deadline = time.monotonic() + timeout
        while not (found := re.search(pattern, self.text, re.S)):
            ready, _, _ = select.select([self.fd], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {pattern!r} in {self.text[-5000:]!r}"
            self.text += os.read(self.fd, 65536).decode(errors="replace")
        before, self.text = self.text[:found.end()], self.text[found.end():]
        return before

    def type(self, line):
        os.write(self.fd, line.encode())

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
