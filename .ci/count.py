"""Adds up what environments ran: the last line of ``make test``, ``make labs`` and CI."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(paths: list[Path]) -> None:
    """Print the sum of JUnit reports."""
    reports = [ET.parse(path) for path in paths]  # noqa: S314 (our own files)
    suites = [suite for report in reports for suite in report.iter("testsuite")]
    total = {
        name: sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    print(f"{passed} passed, {failed} failed, {total['skipped']} skipped")  # noqa: T201


main([Path(path) for path in sys.argv[1:]])
