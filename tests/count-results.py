#!/usr/bin/env python3
"""count-results.py BUILD: adds up what the test runners left in BUILD/**/results and prints it.

The runners of programs leave files with "passed failed", pytest and tests/suites leave XML. A group that is
missing did not run, and that is a failure.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

GROUPS = ["san/results/unit", "san/results/wire", "san/results/fuzz-replay",
          "tsan/results/threads", "san/results/live.xml"]


def count(path):
    """(passed, failed, skipped) of one file."""
    if path.suffix != ".xml":
        passed, failed = map(int, path.read_text().split())
        return passed, failed, 0
    totals = [0, 0, 0]
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        failed = int(suite.get("failures")) + int(suite.get("errors"))
        skipped = int(suite.get("skipped"))
        totals[0] += int(suite.get("tests")) - failed - skipped
        totals[1] += failed
        totals[2] += skipped
    return tuple(totals)


def main():
    build = Path(sys.argv[1])
    passed = failed = 0
    for name in GROUPS:
        path = build / name
        if not path.exists():
            print(f"{name}: did not run")
            failed += 1
            continue
        ok, bad, skipped = count(path)
        print(f"{name}: {ok} passed, {bad} failed" + (f", {skipped} skipped" if skipped else ""))
        passed += ok
        failed += bad
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
