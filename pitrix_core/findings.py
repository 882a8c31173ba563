"""One remark about something that was checked; what checks return and errors carry."""

import enum
from collections.abc import Iterable

import attrs


class Level(enum.StrEnum):
    """How much a finding matters."""

    ERROR = "error"  #: it cannot go on like this
    WARNING = "warning"  #: it can go on, and somebody should look
    INFO = "info"  #: good to know


@attrs.frozen(kw_only=True)
class Finding:
    """What was found, where, and what to do about it."""

    level: Level
    #: Stable word for programs, such as ``config.minimum``.
    code: str
    #: One sentence for a person.
    message: str
    #: Place in the checked document as a JSON pointer (RFC 6901); empty for the whole of it.
    pointer: str = ""
    #: File the place is in, when several were checked.
    file: str | None = None
    #: What the reader can do now.
    next_step: str | None = None


def errors_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the findings of level error."""
    return tuple(finding for finding in findings if finding.level is Level.ERROR)
