"""What the slow reader of JSON finds: values with their places, wrong commas, faults."""

from collections.abc import Callable

import attrs

from pitrix_core.model import JsonValue
from pitrix_core.package.places import Place


class JsonFaultError(ValueError):
    """A text is not JSON, and not only for its commas."""

    def __init__(self, reason: str, *, offset: int, opened_at: int | None = None) -> None:
        """Keep what is wrong and where, in characters from the beginning.

        :param opened_at: where the bracket is that has no end; the reason ends by naming it.
        """
        super().__init__(reason)
        self.reason = reason
        self.offset = offset
        self.opened_at = opened_at

    def said(self, where: Callable[[int], Place]) -> str:
        """Say what is wrong.

        :param where: says where an offset of the text is.
        """
        if self.opened_at is None:
            return self.reason
        return f"{self.reason} in line {where(self.opened_at).line}"


@attrs.frozen(kw_only=True)
class Slip:
    """A comma that is wrong."""

    message: str
    #: Where it is, or should be, in characters from the beginning.
    offset: int
    #: What it stands after, or where it is the first thing in.
    pointer: str


@attrs.define
class Spot:
    """Where something stands: a member at its name, everything else at its beginning."""

    offset: int
    #: By the part of the pointer that leads there.
    parts: dict[str, "Spot"] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Scan:
    """What a text says, and where."""

    value: JsonValue
    top: Spot
    #: In the order of the text.
    slips: tuple[Slip, ...]
    #: Pointers of members that are there more than once; of them the last counts.
    repeated: tuple[str, ...]
