"""Sets logging up: one line a record, the facts of ``extra`` as ``name=value`` at its end."""

import logging
import sys
from typing import Final

#: Attributes every record has; what is beyond them came with ``extra``.
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Loggers that tell more than anybody asked for.
_TALKATIVE: Final = ("alembic", "httpx", "httpcore", "websockets")


class LineFormatter(logging.Formatter):
    """Writes time in UTC, level, logger, message and facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback follows on lines of its own."""
        facts = [f"{name}={value}" for name, value in vars(record).items() if name not in _STANDARD]
        text = super().format(record)
        head, newline, rest = text.partition("\n")
        return " ".join([head, *facts]) + newline + rest


def set_up_logging(level: str) -> None:
    """Send records of the level and above to standard error; called once per process.

    :param level: ``debug``, ``info``, ``warning`` or ``error``.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
