"""What one flavor's suite is: its tests, what they expect, and the programs that go with it."""

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLUSTER = HERE.parents[1] / "cluster"
# connect (connection, host, user, password, ...
CONNECT = re.compile(r"^\s*(?:--)?\s*connect\s*\(?\s*\w+\s*,[^,\n]*,([^,\n]*),([^,;)\n]*)",
                     re.IGNORECASE | re.MULTILINE)
NAME = re.compile(r"[A-Za-z0-9_]{1,40}")
PASSWORD = re.compile(r"[\w!#%&*+./:=?@^~-]*")


class Suite:
    """Where a flavor's tests, programs and servers are."""

    def __init__(self, flavor):
        self.flavor = flavor
        done = subprocess.run([str(HERE / "get.sh"), flavor], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True, check=True)
        self.folder = Path(done.stdout.splitlines()[-1])
        tests, results = ("main", "main") if flavor == "mariadb" else ("t", "r")
        self.tests = self.folder / tests
        self.results = self.folder / results
        # MySQL runs from an unpacked root, with that root's own loader and libraries.
        self.root, self.run_with = Path("/"), []
        if flavor == "mysql":
            told = subprocess.run(
                ["bash", "-c", '. ./common.sh; . ./mysql.sh; mysql_find_loader; '
                 'printf "%s\\n" "$MYSQL_ROOT" "${MYSQL_RUN[@]}"'],
                cwd=CLUSTER, stdout=subprocess.PIPE, text=True, check=True)
            root, *self.run_with = told.stdout.splitlines()
            self.root = Path(root)
        self.share = self.root / "usr/share/mysql"
        self.plugins = self.root / "usr/lib/mysql/plugin"

    def names(self):
        return sorted(path.stem for path in self.tests.glob("*.test"))

    def logins(self):
        """{user: password}: whom the tests log in as with `connect`. Where the passwords of one
        user differ the shortest is the most usual."""
        found = {}
        for path in sorted(self.tests.glob("*.test")):
            for words in CONNECT.findall(path.read_text(errors="replace")):
                user, password = (word.strip(" '\"") for word in words)
                if NAME.fullmatch(user) and PASSWORD.fullmatch(password):
                    found[user] = min(password, found.get(user, password), key=len)
        # Of names that differ in case only, the configuration takes one.
        names = {name.lower(): name for name in sorted(found)}
        return {name: found[name] for name in names.values()}

    def program(self, name):
        """The words that run one of the flavor's programs."""
        if name == "mysqltest":
            return [*self.run_with, str(self.folder / "bin/mysqltest")]
        if self.flavor == "mysql":
            return [*self.run_with, str(self.root / "usr/bin" / name)]
        names = {"mysql": "mariadb", "mysqldump": "mariadb-dump"}
        return ["/usr/bin/" + names.get(name, name.replace("mysql", "mariadb-", 1))]

    def expected(self, name):
        path = self.results / f"{name}.result"
        return path.read_bytes() if path.exists() else None
