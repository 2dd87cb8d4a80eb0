#!/usr/bin/env python3
"""mysqltest.py [options] [FLAVOR] [TEST...]   MariaDB's and MySQL's own main suites, test by test,
directly and through Tidemark at the same time, on two servers with the same history. What a test
prints must be the same on both sides. README.md beside this says more.
"""

import argparse
import contextlib
import difflib
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree

from side import Side
from suite import HERE, Suite

FLAVORS = ("mariadb", "mysql")
DIFF_LINES = 40


class Verdict:
    """What is to be said about one test: `what` is one of WHATS."""

    WHATS = {
        "equal": "the test passes, directly and through Tidemark",
        "not applicable": "it does not pass directly on a plain server; the same through Tidemark",
        "known": "it differs, as written in differences.txt",
        "differs": "it differs: a failure",
    }

    def __init__(self, name, what, direct, proxied, notes):
        self.name, self.what, self.notes = name, what, notes
        self.direct, self.proxied = direct, proxied

    @property
    def seconds(self):
        return max(self.direct.seconds, self.proxied.seconds)


def on_both(function, sides):
    """function(side) for both sides at once; the answers in their order."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(function, sides))


def difference(direct, proxied):
    lines = list(difflib.unified_diff(
        direct.text.splitlines(), proxied.text.splitlines(),
        f"directly: {direct.kind}", f"through Tidemark: {proxied.kind}", lineterm="", n=3))
    cut = [f"... {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return "\n".join(line[:300] for line in lines[:DIFF_LINES] + cut)


class Pair:
    """The two sides, and how one test is judged on them."""

    def __init__(self, suite, folder, options):
        self.sides = [Side(suite, folder / "a", False, options.replicas, options.protocol),
                      Side(suite, folder / "b", True, options.replicas, options.protocol)]
        self.timeout = options.timeout

    def start(self):
        on_both(Side.start, self.sides)

    def stop(self):
        on_both(Side.stop, self.sides)

    def _run(self, name):
        """Once on both sides, then both are put back; new servers where that cannot be sure."""
        direct, proxied = on_both(lambda side: side.run(name, self.timeout), self.sides)
        same = (direct.kind, direct.text) == (proxied.kind, proxied.text)
        well = all(on_both(Side.reset, self.sides))
        if not same or not well or "timeout" in (direct.kind, proxied.kind):
            on_both(Side.anew, self.sides)
        return same, direct, proxied

    def judge(self, name, reason):
        """`reason` is what differences.txt says of the test, or None."""
        notes = []
        same, direct, proxied = self._run(name)
        if not same and reason is None:
            # What earlier tests left must not be what differs: again, on new servers.
            first = difference(direct, proxied)
            same, direct, proxied = self._run(name)
            if same:
                notes.append("differed at first, not on new servers:\n" + first)
        if not same:
            notes.append(difference(direct, proxied))
            what = "known" if reason else "differs"
        else:
            what = "equal" if direct.kind == "passes" else "not applicable"
            if reason:
                notes.append(f"listed in differences.txt ({reason}), but is the same now")
        return Verdict(name, what, direct, proxied, notes)


def read_lines(path):
    """The lines of one of our lists, without comments."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [line for line in lines if line.strip() and not line.startswith("#")]


def read_reasons(file, flavor):
    """{test: reason} of differences.txt or unsteady.txt"""
    entries = [line.split(None, 2) for line in read_lines(HERE / file)]
    return {name: reason for of, name, reason in entries if of == flavor}


def read_list(flavor):
    """The tests of a bounded run, those that take least first."""
    return [line.split()[1] for line in read_lines(HERE / f"{flavor}.tests")]


def run_flavor(flavor, options, seconds):
    """Judges tests until they or the seconds are used up. Returns (verdicts, tests not reached)."""
    begun = time.monotonic()
    suite = Suite(flavor)
    reasons = read_reasons("differences.txt", flavor)
    unsteady = read_reasons("unsteady.txt", flavor)
    names = options.tests or [name for name in (suite.names() if options.all else read_list(flavor))
                              if name not in unsteady]
    verdicts, left = [], list(names)
    top = Path(tempfile.mkdtemp(prefix="tidemark-"))
    pair = Pair(suite, top, options)
    try:
        pair.start()
        while left and time.monotonic() - begun < seconds:
            name = left.pop(0)
            verdicts.append(pair.judge(name, reasons.get(name)))
            tell(flavor, verdicts[-1], options)
    finally:
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, top, ignore_errors=True)
            stack.callback(pair.stop)
    return verdicts, left


def tell(flavor, verdict, options):
    loud = verdict.what == "differs" or (verdict.notes and verdict.what != "known")
    if options.verbose or loud:
        print(f"{flavor} {verdict.name}: {verdict.what}, directly {verdict.direct.kind}, through "
              f"Tidemark {verdict.proxied.kind}, {verdict.seconds:.1f} s", flush=True)
    if loud or (options.verbose > 1 and verdict.notes):
        print("\n".join(verdict.notes), flush=True)


def write_list(flavor, verdicts):
    """Those that pass directly, and how long they take, for bounded runs."""
    known = {line.split()[1]: float(line.split()[0]) for line in read_lines(HERE / f"{flavor}.tests")}
    for verdict in verdicts:
        known.pop(verdict.name, None)
        if verdict.direct.kind == "passes" and verdict.what != "differs":
            known[verdict.name] = verdict.seconds
    lines = [f"{seconds:6.2f} {name}" for name, seconds in
             sorted(known.items(), key=lambda item: (round(item[1], 2), item[0]))]
    (HERE / f"{flavor}.tests").write_text("\n".join(
        ["# Tests that pass on a plain server: seconds, name. Written by mysqltest.py --write-list.",
         *lines, ""]))


def write_results(path, results):
    """For tests/count-results.py, as pytest writes them."""
    top = ElementTree.Element("testsuites")
    for flavor, verdicts in results.items():
        failed = sum(verdict.what == "differs" for verdict in verdicts)
        skipped = sum(verdict.what in ("known", "not applicable") for verdict in verdicts)
        of = ElementTree.SubElement(top, "testsuite", name=f"mysqltest {flavor}", errors="0",
                                    tests=str(len(verdicts)), failures=str(failed),
                                    skipped=str(skipped))
        for verdict in verdicts:
            case = ElementTree.SubElement(of, "testcase", classname=flavor, name=verdict.name,
                                          time=f"{verdict.seconds:.2f}")
            if verdict.what == "differs":
                told = ElementTree.SubElement(case, "failure", message=verdict.what)
                told.text = "\n".join(verdict.notes).encode("ascii", "backslashreplace").decode()
            elif verdict.what != "equal":
                ElementTree.SubElement(case, "skipped", message=Verdict.WHATS[verdict.what])
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(top).write(path)


def summarize(flavor, verdicts, left):
    for what, meaning in Verdict.WHATS.items():
        of = [verdict.name for verdict in verdicts if verdict.what == what]
        print(f"{flavor}: {len(of):4} {what}: {meaning}")
        if of and what in ("known", "differs"):
            print("    " + " ".join(of))
    if left:
        print(f"{flavor}: {len(left):4} not reached in the time there was")


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flavor", nargs="?", choices=FLAVORS, help="only this one")
    parser.add_argument("tests", nargs="*", help="only these tests")
    parser.add_argument("--all", action="store_true", help="every test of the suite, not the list")
    parser.add_argument("--seconds", type=float, metavar="N",
                        default=float(os.environ.get("MYSQLTEST_SECONDS", "600")),
                        help="for everything together; 0: without end ($MYSQLTEST_SECONDS, 600)")
    parser.add_argument("--timeout", type=float, default=60, help="for one test, in seconds")
    parser.add_argument("--replicas", type=int, default=0, help="behind Tidemark; default none")
    parser.add_argument("--protocol", choices=["ps", "cursor", "view", "sp"],
                        help="mysqltest's other ways to send statements")
    parser.add_argument("--results", type=Path, metavar="FILE", help="verdicts as JUnit's XML")
    parser.add_argument("--write-list", action="store_true",
                        help="bring the lists of bounded runs up to date with this run")
    parser.add_argument("-v", "--verbose", action="count", default=0,
                        help="a line for every test; twice: and known differences")
    return parser.parse_args(arguments)


def main():
    options = options_of(None)
    flavors = [options.flavor] if options.flavor else list(FLAVORS)
    end = time.monotonic() + (options.seconds or 1e9)
    results, rest = {}, {}
    for number, flavor in enumerate(flavors):
        # What one does not use of its share is there for the next.
        share = (end - time.monotonic()) / (len(flavors) - number)
        results[flavor], rest[flavor] = run_flavor(flavor, options, share)
    for flavor in flavors:
        summarize(flavor, results[flavor], rest[flavor])
        if options.write_list:
            write_list(flavor, results[flavor])
    if options.results:
        write_results(options.results, results)
    return any(verdict.what == "differs" for of in results.values() for verdict in of)


if __name__ == "__main__":
    sys.exit(main())
