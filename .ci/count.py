"""Adds up what the suite's environments ran: the last line of ``make test``."""

import sys
import xml.etree.ElementTree as ET
from pathlib import Path


def main(folder: Path) -> None:
    """Print the sum of the JUnit reports in a folder."""
    reports = [ET.parse(path) for path in folder.glob("*.xml")]  # noqa: S314 (our own files)
    suites = [suite for report in reports for suite in report.iter("testsuite")]
    total = {
        name: sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    }
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    print(f"{passed} passed, {failed} failed, {total['skipped']} skipped")  # noqa: T201


main(Path(sys.argv[1]))
