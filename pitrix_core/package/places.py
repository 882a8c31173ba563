"""Places in texts, as people count them."""

import attrs

from pitrix_core.findings import Finding


@attrs.frozen
class Place:
    """A place in a text, both counted from 1; the column in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        """Return it as messages have it."""
        return f"line {self.line}, column {self.column}"


def place_at(text: str, offset: int) -> Place:
    """Return line and column of an offset in characters."""
    line = text.count("\n", 0, offset) + 1
    return Place(line=line, column=offset - text.rfind("\n", 0, offset))


def placed(finding: Finding, place: Place | None) -> Finding:
    """Return a finding with its line and column; as it is where they are not known."""
    if place is None:
        return finding
    return attrs.evolve(finding, line=place.line, column=place.column)
