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
    #: Line and column of the place in that file, counted from 1, the column in characters; None
    #: where nobody looked.
    line: int | None = None
    column: int | None = None
    #: What the reader can do now.
    next_step: str | None = None


@attrs.frozen(kw_only=True)
class Rule:
    """What findings of one code have in common; what an author reads who wants to know more."""

    #: The findings' code.
    code: str
    #: What is wrong, in one sentence.
    summary: str
    #: Why it matters, and how it is mended.
    remedy: str


def errors_in(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Keep the findings of level error."""
    return tuple(finding for finding in findings if finding.level is Level.ERROR)
