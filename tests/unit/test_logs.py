"""Log lines: one a record, its facts at the end, and nothing that only looks like one."""

import logging
import re
from collections.abc import Iterator

import pytest

from pitrix_core.logs import LineFormatter, set_up_logging


def line(message: str, *arguments: object, **extra: object) -> str:
    """Return what is written of a record."""
    record = logging.makeLogRecord(
        {"name": "x", "levelname": "INFO", "msg": message, "args": arguments, **extra}
    )
    return LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s").format(record)


def test_times_are_utc() -> None:
    """Wherever the machine is."""
    assert line("x", created=0.0, msecs=25.0).startswith("1970-01-01T00:00:00.025Z INFO x: x")


def test_facts_stand_at_the_end() -> None:
    """As name and value; one that would break the line is quoted."""
    written = line("Did %s", "it", job_id="job-1", count=2, reason="two words\nERROR")

    assert written.endswith('Did it job_id=job-1 count=2 reason="two words\\nERROR"')


def test_a_traceback_follows() -> None:
    """After the facts of its record."""
    error = ValueError("no\nERROR: not a record")
    written = line("Failed", exc_info=(ValueError, error, None), job_id="job-1")

    head, *rest = written.splitlines()
    assert head.endswith("Failed job_id=job-1")
    assert all(one.startswith("    ") for one in rest)
    assert "ValueError: no" in written


def test_a_message_cannot_look_like_two_records() -> None:
    """It may quote what came from outside."""
    first, second = line("Bad: %s", "x\n2026-01-01 ERROR y: z").splitlines()

    assert re.search(r"Bad: x$", first)
    assert second == "    2026-01-01 ERROR y: z"


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """The root logger, put back as it was after the test has changed it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers = handlers
    root.setLevel(level)


def test_records_of_the_level_go_to_standard_error(
    root_logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """Those below it do not, nor what talkative libraries say in passing."""
    root_logger.handlers = []  # pytest's own come after the fixtures
    set_up_logging("info")

    logging.getLogger("ours").info("said", extra={"action": "a"})
    logging.getLogger("ours").debug("whispered")
    logging.getLogger("httpx").info("chatted")
    logging.getLogger("httpx").warning("warned")

    written = capsys.readouterr()
    assert written.out == ""
    assert [one.partition(": ")[2] for one in written.err.splitlines()] == [
        "said action=a",
        "warned",
    ]
