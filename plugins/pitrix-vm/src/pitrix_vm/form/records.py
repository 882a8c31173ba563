"""What ``config.json`` says, as records: a tree of groups and parameters."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from pitrix_core.findings import Finding
from pitrix_core.model import JsonValue

#: What stands for a value that nobody gave, by type; null for the others.
_EMPTY: Final[Mapping[str, JsonValue]] = {
    **dict.fromkeys(("string", "password", "service", "accesskey", "vxnet", "eip"), ""),
    "loadbalancer": [],
}


@attrs.frozen(kw_only=True)
class Leaf:
    """One parameter."""

    key: str
    #: Keys from the root joined with dots; what tags name.
    path: str
    type: str
    label: str = ""
    description: str = ""
    is_required: bool = False
    #: As written; ``has_default`` tells null from nothing.
    default: JsonValue = None
    has_default: bool = False
    #: Values to choose from; empty for any.
    choices: tuple[JsonValue, ...] = ()
    is_multichoice: bool = False
    separator: str = ","
    minimum: int | float | None = None
    maximum: int | float | None = None
    step: int | None = None
    pattern: str | None = None

    @property
    def fallback(self) -> JsonValue:
        """The value a template sees when the user gave none."""
        return self.default if self.has_default else _EMPTY.get(self.type)


@attrs.frozen(kw_only=True)
class Group:
    """A node of the tree with parameters below it."""

    key: str
    label: str = ""
    description: str = ""
    #: In the order of the form.
    members: tuple["Leaf | Group", ...] = ()

    def leaves(self) -> Iterator[Leaf]:
        """Return every parameter below, in the order of the form."""
        for member in self.members:
            if isinstance(member, Group):
                yield from member.leaves()
            else:
                yield member


@attrs.frozen(kw_only=True)
class Form:
    """The whole tree."""

    root: Group
    #: What its author should know, none of it of level error.
    findings: tuple[Finding, ...] = ()
