"""Sets logging up: one line a record, the facts of ``extra`` as ``name=value`` at its end."""

import json
import logging
import sys
import time
from typing import Final

#: Attributes every record has; what is beyond them came with ``extra``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Loggers that tell more than anybody asked for.
_TALKATIVE: Final = ("alembic", "httpx", "httpcore", "websockets")


class LineFormatter(logging.Formatter):
    """Writes time in UTC, level, logger, message and facts.

    Whatever begins a line is a record: further lines of a message, or of a traceback, are indented,
    and a fact is written so that it stays on its line.
    """

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        facts = [
            f"{name}={_shown(value)}"
            for name, value in vars(record).items()
            if name not in _STANDARD
        ]
        head, *rest = super().format(record).splitlines() or [""]
        return "\n".join([" ".join([head, *facts]), *(f"    {line}" for line in rest)])


def _shown(value: object) -> str:
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def set_up_logging(level: str) -> None:
    """Send records of the level and above to standard error; called once per process.

    :param level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
