"""Collects what is found in ``config.json`` while it is read."""

import json
from typing import Final

from pitrix_core.findings import Finding, Level

CONFIG_FILE: Final = "config.json"
#: Longest quotation in a message, in characters.
_QUOTED_LIMIT: Final = 60


def shortened(value: object) -> str:
    """Return a value of the package as a message quotes it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _QUOTED_LIMIT else f"{text[:_QUOTED_LIMIT]}…"


class Notes:
    """The findings of one file, in the order they are made."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found so far."""
        return tuple(self._findings)

    def error(self, code: str, pointer: str, message: str) -> None:
        """Note what the package cannot be used with."""
        self.note(Level.ERROR, code, pointer, message)

    def warning(
        self, code: str, pointer: str, message: str, *, next_step: str | None = None
    ) -> None:
        """Note what its author should look at."""
        self.note(Level.WARNING, code, pointer, message, next_step=next_step)

    def note(
        self, level: Level, code: str, pointer: str, message: str, *, next_step: str | None = None
    ) -> None:
        """Note a finding of any level."""
        self._findings.append(
            Finding(
                level=level,
                code=code,
                message=message,
                pointer=pointer,
                file=CONFIG_FILE,
                next_step=next_step,
            )
        )
