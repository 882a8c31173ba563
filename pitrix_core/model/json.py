"""JSON as it passes through the model, and the three markers a plan may hold instead of a value.

A marker is a mapping with one member whose name starts with ``$``:

``{"$ref": "task#/pointer"}``
    the output of an earlier task of the same plan; resolved when the task is claimed.
``{"$secret": "sec-…"}``
    a stored secret; resolved at the driver call or when a message leaves the Pilot, never stored in
    plans, tasks, events or messages.
``{"$agent": {…}}``
    the user-data of a machine whose agent is described inside
    (:class:`~pitrix_core.model.agent.AgentStart`); resolved at the driver call.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

#: Anything ``json.loads`` returns. ``Any``, since a recursive type would make every reader cast.
JsonValue: TypeAlias = Any
JsonObject: TypeAlias = Mapping[str, Any]


@attrs.frozen
class Ref:
    """The output of an earlier task."""

    task: str
    #: JSON pointer into the task's outputs; empty for all of them.
    pointer: str = ""

    def to_json(self) -> dict[str, str]:
        """Return the marker that stands for it in a plan."""
        return {"$ref": f"{self.task}#{self.pointer}"}


@attrs.frozen
class SecretRef:
    """A stored secret, by its id."""

    id: str

    def to_json(self) -> dict[str, str]:
        """Return the marker that stands for it in plans, tasks and messages."""
        return {"$secret": self.id}


def marker_of(value: JsonValue) -> tuple[str, JsonValue] | None:
    """Return a marker's name and content, or None when the value is not a marker."""
    if isinstance(value, Mapping) and len(value) == 1:
        [(name, content)] = value.items()
        if name in ("$ref", "$secret", "$agent"):
            return name, content
    return None


def referred_tasks(value: JsonValue) -> frozenset[str]:
    """Return the keys of the tasks whose outputs a value refers to, also inside other markers."""
    marker = marker_of(value)
    if marker is not None and marker[0] == "$ref":
        return frozenset({str(marker[1]).partition("#")[0]})
    if isinstance(value, Mapping):
        return frozenset().union(*(referred_tasks(member) for member in value.values()))
    if isinstance(value, list | tuple):
        return frozenset().union(*(referred_tasks(member) for member in value))
    return frozenset()
